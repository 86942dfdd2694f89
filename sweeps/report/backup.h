// A copy of a results database, made while a coordinator writes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/status.h"

namespace lorikeet::report {

// Pages copied, of how many.
using BackupProgress = std::function<void(std::int64_t done, std::int64_t all)>;

// Copies one snapshot of the database at `from` to `to`, by SQLite's own backup; writers do not wait for it.
// The copy is on disk, appears whole and has passed SQLite's own check. AlreadyExists where `to` is there.
// Returns the copy's size in bytes.
StatusOr<std::int64_t> BackUp(const std::string& from, const std::string& to, const BackupProgress& progress);

}  // namespace lorikeet::report
