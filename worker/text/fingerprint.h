// SHA-256 over files and texts: what data and which model a number came from.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"
#include "worker/text/folder_cache.h"

namespace lorikeet::text {

// Incremental SHA-256 (OpenSSL's, behind this class).
class Fingerprint {
 public:
  Fingerprint();
  ~Fingerprint();
  void Add(std::string_view bytes);  // prefixed by its length, so that parts cannot run into each other
  std::string Hex();                 // 64 characters; ends it
 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A model directory's config.json, spiece.model and weight files. With a cache, files that it has seen before
// and that have not changed since are not read again.
StatusOr<std::string> FingerprintModel(const std::string& directory, const FolderCache& cache = {});

}  // namespace lorikeet::text
