#include "worker/agent/adapters.h"

#include <nlohmann/json.hpp>

namespace lorikeet::agent {
namespace {

using nlohmann::json;

std::string FolderOf(const Folder& folder) { return folder.path() + "/adapters"; }

StatusOr<ArtifactOf> LoadAdapter(const Folder& folder, const std::string& name) {
  const std::string path = FolderOf(folder) + "/" + name;
  const StatusOr<std::string> text = folder.disk().ReadFile(path);
  if (!text.ok()) return Unavailable("{}", Message(text.status()));
  ArtifactOf adapter;
  try {
    const json object = json::parse(*text);
    object.at("attempt_id").get_to(adapter.attempt_id);
    object.at("trial_id").get_to(adapter.trial_id);
    object.at("token").get_to(adapter.token);
    object.at("step").get_to(adapter.step);
  } catch (const json::exception& error) {
    return Internal("{}: {}", path, error.what());
  }
  if (adapter.attempt_id != name) return Internal("{}: is of attempt {}", path, adapter.attempt_id);
  ASSIGN_OR_RETURN(adapter.trial_folder, folder.TrialFolder(adapter.trial_id));
  if (!HasAdapter(folder, adapter.trial_id)) return NotFound("{}: its trial's folder has no adapter", path);
  return adapter;
}

}  // namespace

bool HasAdapter(const Folder& folder, const std::string& trial_id) {
  const StatusOr<std::string> trial = folder.TrialFolder(trial_id);
  return trial.ok() &&
         !absl::IsNotFound(folder.disk().ReadFile(*trial + "/kept/adapter_config.json").status());
}

Status StoreAdapter(const Folder& folder, const ArtifactOf& adapter) {
  const json object = {{"attempt_id", adapter.attempt_id},
                       {"trial_id", adapter.trial_id},
                       {"token", adapter.token},
                       {"step", adapter.step}};
  return folder.disk().ReplaceFile(FolderOf(folder) + "/" + adapter.attempt_id, object.dump() + "\n");
}

std::vector<ArtifactOf> LoadAdapters(const Folder& folder, std::vector<std::string>& warnings) {
  std::vector<ArtifactOf> adapters;
  const auto entries = folder.disk().List(FolderOf(folder));
  if (!entries.ok()) return adapters;
  for (const Disk::Entry& entry : *entries) {
    StatusOr<ArtifactOf> adapter = LoadAdapter(folder, entry.name);
    if (adapter.ok()) {
      adapters.push_back(*std::move(adapter));
    } else {
      warnings.push_back("an adapter is not sent: " + Message(adapter.status()));
      if (!absl::IsUnavailable(adapter.status())) ForgetAdapter(folder, entry.name);
    }
  }
  return adapters;
}

void ForgetAdapter(const Folder& folder, const std::string& attempt_id) {
  folder.disk().Remove(FolderOf(folder) + "/" + attempt_id).IgnoreError();
}

}  // namespace lorikeet::agent
