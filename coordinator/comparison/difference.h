// The difference between two configurations' scores, and how sure it is.
//
// The same documents are scored for both, so that a document's difference counts (documents are paired); each
// configuration was trained with seeds of its own, which are independent, even where their numbers are equal.
// With y[s][d] the score of seed s on document d, S seeds and N documents:
//
//   s²     the variance of the S seed means (over all documents)
//   z[d]   the difference of the two seed-averaged scores of document d; s²_z its variance over documents
//   MS     the residual mean square of y in rows and columns: what is left of y[s][d] once its seed's and its
//          document's means are taken, squared, over (S - 1)(N - 1)
//   V    = s²_A/S_A + s²_B/S_B + s²_z/N - (MS_A/S_A + MS_B/S_B)/N, and at least s²_z/N
//
// The last term takes away what the first two count already: the part of a seed's mean, and of z, that is
// neither seed's nor document's own. The difference over sqrt(V) follows Student's t with Satterthwaite's
// degrees of freedom from the first three terms. tests/coordinator/comparison has how often its intervals
// hold the truth. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace lorikeet::comparison {

inline constexpr double kLevel = 0.05;  // of every test; 95 % intervals
inline constexpr double kPower = 0.8;

// One metric of one configuration, reduced to what a comparison needs.
struct Summary {
  std::int64_t seeds = 0;
  double mean = 0;
  double seed_variance = 0;         // s²; 0 with one seed
  double residual = 0;              // MS; 0 with one seed or one document
  std::vector<double> by_document;  // [documents], averaged over the seeds
};

// `scores`: [seeds][documents], at least one of each, all rows as long as the first.
Summary Summarize(const std::vector<std::vector<double>>& scores);

// What the variance says. In the scores' unit but for `degrees` and the p-values.
struct Inference {
  double standard_error = 0, degrees = 0;
  double low = 0, high = 0;  // 95 %, not corrected for other comparisons
  double p_value = 1;        // that there is no difference, two-sided
  double p_not_worse = 1;    // one-sided: that it is -margin or less
  double p_equivalent = 1;   // two one-sided tests: that it is -margin or less, or margin or more
  double detectable = 0;     // the true difference that a two-sided test finds in 80 of 100 such sweeps
};

struct Difference {
  double difference = 0;  // a minus b
  std::optional<Inference>
      inference;  // none with fewer than two seeds on a side, or fewer than two documents
};

// Both of the same documents in the same order. `margin` > 0.
Difference Compare(const Summary& a, const Summary& b, double margin);

}  // namespace lorikeet::comparison
