#include "sweeps/spec/fingerprint.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "common/sha256.h"

namespace lorikeet::spec {
namespace {

// Of texts with their lengths, so that no two lists of texts give the same bytes.
class HashOfTexts {
 public:
  void Add(std::string_view text) {
    hash_.Add(std::to_string(text.size()) + ":");
    hash_.Add(text);
  }
  std::string Hex() { return hash_.Hex(); }

 private:
  Sha256 hash_;
};

}  // namespace

std::string FingerprintOf(const Sweep& sweep) {
  // A digest a configuration: a grid's texts would be many times as long.
  std::vector<std::string> configurations;
  configurations.reserve(sweep.configurations.size());
  for (const Configuration& configuration : sweep.configurations) {
    if (configuration.tries > 1) continue;  // its candidates say what it may be
    Trial trial = configuration.trial;
    trial.configuration.clear();
    HashOfTexts hash;
    const bool of_baseline = configuration.candidate_of
                                 ? sweep.configurations[*configuration.candidate_of].baseline
                                 : configuration.baseline;
    hash.Add(of_baseline ? "baseline" : "");
    if (configuration.candidate_of) {
      hash.Add("candidate of");
      hash.Add(sweep.configurations[*configuration.candidate_of].name);
    }
    hash.Add(ToJson(trial));
    configurations.push_back(hash.Hex());
  }
  std::sort(configurations.begin(), configurations.end());
  std::vector<std::int64_t> seeds = sweep.seeds;
  std::sort(seeds.begin(), seeds.end());

  HashOfTexts hash;
  hash.Add("lorikeet sweep 1");
  hash.Add(sweep.name);
  hash.Add(std::to_string(configurations.size()));
  for (const std::string& configuration : configurations) hash.Add(configuration);
  hash.Add(std::to_string(seeds.size()));
  for (const std::int64_t seed : seeds) hash.Add(std::to_string(seed));
  hash.Add(std::to_string(sweep.retry.attempts));
  hash.Add(std::to_string(sweep.retry.backoff.count()));
  // What came later counts where it is used, so that files from before keep the fingerprint they had.
  if (!sweep.retry.kinds.empty() || sweep.retry.interruptions != RetryPolicy::kInterruptions) {
    hash.Add("retry by kind");
    for (const auto& [kind, retry] : sweep.retry.kinds) {
      hash.Add(kind);
      hash.Add(std::to_string(retry.attempts));
      hash.Add(std::to_string(retry.backoff.count()));
    }
    hash.Add(std::to_string(sweep.retry.interruptions));
  }
  if (sweep.verdict != VerdictSettings()) {
    hash.Add("verdict");
    hash.Add(sweep.verdict.primary);
    hash.Add(fmt::format("{}", sweep.verdict.margin));
  }
  if (!sweep.tune.axes.empty()) {
    std::vector<std::int64_t> tuning_seeds = sweep.tune.seeds;
    std::sort(tuning_seeds.begin(), tuning_seeds.end());
    hash.Add("tune");
    hash.Add(sweep.tune.by);
    for (const std::int64_t seed : tuning_seeds) hash.Add(std::to_string(seed));
  }
  return hash.Hex();
}

}  // namespace lorikeet::spec
