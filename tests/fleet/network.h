// The streams between workers and coordinator, as TCP and gRPC give them: in order within a stream, late, and
// lost from some message on where it breaks. The ends learn of a break at different times or not at all, and
// what an older stream still carries arrives among a newer one's messages, so that the coordinator sees
// messages late, twice and out of order.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "lorikeet/v1/worker.pb.h"
#include "tests/fleet/world.h"

namespace lorikeet::fleet {

// One host's cable.
struct Cable {
  SteadyTime cut_until{};  // what is under way arrives afterwards, unless its stream is broken by then
  Duration latency = milliseconds(1);
};

// What an end of a stream does with what comes. Either end may be gone: then nothing is called.
struct WorkerEnd {
  std::function<void(const v1::CoordinatorMessage&)> message;
  std::function<void(const std::string& reason)> broken;
};
struct CoordinatorEnd {
  std::function<void(const v1::WorkerMessage&)> message;
  std::function<void()> broken;
};

// Kept alive by what is under way in it.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  Stream(World& world, const Cable& cable) : world_(world), cable_(cable) {}
  WorkerEnd worker;
  CoordinatorEnd coordinator;

  void Up(v1::WorkerMessage message);
  void Down(v1::CoordinatorMessage message);
  // An end lets go: the other is told as soon as the cable allows.
  void CloseWorker();
  void CloseCoordinator(const std::string& reason);
  // The stream dies on its way: what is under way is lost from a moment on, and each end is told some time.
  void Break();

 private:
  void TellWorker(const std::string& reason) const;
  void TellCoordinator() const;
  // When something that is sent now arrives; after all that was sent before.
  SteadyTime Arrival(SteadyTime& last);

  World& world_;
  const Cable& cable_;
  SteadyTime last_up_{}, last_down_{};
  SteadyTime broken_at_ = SteadyTime::max();
};

}  // namespace lorikeet::fleet
