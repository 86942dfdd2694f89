#include "tests/fleet/trainers.h"

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "common/files.h"

namespace lorikeet::fleet {
namespace {

constexpr std::int64_t kSaveEvery = 3, kDocuments = 2;

std::string Checkpoint(const agent::Launch& launch) { return launch.trial_folder + "/step"; }

}  // namespace

double ScoreOf(const std::string& trial_json) {
  return static_cast<double>(Hash(trial_json) % 10'000) / 10'000;
}

bool Trainers::Runs(const Running& trainer) const {
  const auto found = running_.find(trainer->launch.attempt_id);
  return found != running_.end() && found->second == trainer;
}

void Trainers::Later(const Running& trainer, Duration wait, void (Trainers::*what)(const Running&)) {
  world_.After(wait, [this, trainer, what] {
    if (!Runs(trainer)) return;
    if (world_.now() < paused_until) return Later(trainer, paused_until - world_.now(), what);
    (this->*what)(trainer);
    settle();
  });
}

Status Trainers::Start(const agent::Launch& launch) {
  if (world_.Chance(100)) return Internal("no more processes");
  for (const auto& [id, other] : running_) {
    if (other->launch.trial_folder == launch.trial_folder)
      broken_ = launch.attempt_id + " and " + id + " train in one folder";
  }
  if (running_.size() >= slots_) broken_ = launch.attempt_id + " is one trainer too many";
  auto trainer = std::make_shared<Trainer>();
  trainer->launch = launch;
  trainer->total = 4 + static_cast<std::int64_t>(Hash(launch.trial_json) % 9);
  running_[launch.attempt_id] = trainer;
  world_.Note("start " + launch.attempt_id);
  Later(trainer, world_.Between(milliseconds(300), seconds(5)), &Trainers::Begin);
  return absl::OkStatus();
}

void Trainers::Stop(const std::string& attempt_id, agent::StopHow how) {
  const auto found = running_.find(attempt_id);
  if (found == running_.end() || found->second->over) return;
  const Running& trainer = found->second;
  trainer->leaving = true;
  if (how == agent::StopHow::kCheckpoint && trainer->step > 0) Save(trainer);
  Later(trainer, world_.Between(milliseconds(50), seconds(8)), &Trainers::Leave);
}

void Trainers::Begin(const Running& trainer) {
  if (trainer->over || trainer->leaving) return;
  if (const auto saved = ReadFile(Checkpoint(trainer->launch)); saved.ok())
    trainer->step = trainer->saved = std::atoll(saved->c_str());
  Say(trainer, protocol::Started{.device = trainer->launch.device,
                                 .device_model = "CPU one",
                                 .threads = 1,
                                 .micro_batch_size = 4,
                                 .from_step = trainer->step,
                                 .total_steps = trainer->total,
                                 .build = "0.1.0"});
  Later(trainer, world_.Between(seconds(1), seconds(20)), &Trainers::Train);
}

void Trainers::Train(const Running& trainer) {
  if (trainer->over || trainer->leaving) return;
  if (habits_.crashes_one_in > 0 && world_.Chance(habits_.crashes_one_in))
    return SayLast(trainer, protocol::Failed{.kind = "crashed", .message = "signal 9"});
  if (trainer->step >= trainer->total) return Evaluate(trainer);
  ++trainer->step;
  Say(trainer, protocol::Progress{.phase = "training",
                                  .step = trainer->step,
                                  .total = trainer->total,
                                  .loss = 1.0,
                                  .tokens_per_second = 1,
                                  .eta_seconds = 1});
  Say(trainer,
      protocol::Metric{
          .step = trainer->step, .name = "train_loss", .value = 1.0 / static_cast<double>(trainer->step)});
  if (trainer->step % kSaveEvery == 0) {
    Save(trainer);
    Say(trainer, protocol::CheckpointSaved{trainer->saved});
  }
  Later(trainer, world_.Between(seconds(1), seconds(30)), &Trainers::Train);
}

void Trainers::Save(const Running& trainer) {
  std::error_code ignored;
  std::filesystem::create_directories(trainer->launch.trial_folder, ignored);
  if (WriteFileAtomically(Checkpoint(trainer->launch), std::to_string(trainer->step)).ok())
    trainer->saved = trainer->step;
}

void Trainers::Evaluate(const Running& trainer) {
  const double score = ScoreOf(trainer->launch.trial_json);
  const protocol::RougeF1 rouge{
      .rouge1 = score, .rouge2 = score / 2, .rougeL = score / 3, .rougeLsum = score / 4};
  for (std::int64_t i = 0; i < kDocuments; ++i) {
    const std::string id = "d" + std::to_string(i);
    if (trainer->launch.documents)
      Say(trainer,
          protocol::Document{.split = "test", .id = id, .article = "a", .reference = "r", .position = i});
    Say(trainer, protocol::Prediction{
                     .split = "test", .id = id, .summary = "s", .position = i, .tokens = 1, .rouge = rouge});
  }
  protocol::Result result;
  result.test = {.rouge = rouge, .documents = kDocuments};
  result.validation = {.rouge = rouge, .documents = kDocuments};
  result.kept_step = result.last_step = trainer->total;
  result.train_documents = 10;
  result.trainable_parameters = 10;
  result.trainable_share = 0.1;
  result.device = trainer->launch.device;
  result.device_model = "CPU one";
  result.threads = 1;
  result.micro_batch_size = 4;
  result.precision = "fp32";
  result.train_seconds = 1;
  result.data_fingerprint = result.model_fingerprint = std::string(64, 'f');
  result.predictions = kDocuments;
  SayLast(trainer, result);
}

void Trainers::Leave(const Running& trainer) {
  if (trainer->over) return;
  SayLast(trainer, protocol::Stopped{.step = trainer->saved, .checkpointed = trainer->saved > 0});
}

void Trainers::Close(const Running& trainer) {
  const std::string id = trainer->launch.attempt_id;
  running_.erase(id);
  world_.Note("close " + id);
  listener->OnTrainerClosed(id);
}

void Trainers::Say(const Running& trainer, const protocol::Event& event) {
  listener->OnTrainerEvent(trainer->launch.attempt_id, event);
}

void Trainers::SayLast(const Running& trainer, const protocol::Event& event) {
  trainer->over = true;
  Say(trainer, event);
  Later(trainer, world_.Between(milliseconds(10), seconds(3)), &Trainers::Close);
}

}  // namespace lorikeet::fleet
