// A learning curve made small while it is read. Internal to sweeps/report.
//
// Not thread-safe. Holds `most` points and as many sums at most, however long the curve is.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sweeps/report/series.h"

namespace lorikeet::report {

class Thinner {
 public:
  // Steps of the curve lie in [first, last]; others are taken for the nearest of these. `most` from 8 on.
  Thinner(std::int64_t first, std::int64_t last, std::size_t most);

  // In the order of steps.
  void Add(std::int64_t step, double value);

  // All points where there are `most` at most; else the first, the last, and the lowest and highest of each
  // of (most - 2) / 2 stretches of equal length. By step.
  std::vector<CurvePoint> Points() const;
  std::int64_t added() const { return added_; }
  bool thinned() const { return thinning_; }

  // The stretches, for means over curves of the same range: those of two Thinners made alike are the same.
  std::size_t stretches() const { return stretches_.size(); }
  std::optional<double> MeanOf(std::size_t stretch) const;
  // The step in its middle.
  std::int64_t MiddleOf(std::size_t stretch) const;

 private:
  struct Stretch {
    CurvePoint low, high;
    double sum = 0;
    std::int64_t count = 0;
  };

  std::size_t StretchOf(std::int64_t step) const;

  const std::int64_t first_;
  const double span_;  // steps in the range
  const std::size_t most_;
  std::vector<CurvePoint> all_;  // until they are too many
  CurvePoint begin_, end_;
  std::vector<Stretch> stretches_;
  std::int64_t added_ = 0;
  bool thinning_ = false;
};

}  // namespace lorikeet::report
