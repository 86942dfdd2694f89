// The folders that trials may read from: models, data, adapters. What a trial names comes from whoever may
// submit, and the worker would read it with its own rights.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/status.h"
#include "sweeps/trial/trial.h"

namespace lorikeet::agent {

// Thread-safe. Looks at the file system, since a symbolic link may lead anywhere; what is linked anew after a
// trial has been looked at is not seen.
class DataRoots {
 public:
  // Everywhere.
  DataRoots() = default;
  // InvalidArgument, as the flag's, for what is no folder.
  static StatusOr<DataRoots> Create(const std::vector<std::string>& folders);

  bool everywhere() const { return roots_.empty(); }
  // InvalidArgument names the first path that, its symbolic links followed, lies under none of the folders; a
  // link in the folder of a model or an adapter is such a path, too.
  Status Check(const Trial& trial) const;

 private:
  // `resolved` is free of symbolic links and dots.
  bool Contain(const std::filesystem::path& resolved) const;
  Status CheckPath(const char* key, const std::string& path) const;
  Status CheckLinks(const char* key, const std::filesystem::path& folder) const;

  std::vector<std::filesystem::path> roots_;  // as they are without symbolic links
};

}  // namespace lorikeet::agent
