#include "coordinator/web/api/live.h"

#include <iterator>
#include <optional>
#include <utility>

#include "coordinator/core/state_machine.h"

namespace lorikeet::web {
namespace {

// Where an answer is waited for. Shared with the service's thread, which may come when nobody waits any more.
template <typename T>
struct Waited {
  absl::Mutex mutex;
  std::optional<StatusOr<T>> answer ABSL_GUARDED_BY(mutex);

  void Give(StatusOr<T> value) {
    absl::MutexLock lock(&mutex);
    if (!answer) answer = std::move(value);
  }
};

StatusOr<Live::Picture> Take(service::Service& service) {
  Live::Picture picture;
  picture.sweeps = service.ListSweeps();
  picture.workers = service.ListWorkers();
  for (service::SweepView& view : picture.sweeps) {
    view.sweep.text.clear();
    if (view.running == 0) continue;
    ASSIGN_OR_RETURN(std::vector<service::TrialView> running, service.ListRunning(view.sweep.id));
    picture.running.insert(picture.running.end(), std::make_move_iterator(running.begin()),
                           std::make_move_iterator(running.end()));
  }
  picture.taken = RealClock().Steady();
  return picture;
}

}  // namespace

template <typename T>
StatusOr<T> Live::Get(std::function<StatusOr<T>(service::Service&)> read) {
  const auto waited = std::make_shared<Waited<T>>();
  {
    absl::MutexLock lock(&mutex_);
    if (!ask_) return Unavailable("the coordinator is stopping");
    // What is read is kept apart until its turn is over.
    const auto value = std::make_shared<std::optional<T>>();
    ask_(
        [value, read = std::move(read)](service::Service& service) -> Status {
          ASSIGN_OR_RETURN(*value, read(service));
          return absl::OkStatus();
        },
        [waited, value](const Status& status) {
          waited->Give(status.ok() ? StatusOr<T>(*std::move(*value)) : StatusOr<T>(status));
        });
  }
  absl::MutexLock lock(&waited->mutex);
  const auto answered = [&waited]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(waited->mutex) {
    return waited->answer.has_value();
  };
  waited->mutex.AwaitWithTimeout(absl::Condition(&answered), absl::FromChrono(kAnswersWithin));
  if (!waited->answer) return Unavailable("the coordinator is busy; try again");
  return *std::move(waited->answer);
}

StatusOr<std::shared_ptr<const Live::Picture>> Live::Now() {
  {
    absl::MutexLock lock(&mutex_);
    if (last_ != nullptr && RealClock().Steady() - last_->taken < kFresh) return last_;
  }
  ASSIGN_OR_RETURN(Picture picture, Get<Picture>(Take));
  auto newest = std::make_shared<const Picture>(std::move(picture));
  absl::MutexLock lock(&mutex_);
  last_ = newest;
  return newest;
}

StatusOr<service::SweepView> Live::Sweep(const std::string& id) {
  return Get<service::SweepView>([id](service::Service& service) { return service.GetSweep(id); });
}

StatusOr<service::TrialView> Live::Trial(const std::string& id) {
  return Get<service::TrialView>([id](service::Service& service) { return service.GetTrial(id); });
}

void Live::Close() {
  absl::MutexLock lock(&mutex_);
  ask_ = nullptr;
}

}  // namespace lorikeet::web
