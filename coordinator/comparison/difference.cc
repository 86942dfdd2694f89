#include "coordinator/comparison/difference.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "coordinator/comparison/student_t.h"

namespace lorikeet::comparison {
namespace {

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// Over n - 1; of at least two values.
double Variance(const std::vector<double>& values) {
  const double mean = Mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return squares / static_cast<double>(values.size() - 1);
}

double Square(double value) { return value * value; }

// How many standard errors; a difference without any spread is beyond all doubt.
double Ratio(double value, double standard_error) {
  if (standard_error > 0) return value / standard_error;
  return value == 0 ? 0 : std::copysign(INFINITY, value);
}

// What sums of scores of this size may differ by for their rounding alone.
double Rounding(const Summary& a, const Summary& b) { return 1e-12 * (std::abs(a.mean) + std::abs(b.mean)); }

Inference Infer(const Summary& a, const Summary& b, double difference, double margin) {
  std::vector<double> z(a.by_document.size());
  for (std::size_t d = 0; d < z.size(); ++d) z[d] = a.by_document[d] - b.by_document[d];
  const auto documents = static_cast<double>(z.size());
  const auto a_seeds = static_cast<double>(a.seeds), b_seeds = static_cast<double>(b.seeds);
  const double of_a = a.seed_variance / a_seeds, of_b = b.seed_variance / b_seeds;
  const double of_documents = Variance(z) / documents;
  const double counted_twice = (a.residual / a_seeds + b.residual / b_seeds) / documents;
  const double terms = of_a + of_b + of_documents;

  Inference inference;
  inference.standard_error = std::sqrt(std::max(terms - counted_twice, of_documents));
  if (inference.standard_error <= Rounding(a, b)) inference.standard_error = 0;
  const double over_degrees =
      Square(of_a) / (a_seeds - 1) + Square(of_b) / (b_seeds - 1) + Square(of_documents) / (documents - 1);
  // Without any spread every number of degrees says the same.
  inference.degrees = over_degrees > 0 ? Square(terms) / over_degrees : std::min(a_seeds, b_seeds) - 1;

  const double half = UpperQuantile(kLevel / 2, inference.degrees) * inference.standard_error;
  inference.low = difference - half;
  inference.high = difference + half;
  const auto upper = [&](double value) {
    return UpperTail(Ratio(value, inference.standard_error), inference.degrees);
  };
  inference.p_value = std::min(1.0, 2 * upper(std::abs(difference)));
  inference.p_not_worse = upper(difference + margin);
  inference.p_equivalent = std::max(inference.p_not_worse, upper(margin - difference));
  inference.detectable = DetectableShift(kLevel, kPower, inference.degrees) * inference.standard_error;
  return inference;
}

}  // namespace

Summary Summarize(const std::vector<std::vector<double>>& scores) {
  const std::size_t seeds = scores.size(), documents = scores.front().size();
  Summary summary;
  summary.seeds = static_cast<std::int64_t>(seeds);
  summary.by_document.assign(documents, 0);
  std::vector<double> seed_means;
  seed_means.reserve(seeds);
  for (const std::vector<double>& seed : scores) {
    seed_means.push_back(Mean(seed));
    for (std::size_t d = 0; d < documents; ++d) summary.by_document[d] += seed[d];
  }
  for (double& score : summary.by_document) score /= static_cast<double>(seeds);
  summary.mean = Mean(seed_means);
  if (seeds < 2) return summary;
  summary.seed_variance = Variance(seed_means);
  if (documents < 2) return summary;
  double squares = 0;
  for (std::size_t s = 0; s < seeds; ++s) {
    for (std::size_t d = 0; d < documents; ++d) {
      squares += Square(scores[s][d] - seed_means[s] - summary.by_document[d] + summary.mean);
    }
  }
  summary.residual = squares / static_cast<double>((seeds - 1) * (documents - 1));
  return summary;
}

Difference Compare(const Summary& a, const Summary& b, double margin) {
  Difference difference{.difference = a.mean - b.mean, .inference = {}};
  if (std::abs(difference.difference) <= Rounding(a, b)) difference.difference = 0;
  if (a.seeds >= 2 && b.seeds >= 2 && a.by_document.size() >= 2) {
    difference.inference = Infer(a, b, difference.difference, margin);
  }
  return difference;
}

}  // namespace lorikeet::comparison
