// Event lines on standard output, as sweep-trainer train prints them.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "worker/protocol/events.h"
#include "worker/trainer/train/terminal.h"

namespace lorikeet::trainer {

// A line on standard error; one that cannot be written (a log on a disk that is full) is lost, not thrown
// about.
void Complain(const std::string& message);

// A line each and flushed; progress goes to the terminal. Thread-safe.
class EventWriter {
 public:
  explicit EventWriter(std::string attempt) : attempt_(std::move(attempt)) {}

  void Send(const protocol::Event& event);
  // Says, in the place of a trainer that does not get to it, that it is stopped without having written a
  // checkpoint; `reason` goes into the log. Nothing where the last event was sent already. Gives up where the
  // reader does not take what is being written.
  void SendStopped(const std::string& reason);
  void Clear();
  // Whether an event could not be written: a full disk, a reader that left.
  bool lost() const;
  // What Stopped said; nothing where the trial has not been stopped.
  std::optional<protocol::Stopped> stopped() const;

 private:
  void Write(const protocol::Event& event);

  const std::string attempt_;
  mutable std::timed_mutex mutex_;
  // Guarded by the mutex.
  bool lost_ = false, ended_ = false;
  std::int64_t standing_step_ = 0;  // of the newest checkpoint
  std::optional<protocol::Stopped> stopped_;
  ProgressLine line_;
};

}  // namespace lorikeet::trainer
