#include "tests/bench/load/simulated_worker.h"

#include "common/build_info.h"
#include "common/rpc/status_codes.h"
#include "common/rpc/token.h"
#include "tests/bench/load/measure.h"

namespace lorikeet::load {

SimulatedWorker::SimulatedWorker(WorkerOptions options, std::unique_ptr<Work> work, Tally& tally)
    : options_(std::move(options)), tally_(tally), work_(std::move(work)), waits_(options_.waits) {}

void SimulatedWorker::Connect(v1::WorkerService::Stub& stub, const std::string& token) {
  rpc::Authorize(context_, token);
  // A coordinator may be too busy with the others to answer a connection: it is tried again, as workers do.
  context_.set_wait_for_ready(true);
  stub.async()->Session(&context_, this);
  AddHold();  // while it lasts, Renew and Release may write
  StartRead(&reading_);
  StartCall();
  v1::WorkerMessage message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_protocol_version(kProtocolVersion);
  hello.set_build(Build());
  hello.set_worker_id(options_.id);
  hello.set_hostname(options_.id);
  hello.set_start(1);
  hello.set_process(options_.id);
  hello.set_connection(1);
  for (std::int64_t i = 0; i < options_.slots; ++i) {
    v1::Slot& slot = *hello.add_slots();
    slot.set_index(i);
    slot.set_kind("cpu");
    slot.set_device("cpu");
    slot.set_device_model("simulated");
    slot.set_memory_bytes(64LL << 30);
    slot.set_threads(1);
  }
  absl::MutexLock lock(&mutex_);
  open_ = true;
  Send(std::move(message));
}

void SimulatedWorker::Send(v1::WorkerMessage message) {
  if (!open_) return;
  queue_.push_back(std::move(message));
  if (!writing_ && !handling_) WriteNext();
}

void SimulatedWorker::WriteNext() {
  writing_message_ = std::move(queue_.front());
  queue_.pop_front();
  writing_ = true;
  grpc::WriteOptions options;
  if (!queue_.empty()) options.set_buffer_hint();
  StartWrite(&writing_message_, options);
}

void SimulatedWorker::OnWriteDone(bool ok) {
  absl::MutexLock lock(&mutex_);
  writing_ = false;
  if (ok && open_ && !queue_.empty()) WriteNext();
}

void SimulatedWorker::OnReadDone(bool ok) {
  bool let_go = false;
  {
    absl::MutexLock lock(&mutex_);
    if (ok) {
      handling_ = true;
      Handle(reading_);
      handling_ = false;
      if (!writing_ && open_ && !queue_.empty()) WriteNext();
      StartRead(&reading_);
    } else {
      let_go = std::exchange(open_, false);
    }
  }
  if (let_go) RemoveHold();
}

void SimulatedWorker::Handle(const v1::CoordinatorMessage& message) {
  switch (message.message_case()) {
    case v1::CoordinatorMessage::kWelcome:
      welcomed_ = true;
      tally_.renew_milliseconds = message.welcome().renew_milliseconds();
      ++tally_.welcomed;
      break;
    case v1::CoordinatorMessage::kGrant:
      tally_.CountGrant();
      if (waits_) {
        waiting_.push_back(message.grant());
      } else {
        work_->Granted(message.grant(), *this);
      }
      break;
    case v1::CoordinatorMessage::kAck:
      work_->Acknowledged(message.ack(), *this);
      break;
    case v1::CoordinatorMessage::kRenewed:
      HandleRenewed(message.renewed());
      break;
    case v1::CoordinatorMessage::kRevoke:
      ++tally_.taken_back;
      break;
    default:
      break;
  }
}

void SimulatedWorker::Hold() {
  absl::MutexLock lock(&mutex_);
  waits_ = true;
}

void SimulatedWorker::Release() {
  absl::MutexLock lock(&mutex_);
  waits_ = false;
  for (const v1::Grant& grant : waiting_) work_->Granted(grant, *this);
  waiting_.clear();
}

void SimulatedWorker::Renew() {
  absl::MutexLock lock(&mutex_);
  if (!welcomed_) return;
  v1::WorkerMessage message;
  v1::Renew& renew = *message.mutable_renew();
  renew.set_nonce(++nonce_);
  work_->AddLeases(renew);
  renewing_.push_back({nonce_, Now(), renew.leases_size()});
  Send(std::move(message));
}

void SimulatedWorker::HandleRenewed(const v1::Renewed& renewed) {
  while (!renewing_.empty() && renewing_.front().nonce < renewed.nonce()) renewing_.pop_front();
  if (renewing_.empty()) return;
  const Renewal& renewal = renewing_.front();
  renewals_.push_back(Now() - renewal.sent);
  if (renewed.attempt_ids_size() < renewal.leases) {
    tally_.not_renewed += renewal.leases - renewed.attempt_ids_size();
  }
  renewing_.pop_front();
}

void SimulatedWorker::Cancel() {
  {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
  }
  context_.TryCancel();
}

void SimulatedWorker::OnDone(const grpc::Status& status) {
  absl::MutexLock lock(&mutex_);
  if (!cancelled_) {
    tally_.error.Set(status.ok() ? Aborted("the coordinator ended the stream of {}", options_.id)
                                 : rpc::FromGrpc(status, options_.id));
  }
  ended_ = true;
}

void SimulatedWorker::WaitForEnd() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&ended_));
}

std::vector<double> SimulatedWorker::TakeRenewals() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(renewals_, {});
}

std::vector<std::string> SimulatedWorker::finished() {
  absl::MutexLock lock(&mutex_);
  return work_->finished();
}

}  // namespace lorikeet::load
