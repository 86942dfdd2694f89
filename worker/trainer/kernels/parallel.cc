#include "worker/trainer/kernels/parallel.h"

#include <ATen/Parallel.h>

#if !defined(_OPENMP) && !defined(__clang_analyzer__)
#error "this file needs OpenMP: without it every loop would run on one thread"
#endif

namespace lorikeet::trainer {

void ParallelFor(std::int64_t begin, std::int64_t end, std::int64_t grain,
                 const std::function<void(std::int64_t, std::int64_t)>& body) {
  at::parallel_for(begin, end, grain, body);
}

}  // namespace lorikeet::trainer
