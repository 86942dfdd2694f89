// What a sweep file asks of the comparison with the baseline. Changes no trial.
#pragma once

#include <string>

namespace lorikeet {

struct VerdictSettings {
  std::string primary = "rouge1";  // or rouge2, rougeL, rougeLsum: what the verdict is about
  double margin = 0.5;             // in ROUGE points: what counts as no difference
  friend bool operator==(const VerdictSettings&, const VerdictSettings&) = default;
};

}  // namespace lorikeet
