// Whole files, written so that a reader (or a crash) sees the old content or the new, never a half.
#pragma once

#include <string>
#include <string_view>

#include "common/status.h"

namespace lorikeet {

// The content of `path`; NotFound or Internal with the path and errno's words.
StatusOr<std::string> ReadFile(const std::string& path);

// Writes aside, fsyncs, renames over `path`, fsyncs the folder. `mode` is the new file's (0600 for secrets).
// A symbolic link stays, and what it points to is replaced; a pipe or a device is written to as it is.
Status WriteFileAtomically(const std::string& path, std::string_view content, unsigned mode = 0644);

// fsyncs a folder, so that names made or renamed in it survive a crash.
Status SyncFolder(const std::string& folder);

}  // namespace lorikeet
