#include "worker/agent/trial_files.h"

#include <algorithm>
#include <utility>

namespace lorikeet::agent {
namespace {

constexpr std::size_t kShown = 12;  // of 64 characters: enough to tell them apart

}  // namespace

StatusOr<std::vector<FileFingerprint>> FingerprintTrial(const Trial& trial, const files::FolderCache& cache,
                                                        const files::Stop& stop) {
  std::vector<FileFingerprint> found;
  const auto is_there = [&](const std::string& path) {
    return std::any_of(found.begin(), found.end(), [&](const auto& one) { return one.name == path; });
  };
  const auto add = [&](const std::string& name, const StatusOr<std::string>& fingerprint) -> Status {
    if (!fingerprint.ok() && !absl::IsNotFound(fingerprint.status())) return fingerprint.status();
    found.push_back(fingerprint.ok() ? FileFingerprint{name, *fingerprint}
                                     : FileFingerprint{name, "", Message(fingerprint.status())});
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(add("model", files::FingerprintModel(trial.model, cache, stop)));
  for (const std::string& path : {trial.data.train, trial.data.validation, trial.data.test}) {
    if (!path.empty() && !is_there(path))
      RETURN_IF_ERROR(add(path, files::FingerprintFile(path, cache, stop)));
  }
  if (const std::string& path = StartAdapter(trial); !path.empty() && !is_there(path))
    RETURN_IF_ERROR(add(path, files::FingerprintAdapter(path, cache, stop)));
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
