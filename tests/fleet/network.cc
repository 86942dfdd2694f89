#include "tests/fleet/network.h"

#include <algorithm>
#include <utility>

namespace lorikeet::fleet {

void Stream::TellWorker(const std::string& reason) const {
  if (const auto tell = worker.broken) tell(reason);
}

void Stream::TellCoordinator() const {
  if (const auto tell = coordinator.broken) tell();
}

SteadyTime Stream::Arrival(SteadyTime& last) {
  // What a cut held back is sent again after a pause that had grown meanwhile, as TCP does; new streams do
  // not wait for that.
  const SteadyTime sent = world_.now() < cable_.cut_until
                              ? cable_.cut_until + world_.Between(Duration::zero(), seconds(30))
                              : world_.now();
  last = std::max(last, sent + cable_.latency + world_.Between(Duration::zero(), milliseconds(500)));
  return last;
}

void Stream::Up(v1::WorkerMessage message) {
  if (world_.now() >= broken_at_) return;
  world_.At(Arrival(last_up_), [self = shared_from_this(), message = std::move(message)] {
    const auto take = self->coordinator.message;  // which may let go of the stream
    if (self->world_.now() < self->broken_at_ && take) take(message);
  });
}

void Stream::Down(v1::CoordinatorMessage message) {
  if (world_.now() >= broken_at_) return;
  world_.At(Arrival(last_down_), [self = shared_from_this(), message = std::move(message)] {
    const auto take = self->worker.message;
    if (self->world_.now() < self->broken_at_ && take) take(message);
  });
}

void Stream::CloseWorker() {
  worker = {};
  world_.At(Arrival(last_up_), [self = shared_from_this()] { self->TellCoordinator(); });
}

void Stream::CloseCoordinator(const std::string& reason) {
  coordinator = {};
  world_.At(Arrival(last_down_), [self = shared_from_this(), reason] { self->TellWorker(reason); });
}

void Stream::Break() {
  broken_at_ = world_.now() + world_.Between(Duration::zero(), milliseconds(300));
  // A reset is seen at once; a silence never, or by what watches over it.
  if (!world_.Chance(4)) {
    world_.After(world_.Between(milliseconds(300), seconds(60)),
                 [self = shared_from_this()] { self->TellWorker("the connection broke"); });
  }
  world_.After(world_.Between(milliseconds(300), seconds(200)),
               [self = shared_from_this()] { self->TellCoordinator(); });
}

}  // namespace lorikeet::fleet
