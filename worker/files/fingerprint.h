// SHA-256 over files and texts: what data and which model a number came from.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/sha256.h"
#include "common/status.h"
#include "worker/files/folder_cache.h"

namespace lorikeet::files {

// SHA-256 of several parts.
class Fingerprint {
 public:
  void Add(std::string_view bytes);  // prefixed by its length, so that parts cannot run into each other
  void AddRaw(std::string_view bytes) { hash_.Add(bytes); }  // as they are
  std::string Hex() { return hash_.Hex(); }                  // 64 characters; ends it

 private:
  Sha256 hash_;
};

// Asked now and then while files are read; true: the answer is Cancelled.
using Stop = std::function<bool()>;

// With a cache, files that it has seen before and that have not changed since are not read again. NotFound
// names what is missing, or no regular file; Internal: what is there cannot be read now (an outage of a file
// server, too many open files, permissions), which says nothing of its content.
//
// A model directory's config.json, spiece.model and weight files, with their names.
StatusOr<std::string> FingerprintModel(const std::string& directory, const FolderCache& cache = {},
                                       const Stop& stop = {});
// A PEFT directory's adapter_config.json and adapter_model.safetensors, with their names.
StatusOr<std::string> FingerprintAdapter(const std::string& directory, const FolderCache& cache = {},
                                         const Stop& stop = {});
// One file's content: what sha256sum prints of it.
StatusOr<std::string> FingerprintFile(const std::string& path, const FolderCache& cache = {},
                                      const Stop& stop = {});

}  // namespace lorikeet::files
