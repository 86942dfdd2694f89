// How fast trials of the same model trained on the same kind of device before, as a results database has it.
//
// Plain values; not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace lorikeet::sweepctl {

// Trials are alike where all of these are the same.
struct TrialKind {
  std::string method, model_fingerprint, device_model, precision;
  std::int64_t threads = 0;  // 0 on a GPU, where they do not matter
  friend bool operator<(const TrialKind& a, const TrialKind& b) {
    const auto all = [](const TrialKind& kind) {
      return std::tie(kind.method, kind.model_fingerprint, kind.device_model, kind.precision, kind.threads);
    };
    return all(a) < all(b);
  }
  friend bool operator==(const TrialKind&, const TrialKind&) = default;
};

struct PastSpeed {
  std::int64_t trials = 0;
  std::set<std::string> sweeps;
  double tokens_per_second = 0;  // training, the median
};

class PastTrials {
 public:
  // A line of a sweep's `runs` (sweeps/report/runs.cc). What has no result, or trained nothing, is passed
  // over, and so is what is not of the shape that is expected.
  void Add(const std::string& sweep, const nlohmann::ordered_json& line);
  std::optional<PastSpeed> Of(const TrialKind& kind) const;

 private:
  struct Speeds {
    std::vector<double> tokens_per_second;
    std::set<std::string> sweeps;
  };
  std::map<TrialKind, Speeds> speeds_;
};

}  // namespace lorikeet::sweepctl
