#include "tests/fleet/trainers.h"

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "common/files.h"
#include "worker/protocol/checkpoint_files.h"

namespace lorikeet::fleet {
namespace {

constexpr std::int64_t kSaveEvery = 3, kDocuments = 2;

std::string Checkpoints(const agent::Launch& launch) { return launch.trial_folder + "/checkpoint"; }

// The step, and which trial it is of.
std::string StateOf(const agent::Launch& launch, std::int64_t step) {
  return std::to_string(step) + " " + std::to_string(Hash(launch.trial_json));
}

}  // namespace

double ScoreOf(const std::string& trial_json, const std::string& files) {
  return static_cast<double>(Hash(trial_json + files) % 10'000) / 10'000;
}

std::string FingerprintOf(const std::string& files) { return files + std::string(64 - files.size(), 'f'); }

std::vector<std::int64_t> Trainers::GpuMemory() const {
  std::vector<std::int64_t> in_use(slots_, 1LL << 29);
  for (std::size_t i = 0; i < slots_; ++i) {
    const std::string device = "cuda:" + std::to_string(i);
    const auto left = in_use_until_.find(device);
    if (left != in_use_until_.end() && world_.now() < left->second) in_use[i] += 1LL << 33;
    for (const auto& [id, trainer] : running_) in_use[i] += trainer->launch.device == device ? 1LL << 34 : 0;
  }
  return in_use;
}

void Trainers::Leave(const std::string& device) {
  if (device == "cpu") return;
  const bool hangs = world_.Chance(30);
  in_use_until_[device] = world_.now() + (hangs ? world_.Between(seconds(30), seconds(600))
                                                : world_.Between(Duration::zero(), seconds(8)));
}

void Trainers::Kill() {
  for (const auto& [id, trainer] : running_) Leave(trainer->launch.device);
  running_.clear();
}

bool Trainers::Runs(const Running& trainer) const {
  const auto found = running_.find(trainer->launch.attempt_id);
  return found != running_.end() && found->second == trainer;
}

void Trainers::Later(const Running& trainer, Duration wait, void (Trainers::*what)(const Running&)) {
  world_.After(wait, [this, trainer, what] {
    if (!Runs(trainer)) return;
    if (world_.now() < paused_until) return Later(trainer, paused_until - world_.now(), what);
    if (trainer->held) return Later(trainer, seconds(1), what);
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
  if (const auto left = in_use_until_.find(launch.device);
      left != in_use_until_.end() && world_.now() < left->second)
    broken_ = launch.attempt_id + " starts on " + launch.device + ", whose memory is in use";
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

void Trainers::Hold(const std::string& attempt_id, bool held) {
  if (const auto found = running_.find(attempt_id); found != running_.end()) found->second->held = held;
}

void Trainers::Begin(const Running& trainer) {
  if (trainer->over || trainer->leaving) return;
  Resume(*trainer);
  trainer->files = files;
  Say(trainer, protocol::Started{.device = trainer->launch.device,
                                 .device_model = "CPU one",
                                 .threads = 1,
                                 .micro_batch_size = 4,
                                 .from_step = trainer->step,
                                 .total_steps = trainer->total,
                                 .build = "0.1.0",
                                 .data_fingerprint = says_files ? FingerprintOf(trainer->files) : "",
                                 .model_fingerprint = says_files ? FingerprintOf(trainer->files) : ""});
  Later(trainer, world_.Between(seconds(1), seconds(20)), &Trainers::Train);
}

void Trainers::Train(const Running& trainer) {
  if (trainer->over || trainer->leaving) return;
  if (world_.now() < cursed_until)
    return SayLast(trainer, protocol::Failed{.kind = "crashed", .message = "no such instruction"});
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

// As CheckpointFolder: from the highest token's, be it this host's or fetched.
void Trainers::Resume(Trainer& trainer) {
  std::int64_t newest = -1;
  std::string path;
  for (const protocol::CheckpointFile& file : protocol::ListCheckpointFiles(Checkpoints(trainer.launch))) {
    if (file.kind != protocol::CheckpointFile::kState || file.temporary || file.token <= newest) continue;
    newest = file.token;
    path = file.path;
  }
  if (newest < 0) return;
  if (newest > trainer.launch.token) broken_ = trainer.launch.attempt_id + " goes on from a later attempt";
  const std::string state = ReadFile(path).value_or("");
  const std::int64_t step = std::atoll(state.c_str());
  if (state != StateOf(trainer.launch, step))
    broken_ = trainer.launch.attempt_id + " goes on from another trial: " + state;
  trainer.step = trainer.saved = step;
}

void Trainers::Save(const Running& trainer) {
  const std::string folder = Checkpoints(trainer->launch);
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  const std::int64_t token = trainer->launch.token;
  const std::string path = folder + "/" + protocol::StateFileName(token);
  if (!WriteFileAtomically(path, StateOf(trainer->launch, trainer->step)).ok()) return;
  trainer->saved = trainer->step;
  protocol::RemoveCheckpointFiles(folder, [&](const auto& file) { return file.token < token; });
}

void Trainers::Evaluate(const Running& trainer) {
  const double score = ScoreOf(trainer->launch.trial_json, trainer->files);
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
  result.data_fingerprint = result.model_fingerprint = FingerprintOf(trainer->files);
  result.predictions = kDocuments;
  if (trainer->launch.small_checkpoints) {
    std::error_code ignored;
    std::filesystem::create_directories(trainer->launch.trial_folder + "/kept", ignored);
    WriteFileAtomically(trainer->launch.trial_folder + "/kept/adapter_config.json",
                        StateOf(trainer->launch, trainer->total))
        .IgnoreError();
  }
  SayLast(trainer, result);
}

void Trainers::Leave(const Running& trainer) {
  if (trainer->over) return;
  SayLast(trainer, protocol::Stopped{.step = trainer->saved, .checkpointed = trainer->saved > 0});
}

void Trainers::Close(const Running& trainer) {
  const std::string id = trainer->launch.attempt_id;
  Leave(trainer->launch.device);
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
