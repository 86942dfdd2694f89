#include "worker/agent/gpu_idle.h"

#include <nlohmann/json.hpp>

#include "common/logging.h"

namespace lorikeet::agent {
namespace {

using nlohmann::json;

std::string PathIn(const Folder& folder) { return folder.path() + "/gpus"; }

}  // namespace

IdleMemory LoadIdleMemory(const Folder& folder, const std::string& boot) {
  const StatusOr<std::string> text = folder.disk().ReadFile(PathIn(folder));
  if (!text.ok()) return {};
  try {
    const json object = json::parse(*text);
    if (object.at("boot").get<std::string>() != boot) return {};
    return object.at("idle").get<IdleMemory>();
  } catch (const json::exception&) {
    return {};
  }
}

void StoreIdleMemory(const Folder& folder, const std::string& boot, const IdleMemory& idle) {
  const json object = {{"boot", boot}, {"idle", idle}};
  if (const Status stored = folder.disk().ReplaceFile(PathIn(folder), object.dump() + "\n"); !stored.ok())
    LogWarning({}, "{}", Message(stored));
}

}  // namespace lorikeet::agent
