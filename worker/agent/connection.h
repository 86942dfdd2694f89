// The stream to the coordinator over gRPC: opened again for as long as it takes.
//
// gRPC's threads only fill an inbox and ring wake_file(); everything else happens in Step, on the caller's
// thread.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/ids.h"
#include "common/status.h"
#include "worker/agent/session.h"

namespace lorikeet::agent {

struct ConnectionOptions {
  std::shared_ptr<grpc::Channel> channel;
  std::string address;                           // for messages
  std::function<StatusOr<std::string>()> token;  // asked for each stream, so that a new token is found
  Duration first_wait = std::chrono::milliseconds(100);
  Duration longest_wait = std::chrono::seconds(5);  // doubles up to here, less a random part
  // A stream that ended sooner counts as one that failed: whatever ended it may do so again.
  Duration settled_after = std::chrono::seconds(30);
};

// Not thread-safe.
class Connection : public Link {
 public:
  static StatusOr<std::unique_ptr<Connection>> Create(ConnectionOptions options, Clock& clock,
                                                      RandomSource& random);
  // Cancels the stream and waits for gRPC to let go of it.
  ~Connection() override;

  void Send(const v1::WorkerMessage& message) override;
  bool Busy() const override;
  void Reset(const std::string& reason) override;

  // Readable (poll) when Step has something to do.
  int wake_file() const { return wake_; }
  // When Step should be called again at the latest.
  SteadyTime NextStep() const;
  // Opens the stream when it is time; passes on what has come.
  void Step(Session& session);
  // Set for good where the coordinator refuses this worker (no token, another protocol): trying again will
  // not help.
  const std::optional<Status>& refused() const { return refused_; }
  // Lets what is queued go out and ends the stream, within `timeout`.
  void Close(Duration timeout);

 private:
  class Stream;
  Connection(ConnectionOptions options, int wake, Clock& clock, RandomSource& random);
  void Open(Session& session);
  void HandleEnd(Session& session, const Status& status);
  void WaitBeforeOpening();

  const ConnectionOptions options_;
  const int wake_;
  Clock& clock_;
  RandomSource& random_;

  std::unique_ptr<Stream> stream_;
  SteadyTime open_at_{};
  bool heard_ = false;        // something came on this stream
  SteadyTime heard_at_{};     // the first of it
  int failures_ = 0;          // in a row
  bool unreachable_ = false;  // the last stream ended for want of a connection
  std::string last_error_;
  SteadyTime error_told_{};
  std::optional<Status> refused_;
};

}  // namespace lorikeet::agent
