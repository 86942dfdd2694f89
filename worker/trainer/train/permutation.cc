#include "worker/trainer/train/permutation.h"

#include <numeric>
#include <utility>

#include "worker/trainer/kernels/scatter.h"

namespace lorikeet::trainer {
CounterRandom::CounterRandom(std::uint64_t seed, std::uint64_t stream)
    : state_(Scatter(Scatter(seed + kGolden) ^ (stream * kGolden + 1))) {}

std::uint64_t CounterRandom::Next() {
  state_ += kGolden;
  return Scatter(state_);
}

std::uint64_t CounterRandom::Below(std::uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(Next()) * bound) >> 64);
}

std::vector<std::int64_t> Permutation(std::int64_t count, std::uint64_t seed, std::uint64_t stream) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  CounterRandom random(seed, stream);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
  return order;
}

}  // namespace lorikeet::trainer
