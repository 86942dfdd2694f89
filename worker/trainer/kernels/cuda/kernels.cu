#include "worker/trainer/kernels/cuda/kernels.h"

namespace lorikeet::trainer::cuda {
namespace {

constexpr int kThreads = 128;

__device__ float Widen(float x) { return x; }
__device__ float Widen(__nv_bfloat16 x) { return __bfloat162float(x); }
__device__ void Narrow(float x, float& y) { y = x; }
__device__ void Narrow(float x, __nv_bfloat16& y) { y = __float2bfloat16(x); }

// The block's sum or maximum, to all of its threads.
template <typename Combine>
__device__ float Reduce(float value, Combine combine) {
  __shared__ float partial[kThreads / 32];
  for (int step = 16; step > 0; step /= 2) value = combine(value, __shfl_xor_sync(0xffffffffU, value, step));
  __syncthreads();  // the former reduction has been read
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = value;
  __syncthreads();
  float result = partial[0];
  for (int i = 1; i < kThreads / 32; ++i) result = combine(result, partial[i]);
  return result;
}
struct Sum {
  __device__ float operator()(float a, float b) const { return a + b; }
};
struct Maximum {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

__device__ float FactorAt(const DropoutMask& mask, const DropoutRow& row, std::int64_t column) {
  return mask.threshold > 0 ? DropoutFactor(mask, row, column) : 1.0f;
}

// A block a row.
template <typename From, typename To>
__global__ void DropKernel(DropoutMask mask, RowShape shape, const From* x, const float* hidden, To* y) {
  const std::int64_t row = blockIdx.x, each = shape.groups * shape.rows, within = row % each;
  const DropoutRow draws = RowOf(mask, row / each, DropoutRowNumber(within / shape.rows, within % shape.rows));
  for (std::int64_t i = threadIdx.x; i < shape.columns; i += kThreads) {
    const std::int64_t at = row * shape.columns + i;
    const float dropped = Widen(x[at]) * FactorAt(mask, draws, i);
    Narrow(hidden ? hidden[at] + dropped : dropped, y[at]);
  }
}

struct ScoreRow {
  __device__ ScoreRow(const ScoreShape& shape, std::int64_t row)
      : document(row / (shape.heads * shape.queries)),
        head(row / shape.queries % shape.heads),
        query(row % shape.queries) {}
  std::int64_t document, head, query;
};

template <typename T>
__global__ void SoftmaxKernel(DropoutMask dropout, ScoreShape shape, const T* scores, const float* relative,
                              const float* mask, T* weights, T* dropped) {
  const std::int64_t number = blockIdx.x, start = number * shape.keys;
  const ScoreRow row(shape, number);
  const float* const biases =
      relative ? relative + row.head * (shape.keys - 1 + shape.queries) + row.query + shape.keys - 1 : nullptr;
  const float* const masked = mask ? mask + row.document * shape.keys : nullptr;
  const auto score = [&](std::int64_t n) {
    float s = Widen(scores[start + n]);
    if (biases) s += biases[-n];
    if (masked) s += masked[n];
    return s;
  };
  float top = -INFINITY;
  for (std::int64_t n = threadIdx.x; n < shape.keys; n += kThreads) top = fmaxf(top, score(n));
  top = Reduce(top, Maximum());
  float sum = 0;
  for (std::int64_t n = threadIdx.x; n < shape.keys; n += kThreads) sum += expf(score(n) - top);
  const float inverse = 1 / Reduce(sum, Sum());
  const DropoutRow draws = RowOf(dropout, row.document, DropoutRowNumber(row.head, row.query));
  for (std::int64_t n = threadIdx.x; n < shape.keys; n += kThreads) {
    const float weight = expf(score(n) - top) * inverse;
    Narrow(weight, weights[start + n]);
    if (dropped != weights) Narrow(weight * FactorAt(dropout, draws, n), dropped[start + n]);
  }
}

template <typename T>
__global__ void SoftmaxGradientKernel(DropoutMask dropout, ScoreShape shape, const T* weights, const T* gradient,
                                      T* score_gradient) {
  const std::int64_t number = blockIdx.x, start = number * shape.keys;
  const ScoreRow row(shape, number);
  const DropoutRow draws = RowOf(dropout, row.document, DropoutRowNumber(row.head, row.query));
  const auto of_weight = [&](std::int64_t n) { return Widen(gradient[start + n]) * FactorAt(dropout, draws, n); };
  float dot = 0;
  for (std::int64_t n = threadIdx.x; n < shape.keys; n += kThreads) dot += of_weight(n) * Widen(weights[start + n]);
  dot = Reduce(dot, Sum());
  for (std::int64_t n = threadIdx.x; n < shape.keys; n += kThreads) {
    Narrow(Widen(weights[start + n]) * (of_weight(n) - dot), score_gradient[start + n]);
  }
}

// A block a diagonal of a head.
template <typename T>
__global__ void RelativeGradientKernel(ScoreShape shape, const T* score_gradient, float* relative_gradient) {
  const std::int64_t columns = shape.keys - 1 + shape.queries, head = blockIdx.x / columns;
  const std::int64_t distance = blockIdx.x % columns - (shape.keys - 1);  // query − key
  float sum = 0;
  for (std::int64_t i = threadIdx.x; i < shape.documents * shape.queries; i += kThreads) {
    const std::int64_t document = i / shape.queries, query = i % shape.queries, key = query - distance;
    if (key < 0 || key >= shape.keys) continue;
    sum += Widen(score_gradient[((document * shape.heads + head) * shape.queries + query) * shape.keys + key]);
  }
  sum = Reduce(sum, Sum());
  if (threadIdx.x == 0) relative_gradient[blockIdx.x] = sum;
}

unsigned Blocks(std::int64_t count) { return static_cast<unsigned>(count); }
std::int64_t RowsOf(const ScoreShape& shape) { return shape.documents * shape.heads * shape.queries; }

}  // namespace

template <typename From, typename To>
void LaunchDrop(const DropoutMask& mask, const RowShape& shape, const From* x, const float* hidden, To* y,
                cudaStream_t stream) {
  DropKernel<<<Blocks(shape.all_rows), kThreads, 0, stream>>>(mask, shape, x, hidden, y);
}
template void LaunchDrop(const DropoutMask&, const RowShape&, const float*, const float*, float*, cudaStream_t);
template void LaunchDrop(const DropoutMask&, const RowShape&, const float*, const float*, __nv_bfloat16*, cudaStream_t);
template void LaunchDrop(const DropoutMask&, const RowShape&, const __nv_bfloat16*, const float*, float*, cudaStream_t);
template void LaunchDrop(const DropoutMask&, const RowShape&, const __nv_bfloat16*, const float*, __nv_bfloat16*,
                         cudaStream_t);

template <typename T>
void LaunchSoftmax(const DropoutMask& dropout, const ScoreShape& shape, const T* scores, const float* relative,
                   const float* mask, T* weights, T* dropped, cudaStream_t stream) {
  SoftmaxKernel<<<Blocks(RowsOf(shape)), kThreads, 0, stream>>>(dropout, shape, scores, relative, mask, weights,
                                                               dropped);
}
template <typename T>
void LaunchSoftmaxGradient(const DropoutMask& dropout, const ScoreShape& shape, const T* weights, const T* gradient,
                           T* score_gradient, cudaStream_t stream) {
  SoftmaxGradientKernel<<<Blocks(RowsOf(shape)), kThreads, 0, stream>>>(dropout, shape, weights, gradient,
                                                                       score_gradient);
}
template <typename T>
void LaunchRelativeGradient(const ScoreShape& shape, const T* score_gradient, float* relative_gradient,
                            cudaStream_t stream) {
  RelativeGradientKernel<<<Blocks(shape.heads * (shape.keys - 1 + shape.queries)), kThreads, 0, stream>>>(
      shape, score_gradient, relative_gradient);
}

#define LORIKEET_SOFTMAX(T)                                                                                       \
  template void LaunchSoftmax(const DropoutMask&, const ScoreShape&, const T*, const float*, const float*, T*, T*, \
                              cudaStream_t);                                                                      \
  template void LaunchSoftmaxGradient(const DropoutMask&, const ScoreShape&, const T*, const T*, T*, cudaStream_t); \
  template void LaunchRelativeGradient(const ScoreShape&, const T*, float*, cudaStream_t);
LORIKEET_SOFTMAX(float)
LORIKEET_SOFTMAX(__nv_bfloat16)

}  // namespace lorikeet::trainer::cuda
