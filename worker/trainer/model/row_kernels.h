// Loops over rows of fp32 on the CPU that would else be several passes over memory each. Plain pointers;
// thread-safe.
#pragma once

#include <cstdint>

namespace lorikeet::trainer {

// Which elements dropout zeroes, and what the others are multiplied by. Numbered, not drawn in turn: the mask
// of an element depends on `key`, its row and its column alone, so any number of threads makes the same.
struct DropoutMask {
  std::uint64_t key = 0;
  std::uint32_t threshold = 0;  // of 65536; 0: nothing is dropped
  float scale = 1;              // 1 / (1 - threshold / 65536): expectations are kept exactly
};

// y[i] = x[i] · mask of (row, i). y may be x. Added to y instead where `add`.
void DropRow(const DropoutMask& mask, std::uint64_t row, std::int64_t count, const float* x, float* y,
             bool add = false);

// s = softmax(s + position + mask_bias); either bias may be null.
void SoftmaxRow(std::int64_t count, const float* position, const float* mask_bias, float* s);

// The gradient of the scores from the weights' p and their gradient: g = p · (g − Σ g p).
void SoftmaxGradientRow(std::int64_t count, const float* p, float* g);

// y = weight · x / √(mean(x²) + ε); returns 1 / √(mean(x²) + ε).
float NormRow(std::int64_t count, double epsilon, const float* x, const float* weight, float* y);

// gx = the gradient of x from that of y, `g`; adds to gweight unless it is null.
void NormGradientRow(std::int64_t count, float inverse, const float* x, const float* weight, const float* g,
                     float* gx, float* gweight);

// One query [width] against keys [keys, width]: scores[n] = query · key[n].
void ScoreKeys(std::int64_t keys, std::int64_t width, const float* query, const float* key, float* scores);
// The same against keys [width, keys].
void ScoreColumns(std::int64_t keys, std::int64_t width, const float* query, const float* key, float* scores);
// out [width] = Σ weights[n] · value[n].
void MixValues(std::int64_t keys, std::int64_t width, const float* weights, const float* value, float* out);
// y += a x.
void AddScaled(std::int64_t count, float a, const float* x, float* y);

}  // namespace lorikeet::trainer
