#include "sweeps/report/thinner.h"

#include <algorithm>
#include <cmath>

namespace lorikeet::report {
namespace {

constexpr std::size_t kLeastPoints = 8;

}  // namespace

Thinner::Thinner(std::int64_t first, std::int64_t last, std::size_t most)
    : first_(first),
      span_(std::max(static_cast<double>(last) - static_cast<double>(first) + 1, 1.0)),
      most_(std::max(most, kLeastPoints)),
      stretches_((most_ - 2) / 2) {}

std::size_t Thinner::StretchOf(std::int64_t step) const {
  const double share = (static_cast<double>(step) - static_cast<double>(first_)) / span_;
  const double place = std::clamp(share, 0.0, 1.0) * static_cast<double>(stretches_.size());
  return std::min(static_cast<std::size_t>(place), stretches_.size() - 1);
}

void Thinner::Add(std::int64_t step, double value) {
  const CurvePoint point{.step = step, .value = value};
  if (added_++ == 0) begin_ = point;
  end_ = point;
  Stretch& stretch = stretches_[StretchOf(step)];
  if (stretch.count == 0 || value < stretch.low.value) stretch.low = point;
  if (stretch.count == 0 || value > stretch.high.value) stretch.high = point;
  stretch.sum += value;
  ++stretch.count;
  if (thinning_) return;
  all_.push_back(point);
  if (all_.size() <= most_) return;
  thinning_ = true;
  all_ = {};
}

std::vector<CurvePoint> Thinner::Points() const {
  if (!thinning_) return all_;
  std::vector<CurvePoint> points;
  points.reserve(most_);
  const auto add = [&](const CurvePoint& point) {
    if (points.empty() || points.back().step < point.step) points.push_back(point);
  };
  add(begin_);
  for (const Stretch& stretch : stretches_) {
    if (stretch.count == 0) continue;
    const bool low_first = stretch.low.step < stretch.high.step;
    add(low_first ? stretch.low : stretch.high);
    add(low_first ? stretch.high : stretch.low);
  }
  add(end_);
  return points;
}

std::optional<double> Thinner::MeanOf(std::size_t stretch) const {
  const Stretch& of = stretches_[stretch];
  if (of.count == 0) return std::nullopt;
  return of.sum / static_cast<double>(of.count);
}

std::int64_t Thinner::MiddleOf(std::size_t stretch) const {
  const double share = (static_cast<double>(stretch) + 0.5) / static_cast<double>(stretches_.size());
  return first_ + std::llround(share * (span_ - 1));
}

}  // namespace lorikeet::report
