// Folders that appear whole: a model's, an adapter's, a checkpoint's.
#pragma once

#include <functional>
#include <string>

#include "common/status.h"

namespace lorikeet::trainer {

// The folder's absolute path without a slash or a dot at its end: what is appended to it names something
// beside.
std::string FolderPath(const std::string& directory);

// Refuses a folder that holds something, but no model and no adapter: WriteFolder would take its place.
Status CheckReplaceable(const std::string& directory);

// Calls `fill` with the name of a new empty folder beside `directory`, syncs it, and puts it in `directory`'s
// place: a reader or a crash sees the old folder or the new one, for a moment none, never a part. On an error
// nothing of it is left. Replaces what CheckReplaceable allows.
Status WriteFolder(const std::string& directory, const std::function<Status(const std::string&)>& fill);

}  // namespace lorikeet::trainer
