// What the files that a trial reads are on this host, by their content.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/status.h"
#include "sweeps/trial/trial.h"
#include "worker/files/fingerprint.h"

namespace lorikeet::agent {

// The same names as on the wire: "model", or the path of a data file or of an adapter's folder.
struct FileFingerprint {
  std::string name;
  std::string value;       // hex SHA-256; empty where it is missing
  std::string error = {};  // says so
};

// The model, each data file once, the adapter that it starts from. What is missing is among them, with the
// reason; an error where one is there and cannot be read now, and Cancelled where `stop` says so. Reads
// gigabytes, unless the cache knows them.
StatusOr<std::vector<FileFingerprint>> FingerprintTrial(const Trial& trial, const files::FolderCache& cache,
                                                        const files::Stop& stop);

// How what this host has (`found`) differs from what is expected, for people; nothing where it does not.
// Names that stand on one side alone do not matter.
std::optional<std::string> Difference(const std::vector<FileFingerprint>& found,
                                      const std::vector<FileFingerprint>& expected);

// Computes fingerprints beside the session, which goes on meanwhile. Not thread-safe.
class Fingerprinter {
 public:
  virtual ~Fingerprinter() = default;
  // Returns at once; the answer is Session::OnFingerprints or OnFilesUnread, later.
  virtual void Ask(const std::string& attempt_id, const Trial& trial) = 0;
};

}  // namespace lorikeet::agent
