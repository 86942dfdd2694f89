// The coordinator's artifacts on disk, and the thread that does the work on them.
//
//   DIR/artifacts/SWEEP/TRIAL-KIND-ID/   an artifact's files; there before its row is, gone after its row is
//   DIR/artifacts/.coming/ID/            what is on its way
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"
#include "coordinator/rpc/background.h"

namespace lorikeet::rpc {

// Thread-safe. Paths of artifacts are those of their rows: under DIR/artifacts.
class ArtifactFolder {
 public:
  // Makes DIR/artifacts where it is missing, and removes what no row of `rows` has, and what was on its way:
  // a coordinator that was killed between two steps leaves that.
  static StatusOr<std::unique_ptr<ArtifactFolder>> Open(const std::string& data,
                                                        const std::vector<std::string>& rows);
  // Does what was posted first.
  ~ArtifactFolder() = default;

  // Has `work` done by the one thread for it; false where too much waits.
  [[nodiscard]] bool Post(std::function<void()> work) { return background_.Post(std::move(work)); }
  // Has the files removed, some time; never blocks. What a crash keeps from it the next Open does.
  void Discard(const std::string& path);

  std::string PathOf(const std::string& path) const { return folder_ + "/" + path; }

  // ---- on that thread
  // A new empty folder for what comes.
  StatusOr<std::string> MakeComing(const std::string& id) const;
  // What has come whole, and is on disk, becomes the artifact at `path`; that survives a power cut.
  Status Place(const std::string& coming, const std::string& path) const;
  static void Remove(const std::string& folder);

 private:
  explicit ArtifactFolder(std::string folder) : folder_(std::move(folder)) {}
  Status Sweep(const std::vector<std::string>& rows) const;
  void RemoveDiscarded();

  const std::string folder_;
  absl::Mutex mutex_;
  std::vector<std::string> discarded_ ABSL_GUARDED_BY(mutex_);
  bool removing_ ABSL_GUARDED_BY(mutex_) = false;  // it has been posted
  Background background_;                          // goes first
};

}  // namespace lorikeet::rpc
