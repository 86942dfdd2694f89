#include "worker/trainer/model/attention.h"

#include <algorithm>
#include <vector>

#include "worker/trainer/model/dropout.h"
#include "worker/trainer/model/fused_attention.h"
#include "worker/trainer/model/micro_gemm.h"
#include "worker/trainer/model/parallel.h"
#include "worker/trainer/model/row_kernels.h"

namespace lorikeet::trainer {
namespace {

bool OnCpuInFp32(const at::Tensor& x) { return x.is_cpu() && x.scalar_type() == at::kFloat; }

// scores [B, H, Q, N] fp32.
at::Tensor AddBias(at::Tensor scores, const ScoreBias& bias) {
  if (bias.relative.defined()) {
    // Windows of N columns: the one that starts at s holds what query Q − 1 − s … adds, its last key first.
    const at::Tensor windows = bias.relative.unfold(1, scores.size(3), 1);  // [H, Q, N]: [q][N − 1 − n]
    scores = scores + windows.flip(2).unsqueeze(0);
  }
  if (bias.mask.defined()) scores = scores + bias.mask.unsqueeze(1).unsqueeze(1);
  return scores;
}

at::Tensor FusedInAnyType(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                          const ScoreBias& bias, const DropoutMask& mask) {
  if (query.scalar_type() == at::kFloat || HasBfloat16Products()) {
    return FusedAttention(query, key, value, bias.relative, bias.mask, mask);
  }
  const auto widened = [](const at::Tensor& x) { return x.to(at::kFloat); };
  return FusedAttention(widened(query), widened(key), widened(value), bias.relative, bias.mask, mask)
      .to(query.scalar_type());
}

// One head of one document: `hypotheses` queries to the same keys.
struct StepTask {
  const float *query, *key, *value;  // query: rows `row_stride` apart; value: [keys, width]
  KeyLayout layout;                  // key: [keys, width] or [width, keys]
  const float *position, *mask;      // [keys] each, may be null
  float* out;                        // as query
  std::int64_t hypotheses, row_stride, keys, width;
};

void Run(const StepTask& task, float* scores) {
  for (std::int64_t row = 0; row < task.hypotheses; ++row) {
    const float* const query = task.query + row * task.row_stride;
    (task.layout == KeyLayout::kRows ? ScoreKeys : ScoreColumns)(task.keys, task.width, query, task.key,
                                                                 scores);
    SoftmaxRow(task.keys, task.position, task.mask, scores);
    MixValues(task.keys, task.width, scores, task.value, task.out + row * task.row_stride);
  }
}

at::Tensor StepOnCpu(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     KeyLayout layout, std::int64_t keys, const at::Tensor& given_position,
                     const at::Tensor& given_mask) {
  const std::int64_t documents = value.size(0), heads = value.size(1), capacity = value.size(2);
  const std::int64_t width = value.size(3);
  const std::int64_t hypotheses = query.size(0) / documents, joined = heads * width;
  at::Tensor out = at::empty(query.sizes(), query.options());
  const at::Tensor position = given_position.defined() ? given_position.contiguous() : given_position;
  const at::Tensor mask = given_mask.defined() ? given_mask.contiguous() : given_mask;
  const float* const positions = position.defined() ? position.const_data_ptr<float>() : nullptr;
  const float* const masks = mask.defined() ? mask.const_data_ptr<float>() : nullptr;
  const float* const queries = query.const_data_ptr<float>();
  const float* const key_data = key.const_data_ptr<float>();
  const float* const value_data = value.const_data_ptr<float>();
  float* const outs = out.mutable_data_ptr<float>();
  constexpr std::int64_t kGrain = 65536;  // products worth a thread
  const std::int64_t each = std::max<std::int64_t>(1, kGrain / (hypotheses * keys * width));
  ParallelFor(0, documents * heads, each, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scores(static_cast<std::size_t>(keys));
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t document = i / heads, head = i % heads;
      const std::int64_t at = document * hypotheses * joined + head * width, cached = i * capacity * width;
      Run({queries + at, key_data + cached, value_data + cached, layout,
           positions ? positions + head * keys : nullptr, masks ? masks + document * keys : nullptr,
           outs + at, hypotheses, joined, keys, width},
          scores.data());
    }
  });
  return out;
}

}  // namespace

at::Tensor Project(const Linear& linear, std::int64_t heads, const at::Tensor& x,
                   const ForwardContext& context) {
  const at::Tensor y = Apply(linear, x, context);  // [B, n, H·K]
  return y.view({y.size(0), y.size(1), heads, -1}).transpose(1, 2);
}

at::Tensor Attend(const Attention& attention, const at::Tensor& query, const at::Tensor& key,
                  const at::Tensor& value, const ScoreBias& bias, const ForwardContext& context) {
  const DropoutMask mask = context.dropout ? context.dropout->NextMask() : DropoutMask{};
  if (query.is_cpu()) return Apply(attention.o, FusedInAnyType(query, key, value, bias, mask), context);
  const at::Tensor scores =
      AddBias(at::matmul(query, key.transpose(2, 3)).to(at::kFloat), bias);  // [B, H, Q, N]
  at::Tensor weights = at::softmax(scores, -1).to(value.scalar_type());
  if (mask.threshold > 0) {
    weights = weights * DropoutFactors(mask, weights.sizes(), weights.device()).to(weights.scalar_type());
  }
  const at::Tensor mixed = at::matmul(weights, value);                   // [B, H, Q, K]
  const at::Tensor joined = mixed.transpose(1, 2).flatten(/*start=*/2);  // [B, Q, H·K]
  return Apply(attention.o, joined, context);
}

at::Tensor AttendStep(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                      KeyLayout layout, std::int64_t keys, const at::Tensor& position,
                      const at::Tensor& mask) {
  if (OnCpuInFp32(query)) return StepOnCpu(query, key, value, layout, keys, position, mask);
  const std::int64_t documents = value.size(0), heads = value.size(1), width = value.size(3);
  const at::Tensor queries =
      query.view({documents, -1, heads, width}).transpose(1, 2);  // [B, H, hypotheses, K]
  const at::Tensor columns = layout == KeyLayout::kColumns ? key : key.narrow(2, 0, keys).transpose(2, 3);
  at::Tensor scores = at::matmul(queries, columns).to(at::kFloat);
  if (position.defined()) scores = scores + position.unsqueeze(1);
  if (mask.defined()) scores = scores + mask.unsqueeze(1).unsqueeze(1);
  const at::Tensor weights = at::softmax(scores, -1).to(value.scalar_type());
  return at::matmul(weights, value.narrow(2, 0, keys)).transpose(1, 2).reshape(query.sizes());
}

at::Tensor MaskBias(const at::Tensor& mask) {
  if (mask.all().item<bool>()) return {};
  const at::Tensor bias = at::zeros(mask.sizes(), mask.options().dtype(at::kFloat));
  return bias.masked_fill_(mask.logical_not(), kMasked);
}

}  // namespace lorikeet::trainer
