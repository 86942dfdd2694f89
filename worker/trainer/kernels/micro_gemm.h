// Small matrix products on one thread, for kernels that cut a larger one into blocks that stay in the cache:
// oneDNN's batch-reduce GEMM as LibTorch exports it, with tile instructions where the processor has them.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace lorikeet::trainer {

// Whether bfloat16 products run here at the speed that the type is for.
bool HasBfloat16Products();

// c [m, n] = a [m, k] · b [k, n], or added to c. fp32: all row by row, `ld` floats apart.
void MicroGemm(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda,
               const float* b, std::int64_t ldb, float* c, std::int64_t ldc, bool add);
// bf16: k is even and b's rows are interleaved in pairs, [k / 2, ldb, 2]. Only where HasBfloat16Products().
void MicroGemm(std::int64_t m, std::int64_t n, std::int64_t k, const at::BFloat16* a, std::int64_t lda,
               const at::BFloat16* b, std::int64_t ldb, float* c, std::int64_t ldc, bool add);

// A thread that has called MicroGemm holds one of these meanwhile: the processor's tiles are put back after
// it.
class MicroGemmScope {
 public:
  MicroGemmScope() = default;
  ~MicroGemmScope();
  MicroGemmScope(const MicroGemmScope&) = delete;
  MicroGemmScope& operator=(const MicroGemmScope&) = delete;
};

}  // namespace lorikeet::trainer
