#include "sweeps/spec/fingerprint.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace lorikeet::spec {
namespace {

// Feeds texts with their lengths, so that no two lists of texts give the same bytes.
class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    good_ = context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1;
  }
  void Add(std::string_view text) {
    Feed(std::to_string(text.size()) + ":");
    Feed(text);
  }
  StatusOr<std::string> Finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    good_ = good_ && EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1;
    if (!good_) return Internal("OpenSSL cannot compute a SHA-256");
    std::string hex;
    for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest.at(i));
    return hex;
  }

 private:
  void Feed(std::string_view bytes) {
    good_ = good_ && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
  bool good_ = false;
};

}  // namespace

StatusOr<std::string> FingerprintOf(const Sweep& sweep) {
  // A digest a configuration: a grid's texts would be many times as long.
  std::vector<std::string> configurations;
  configurations.reserve(sweep.configurations.size());
  for (const Configuration& configuration : sweep.configurations) {
    Trial trial = configuration.trial;
    trial.configuration.clear();
    Sha256 hash;
    hash.Add(configuration.baseline ? "baseline" : "");
    hash.Add(ToJson(trial));
    ASSIGN_OR_RETURN(std::string digest, hash.Finish());
    configurations.push_back(std::move(digest));
  }
  std::sort(configurations.begin(), configurations.end());
  std::vector<std::int64_t> seeds = sweep.seeds;
  std::sort(seeds.begin(), seeds.end());

  Sha256 hash;
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
  return hash.Finish();
}

}  // namespace lorikeet::spec
