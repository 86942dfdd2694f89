#include "sweeps/report/interval.h"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace lorikeet::report {

std::optional<double> HalfWidth95(std::int64_t count, double sd) {
  if (count < 2 || !std::isfinite(sd) || sd < 0) return std::nullopt;
  const boost::math::students_t distribution(static_cast<double>(count - 1));
  return boost::math::quantile(distribution, 0.975) * sd / std::sqrt(static_cast<double>(count));
}

}  // namespace lorikeet::report
