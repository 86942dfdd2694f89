// What a sweep file says of choosing settings before the comparison. Changes no trial.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lorikeet {

struct TuneSettings {
  std::vector<std::string> axes;         // in the file's order; empty: nothing is chosen
  std::string by = "validation_rouge1";  // or validation_loss: what the best of a row's settings has
  std::vector<std::int64_t> seeds;       // the settings are tried with these; none of the sweep's own seeds
  friend bool operator==(const TuneSettings&, const TuneSettings&) = default;
};

}  // namespace lorikeet
