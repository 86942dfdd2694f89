// What a worker's stream has still to write: in order, but for renewals, which overtake all else. A lease
// must not run out behind a backlog of events.
#pragma once

#include <cstddef>
#include <deque>

#include "lorikeet/v1/worker.pb.h"

namespace lorikeet::agent {

// Not thread-safe.
class Outbox {
 public:
  // A renewal goes before everything that is no renewal. Hello has left by then: renewals follow a Welcome.
  void Push(const v1::WorkerMessage& message);
  // The next to be written; there is one.
  v1::WorkerMessage Pop();

  bool empty() const { return messages_.empty(); }
  std::size_t size() const { return messages_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  std::deque<v1::WorkerMessage> messages_;
  std::size_t renewals_ = 0;  // the first so many
  std::size_t bytes_ = 0;
};

}  // namespace lorikeet::agent
