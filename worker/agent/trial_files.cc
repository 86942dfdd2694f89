#include "worker/agent/trial_files.h"

#include <algorithm>
#include <utility>

namespace lorikeet::agent {
namespace {

constexpr std::size_t kShown = 12;  // of 64 characters: enough to tell them apart

FileFingerprint Named(const std::string& name, const StatusOr<std::string>& fingerprint) {
  if (!fingerprint.ok()) return {name, "", Message(fingerprint.status())};
  return {name, *fingerprint};
}

}  // namespace

StatusOr<std::vector<FileFingerprint>> FingerprintTrial(const Trial& trial, const files::FolderCache& cache,
                                                        const files::Stop& stop) {
  std::vector<FileFingerprint> found = {Named("model", files::FingerprintModel(trial.model, cache, stop))};
  const auto is_there = [&](const std::string& path) {
    return std::any_of(found.begin(), found.end(), [&](const auto& one) { return one.name == path; });
  };
  for (const std::string& path : {trial.data.train, trial.data.validation, trial.data.test}) {
    if (!path.empty() && !is_there(path))
      found.push_back(Named(path, files::FingerprintFile(path, cache, stop)));
  }
  if (const std::string& path = StartAdapter(trial); !path.empty() && !is_there(path))
    found.push_back(Named(path, files::FingerprintAdapter(path, cache, stop)));
  if (stop && stop()) return MakeStatus(absl::StatusCode::kCancelled, "nobody waits for it");
  return found;
}

std::optional<std::string> Difference(const std::vector<FileFingerprint>& found,
                                      const std::vector<FileFingerprint>& expected) {
  std::string text;
  for (const FileFingerprint& one : found) {
    const auto other = std::find_if(expected.begin(), expected.end(),
                                    [&](const auto& candidate) { return candidate.name == one.name; });
    if (other == expected.end() || other->value.empty() || other->value == one.value) continue;
    if (!text.empty()) text += "; ";
    text += one.value.empty() ? fmt::format("{}: {}", one.name, one.error)
                              : fmt::format("{}: its fingerprint is {}…, the sweep's {}…", one.name,
                                            one.value.substr(0, kShown), other->value.substr(0, kShown));
  }
  if (text.empty()) return std::nullopt;
  return text;
}

}  // namespace lorikeet::agent
