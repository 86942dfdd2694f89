// Paths as a sweep file writes them: with variables, relative to the file's own folder.
//
// Pure but for the environment that is handed in; thread-safe. `~` is a shell's word and is not known here.
#pragma once

#include <string>

#include "common/status.h"
#include "sweeps/spec/spec.h"

namespace lorikeet::spec {

// Replaces ${NAME} by the variable and ${NAME:-default} by it or, where it is unset or empty, by the default
// (up to the next closing brace). Any other dollar stands for itself. InvalidArgument names a variable that
// is not set, a misspelt reference, and what would be right.
StatusOr<std::string> ExpandVariables(const std::string& text, const Environment& environment);

// The folder of the sweep file `file`, absolute; the current folder where `file` is empty.
std::string FolderOf(const std::string& file);

// `path` as an absolute path without "." and "..", relative ones starting at `folder`; no closing slash.
std::string ResolvePath(const std::string& path, const std::string& folder);

}  // namespace lorikeet::spec
