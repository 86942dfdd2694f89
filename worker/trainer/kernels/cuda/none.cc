// In place of kernels where LibTorch has no CUDA.
#include <c10/util/Exception.h>

#include "worker/trainer/kernels/cuda/functions.h"

namespace lorikeet::trainer::cuda {

bool HasKernels() { return false; }

at::Tensor Drop(const DropoutMask&, const at::Tensor&, const at::Tensor&, at::ScalarType) {
  TORCH_CHECK(false, "this LibTorch is built without CUDA");
}

at::Tensor Softmax(const at::Tensor&, const at::Tensor&, const at::Tensor&, const DropoutMask&) {
  TORCH_CHECK(false, "this LibTorch is built without CUDA");
}

}  // namespace lorikeet::trainer::cuda
