#include "worker/trainer/kernels/micro_gemm.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/native/CPUBlas.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mm.h>

namespace lorikeet::trainer {
namespace {

namespace blas = at::native::cpublas;

// LibTorch says it of packed types only; of fp32 a try tells.
bool TryFloatProducts() {
  try {
    const float one = 1;
    float c = 0;
    blas::brgemm(1, 1, 1, 1, 1, 1, /*add_C=*/false, &one, &one, &c, /*is_vnni=*/false);
    return c == 1;
  } catch (const c10::Error&) {
    return false;
  }
}

bool HasFloatProducts() {
  static const bool has = TryFloatProducts();
  return has;
}

// Through LibTorch's own matrix product: on processors that oneDNN makes no kernels for.
void PlainGemm(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda,
               const float* b, std::int64_t ldb, float* c, std::int64_t ldc, bool add) {
  const at::AutoDispatchBelowADInplaceOrView below;
  const auto matrix = [](const float* data, std::int64_t rows, std::int64_t columns, std::int64_t ld) {
    return at::from_blob(const_cast<float*>(data), {rows, columns}, {ld, 1}, at::kFloat);  // NOLINT
  };
  at::Tensor out = matrix(c, m, n, ldc);
  if (add) {
    out.addmm_(matrix(a, m, k, lda), matrix(b, k, n, ldb));
  } else {
    at::mm_out(out, matrix(a, m, k, lda), matrix(b, k, n, ldb));
  }
}

}  // namespace

bool HasBfloat16Products() {
  static const bool has = blas::could_pack(at::kBFloat16);
  return has;
}

void MicroGemm(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, std::int64_t lda,
               const float* b, std::int64_t ldb, float* c, std::int64_t ldc, bool add) {
  if (!HasFloatProducts()) return PlainGemm(m, n, k, a, lda, b, ldb, c, ldc, add);
  blas::brgemm(m, n, k, lda, ldb, ldc, add, a, b, c, /*is_vnni=*/false);
}

void MicroGemm(std::int64_t m, std::int64_t n, std::int64_t k, const at::BFloat16* a, std::int64_t lda,
               const at::BFloat16* b, std::int64_t ldb, float* c, std::int64_t ldc, bool add) {
  blas::brgemm(m, n, k, lda, ldb, ldc, add, a, b, c, /*is_vnni=*/true);
}

MicroGemmScope::~MicroGemmScope() { blas::brgemm_release(); }

}  // namespace lorikeet::trainer
