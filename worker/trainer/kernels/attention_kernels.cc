#include "worker/trainer/kernels/attention_kernels.h"

#include <limits>

namespace lorikeet::trainer {
namespace {

// Four keys at a time: two pairs, one of each half of a group, which share their draws.
struct Quad {
  std::int64_t keys[4];
  std::uint32_t word;  // of the first pair's first draw; the second is the next
};

constexpr std::int64_t kQuadsOfGroup = kKeyGroup / 4;

LORIKEET_INLINE Quad QuadAt(std::int64_t number) {
  const std::int64_t group = number / kQuadsOfGroup, c = number % kQuadsOfGroup * 2;
  const std::int64_t n = group * kKeyGroup + c;
  return {{n, n + 1, n + kDropoutHalf, n + kDropoutHalf + 1},
          static_cast<std::uint32_t>(group * kDropoutHalf + c)};
}

LORIKEET_INLINE float Factor(std::uint32_t draw, std::uint32_t threshold, float scale) {
  return draw < threshold ? 0.0f : scale;
}

// Writes a quad's values of one query.
LORIKEET_INLINE void StorePlain(float* const* to, std::int64_t q, float a, float b, float c, float d) {
  to[0][q] = a, to[1][q] = b, to[2][q] = c, to[3][q] = d;
}
LORIKEET_INLINE void StorePlain(Bfloat16Bits* const* to, std::int64_t q, float a, float b, float c, float d) {
  Narrow(a, to[0][q]), Narrow(b, to[1][q]), Narrow(c, to[2][q]), Narrow(d, to[3][q]);
}
LORIKEET_INLINE std::uint32_t Pair(float first, float second) {
  return RoundToBfloat16(first) | (RoundToBfloat16(second) << 16);
}

// What a block holds, read once: a read that depends on a comparison is a branch, and branches are no
// vectors.
struct Drops {
  explicit Drops(const ScoreBlock& block)
      : starts(block.starts), strides(block.strides), threshold(block.threshold), scale(block.scale) {}
  // The factors of a quad's keys for query q.
  template <bool kDrops>
  LORIKEET_INLINE void Factors(std::uint32_t word, std::int64_t q, float& f0, float& f1, float& f2,
                               float& f3) const {
    if constexpr (kDrops) {
      const std::uint32_t even = Scatter32(starts[q] + word * strides[q]);
      const std::uint32_t odd = Scatter32(starts[q] + (word + 1) * strides[q]);
      f0 = Factor(even & 0xffffU, threshold, scale);
      f1 = Factor(odd & 0xffffU, threshold, scale);
      f2 = Factor(even >> 16, threshold, scale);
      f3 = Factor(odd >> 16, threshold, scale);
    } else {
      f0 = f1 = f2 = f3 = 1;
    }
  }
  const std::uint32_t *const starts, *const strides;
  const std::uint32_t threshold;
  const float scale;
};

template <bool kBias>
LORIKEET_INLINE void AddBiasAndFindTop(const ScoreBlock& block, float* top) {
  const std::int64_t queries = block.queries;
  for (std::int64_t q = 0; q < queries; ++q) top[q] = -std::numeric_limits<float>::infinity();
  for (std::int64_t n = 0; n < block.keys; ++n) {
    float* const s = block.scores + n * queries;
    const float bias = block.key_bias[n];
    const float* const relative = kBias ? block.relative - n : nullptr;
#pragma omp simd
    for (std::int64_t q = 0; q < queries; ++q) {
      const float score = s[q] + (kBias ? relative[q] + bias : bias);
      s[q] = score;
      top[q] = top[q] < score ? score : top[q];
    }
  }
}

template <bool kDrops, typename T>
LORIKEET_INLINE void ExponentialsOf(const ScoreBlock& block, T* weights, const float* top, float* sum) {
  const std::int64_t queries = block.queries, quads = block.keys / 4;
  const float* const scores = block.scores;
  const Drops drops(block);
  for (std::int64_t q = 0; q < queries; ++q) sum[q] = 0;
  for (std::int64_t i = 0; i < quads; ++i) {
    const Quad quad = QuadAt(i);
    const float *const s0 = scores + quad.keys[0] * queries, *const s1 = s0 + queries;
    const float *const s2 = scores + quad.keys[2] * queries, *const s3 = s2 + queries;
    // In pairs, two rows lie in the place of two: a 32-bit word for each query.
    T *const first = weights + quad.keys[0] * queries, *const second = weights + quad.keys[2] * queries;
    auto *const first_pairs = reinterpret_cast<std::uint32_t*>(first), *const second_pairs =
                                                                           reinterpret_cast<std::uint32_t*>(
                                                                               second);
    const std::uint32_t word = quad.word;
#pragma omp simd
    for (std::int64_t q = 0; q < queries; ++q) {
      const float p0 = Exp(s0[q] - top[q]), p1 = Exp(s1[q] - top[q]);
      const float p2 = Exp(s2[q] - top[q]), p3 = Exp(s3[q] - top[q]);
      sum[q] += (p0 + p1) + (p2 + p3);
      float f0, f1, f2, f3;
      drops.Factors<kDrops>(word, q, f0, f1, f2, f3);
      if constexpr (sizeof(T) == sizeof(float)) {
        first[q] = p0 * f0, first[queries + q] = p1 * f1, second[q] = p2 * f2, second[queries + q] = p3 * f3;
      } else {
        first_pairs[q] = Pair(p0 * f0, p1 * f1);
        second_pairs[q] = Pair(p2 * f2, p3 * f3);
      }
    }
  }
}

template <typename T>
LORIKEET_INLINE void AnyExponentials(const ScoreBlock& block, T* weights, float* top, float* sum) {
  block.relative ? AddBiasAndFindTop<true>(block, top) : AddBiasAndFindTop<false>(block, top);
  block.starts ? ExponentialsOf<true>(block, weights, top, sum)
               : ExponentialsOf<false>(block, weights, top, sum);
}

// kSums: whether the relative bias is trained; it then exists.
template <bool kDrops, bool kBias, bool kSums, typename T>
LORIKEET_INLINE void GradientsOf(const ScoreBlock& block, const ScoreGradients<T>& out) {
  const std::int64_t queries = block.queries, quads = block.keys / 4;
  const float *const log_sums = out.log_sum, *const deltas = out.delta;
  const Drops drops(block);
  for (std::int64_t i = 0; i < quads; ++i) {
    const Quad quad = QuadAt(i);
    const float *s[4], *g[4], *relative[4];
    float bias[4], *table[4];
    T *dropped[4], *gradients[4];
    for (int k = 0; k < 4; ++k) {
      const std::int64_t n = quad.keys[k];
      s[k] = block.scores + n * queries;
      g[k] = out.weight_gradients + n * queries;
      relative[k] = kBias ? block.relative - n : nullptr;
      bias[k] = block.key_bias[n];
      dropped[k] = out.dropped + n * queries;
      gradients[k] = out.gradients + n * queries;
      table[k] = kSums ? out.relative + n % kKeyGroup * out.relative_stride - n : nullptr;
    }
    auto* const first = reinterpret_cast<std::uint32_t*>(out.gradients_in_pairs + quad.keys[0] * queries);
    auto* const second = reinterpret_cast<std::uint32_t*>(out.gradients_in_pairs + quad.keys[2] * queries);
    const std::uint32_t word = quad.word;
#pragma omp simd
    for (std::int64_t q = 0; q < queries; ++q) {
      float b0 = bias[0], b1 = bias[1], b2 = bias[2], b3 = bias[3];
      if constexpr (kBias) {
        b0 += relative[0][q], b1 += relative[1][q], b2 += relative[2][q], b3 += relative[3][q];
      }
      const float log_sum = log_sums[q], delta = deltas[q];
      const float p0 = Exp(s[0][q] + b0 - log_sum), p1 = Exp(s[1][q] + b1 - log_sum);
      const float p2 = Exp(s[2][q] + b2 - log_sum), p3 = Exp(s[3][q] + b3 - log_sum);
      float f0, f1, f2, f3;
      drops.Factors<kDrops>(word, q, f0, f1, f2, f3);
      StorePlain(dropped, q, p0 * f0, p1 * f1, p2 * f2, p3 * f3);
      const float d0 = p0 * (f0 * g[0][q] - delta), d1 = p1 * (f1 * g[1][q] - delta);
      const float d2 = p2 * (f2 * g[2][q] - delta), d3 = p3 * (f3 * g[3][q] - delta);
      StorePlain(gradients, q, d0, d1, d2, d3);
      if constexpr (sizeof(T) != sizeof(float)) {
        first[q] = Pair(d0, d1);
        second[q] = Pair(d2, d3);
      }
      if constexpr (kSums) {
        table[0][q] += d0, table[1][q] += d1, table[2][q] += d2, table[3][q] += d3;
      }
    }
  }
}

template <bool kDrops, typename T>
LORIKEET_INLINE void GradientsWith(const ScoreBlock& block, const ScoreGradients<T>& gradients) {
  if (gradients.relative) {
    GradientsOf<kDrops, true, true>(block, gradients);
  } else if (block.relative) {
    GradientsOf<kDrops, true, false>(block, gradients);
  } else {
    GradientsOf<kDrops, false, false>(block, gradients);
  }
}

template <typename T>
LORIKEET_INLINE void AnyGradients(const ScoreBlock& block, const ScoreGradients<T>& gradients) {
  block.starts ? GradientsWith<true>(block, gradients) : GradientsWith<false>(block, gradients);
}

}  // namespace

LORIKEET_VECTORISED
void Exponentials(const ScoreBlock& block, float* weights, float* top, float* sum) {
  AnyExponentials(block, weights, top, sum);
}

LORIKEET_VECTORISED
void Exponentials(const ScoreBlock& block, Bfloat16Bits* weights, float* top, float* sum) {
  AnyExponentials(block, weights, top, sum);
}

LORIKEET_VECTORISED
void Gradients(const ScoreBlock& block, const ScoreGradients<float>& gradients) {
  AnyGradients(block, gradients);
}

LORIKEET_VECTORISED
void Gradients(const ScoreBlock& block, const ScoreGradients<Bfloat16Bits>& gradients) {
  AnyGradients(block, gradients);
}

}  // namespace lorikeet::trainer
