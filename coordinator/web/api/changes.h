// What has changed, for pages that are kept open: looked at once a second while anybody listens, not at all
// otherwise.
//
// A listener is told which sweeps are others than when it last asked, however often they changed meanwhile: a
// slow one misses nothing and nothing waits for it. What has changed is not told: the page asks for what it
// shows, so that it cannot differ from what a reload would show.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/status.h"

namespace lorikeet::web {

// How a sweep, or the workers, look: other numbers where it is another.
struct Mark {
  std::uint64_t rows = 0;      // what the database says of it
  std::uint64_t progress = 0;  // what does not last: steps, what waits
  friend bool operator==(const Mark&, const Mark&) = default;
};
struct Marks {
  std::map<std::string, Mark> sweeps;
  std::uint64_t workers = 0;
};

// Thread-safe.
class Changes {
 public:
  static constexpr int kMostListeners = 16;
  static constexpr std::chrono::milliseconds kLookEvery{1000};

  using Look = std::function<StatusOr<Marks>()>;
  explicit Changes(Look look);
  ~Changes() { Close(); }
  Changes(const Changes&) = delete;
  Changes& operator=(const Changes&) = delete;

  // False where there are kMostListeners already. Each that was let in leaves once.
  [[nodiscard]] bool Enter();
  void Leave();

  struct News {
    std::int64_t version = 0;  // to go on from
    // Sweeps with new rows, and those of which only the progress is new.
    std::map<std::string, bool> sweeps;  // id, whether its rows are new
    bool workers = false;
    bool unwell = false;  // the service does not answer
  };
  // What is new since `version` (0: everything), at once or when something is; nothing where `within` passes
  // first, or after Close. Versions grow, from 1.
  std::optional<News> Next(std::int64_t version, std::chrono::milliseconds within);
  bool closed() const;
  // Wakes all listeners; nothing is looked at any more.
  void Close();

 private:
  struct Seen {
    Mark mark;
    std::int64_t rows_at = 0, progress_at = 0;  // the version that brought it
  };
  void Run();
  void Take(const StatusOr<Marks>& marks) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Look look_;
  mutable absl::Mutex mutex_;
  int listeners_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::int64_t version_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, Seen> sweeps_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t workers_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t workers_at_ ABSL_GUARDED_BY(mutex_) = 0;
  bool unwell_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace lorikeet::web
