// Loops on LibTorch's threads. Its own at::parallel_for is a header that runs on one thread wherever it is
// compiled without OpenMP, in silence: here is one place that is compiled with it.
#pragma once

#include <cstdint>
#include <functional>

namespace lorikeet::trainer {

// Calls body(first, end) for ranges that make up [begin, end), of at least `grain` where there are more than
// one, on as many threads as at::get_num_threads() says, and waits. Called from such a body, it runs there.
// An exception of a body is thrown here.
void ParallelFor(std::int64_t begin, std::int64_t end, std::int64_t grain,
                 const std::function<void(std::int64_t, std::int64_t)>& body);

}  // namespace lorikeet::trainer
