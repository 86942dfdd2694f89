#include "worker/agent/thinning.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace lorikeet::agent {
namespace {

constexpr std::size_t kMostNamed = 8;
// More curves than any trainer has: those beyond are not kept apart.
constexpr std::size_t kMostCurves = 1000;

}  // namespace

int Thinning::Halvings(std::size_t bytes) const {
  // The k-th stage has limit / 2^k of room to itself.
  std::size_t room = limit_, end = limit_;
  int halvings = 0;
  while (halvings < kMostHalvings && bytes >= end) {
    room /= 2;
    end += room;
    ++halvings;
  }
  return halvings;
}

bool Thinning::Keep(const v1::Event& metric, std::size_t bytes) {
  const int halvings = Halvings(bytes);
  if (halvings == 0 && !active()) return true;
  std::string name = metric.metric().name();
  if (curves_.size() >= kMostCurves && !curves_.contains(name)) name.clear();
  Curve& curve = curves_[name];
  const std::int64_t number = curve.seen++;
  const bool keep = number < few_ || number % (std::int64_t{1} << halvings) == 0;
  curve.last_left_out = !keep;
  if (!keep) {
    curve.last = metric;
    ++curve.left_out;
    ++left_out_;
  }
  return keep;
}

std::vector<v1::Event> Thinning::End() {
  std::vector<v1::Event> events;
  std::vector<std::string> names;
  for (auto& [name, curve] : curves_) {
    if (curve.last_left_out) {
      events.push_back(std::move(curve.last));
      --curve.left_out;
      --left_out_;
    }
    if (curve.left_out > 0 && !name.empty() && names.size() < kMostNamed) names.push_back(name);
  }
  if (left_out_ > 0) {
    v1::Event& told = events.emplace_back();
    told.mutable_log()->set_level("warning");
    told.mutable_log()->set_message(
        fmt::format("{} points of its learning curves ({}) were left out: its worker could not hand them in",
                    left_out_, fmt::join(names, ", ")));
  }
  curves_.clear();
  left_out_ = 0;
  return events;
}

}  // namespace lorikeet::agent
