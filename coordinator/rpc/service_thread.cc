#include "coordinator/rpc/service_thread.h"

#include <utility>

namespace lorikeet::rpc {
namespace {

// Leases end and backoffs pass with this grain.
constexpr absl::Duration kTickEvery = absl::Milliseconds(200);

}  // namespace

ServiceThread::ServiceThread(service::Service& service, const Clock& clock, service::Observer* observer,
                             std::function<void(const Status&)> on_fatal, std::function<void()> on_turn)
    : clock_(clock),
      on_fatal_(std::move(on_fatal)),
      on_turn_(std::move(on_turn)),
      queue_(service, clock, observer),
      thread_([this] { Run(); }) {}

void ServiceThread::Post(service::Request request) {
  Status stopped;
  {
    absl::MutexLock lock(&mutex_);
    if (stopped_.ok()) {
      request.posted = clock_.Steady();
      posted_.push_back(std::move(request));
      return;
    }
    stopped = stopped_;
  }
  request.done(stopped);
}

void ServiceThread::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void ServiceThread::Run() {
  Status failed;
  for (bool last = false; !last && failed.ok();) {
    std::vector<service::Request> posted;
    SteadyTime heard;
    {
      absl::MutexLock lock(&mutex_);
      const auto wanted = [this]()
                              ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || !posted_.empty(); };
      if (!queue_.busy()) mutex_.AwaitWithTimeout(absl::Condition(&wanted), kTickEvery);
      posted.swap(posted_);
      last = stopping_ && posted.empty() && !queue_.busy();
      heard = clock_.Steady();
    }
    for (service::Request& request : posted) queue_.Add(std::move(request));
    failed = queue_.RunTurn(heard);
    if (!absl::IsInternal(failed)) failed = absl::OkStatus();  // those concerned have been told
    on_turn_();
  }
  if (!failed.ok()) on_fatal_(failed);
  const Status reason = failed.ok() ? Unavailable("the coordinator is stopping") : failed;
  std::vector<service::Request> posted;
  {
    absl::MutexLock lock(&mutex_);
    stopped_ = reason;
    posted.swap(posted_);
  }
  for (service::Request& request : posted) queue_.Add(std::move(request));
  queue_.Refuse(reason);
}

}  // namespace lorikeet::rpc
