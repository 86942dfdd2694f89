#include "coordinator/comparison/student_t.h"

#include <boost/math/distributions/complement.hpp>
#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/tools/roots.hpp>
#include <cmath>
#include <cstdint>

namespace lorikeet::comparison {

double UpperTail(double t, double degrees) {
  if (std::isinf(t)) return t > 0 ? 0 : 1;
  return boost::math::cdf(boost::math::complement(boost::math::students_t(degrees), t));
}

double UpperQuantile(double tail, double degrees) {
  return boost::math::quantile(boost::math::complement(boost::math::students_t(degrees), tail));
}

double DetectableShift(double alpha, double power, double degrees) {
  const double critical = UpperQuantile(alpha / 2, degrees);
  // How much is missing to the power: falls with the shift.
  const auto missing = [&](double shift) {
    const boost::math::non_central_t away(degrees, shift);
    return power - boost::math::cdf(boost::math::complement(away, critical));
  };
  // Beyond this the test finds it for certain, as near as doubles can tell.
  double high = critical + 1;
  while (missing(high) > 0) high *= 2;
  std::uintmax_t steps = 200;
  const auto [low_end, high_end] = boost::math::tools::toms748_solve(
      missing, 0.0, high, boost::math::tools::eps_tolerance<double>(48), steps);
  return (low_end + high_end) / 2;
}

}  // namespace lorikeet::comparison
