#include "tests/fleet/courier.h"

#include <filesystem>

#include "common/files.h"
#include "worker/protocol/checkpoint_files.h"

namespace lorikeet::fleet {
namespace {

using core::ArtifactKind;

constexpr Duration kPatience = seconds(90);
constexpr int kFetchTries = 3;

std::string FileOf(const agent::ArtifactOf& of, ArtifactKind kind) {
  return kind == ArtifactKind::kAdapter
             ? of.trial_folder + "/kept/adapter_config.json"
             : of.trial_folder + "/checkpoint/" + protocol::StateFileName(of.token);
}

bool IsRefusal(const Status& status) {
  return absl::IsAborted(status) || absl::IsNotFound(status) || absl::IsFailedPrecondition(status) ||
         absl::IsInvalidArgument(status);
}

}  // namespace

void Courier::Start(std::string worker_id, agent::ArtifactListener& listener,
                    std::function<void(std::function<void()>)> run) {
  worker_id_ = std::move(worker_id);
  listener_ = &listener;
  run_ = std::move(run);
}

void Courier::Kill() {
  ++life_;
  items_.clear();
}

void Courier::Later(Duration wait, std::function<void()> what) {
  world_.After(wait, [this, life = life_, what = std::move(what)] {
    if (life == life_) run_(what);
  });
}

void Courier::SendCheckpoint(const agent::ArtifactOf& checkpoint) {
  const Key key{ArtifactKind::kCheckpoint, checkpoint.attempt_id};
  const bool is_new = items_.insert_or_assign(key, checkpoint).second;
  if (is_new) Later(world_.Between(milliseconds(100), seconds(40)), [this, key] { Try(key, 1); });
}

void Courier::Forget(const std::string& attempt_id) { items_.erase({ArtifactKind::kCheckpoint, attempt_id}); }

void Courier::SendAdapter(const agent::ArtifactOf& adapter) {
  const Key key{ArtifactKind::kAdapter, adapter.attempt_id};
  items_[key] = adapter;
  Later(world_.Between(milliseconds(100), seconds(20)), [this, key] { Try(key, 1); });
}

void Courier::Call(const std::function<void(Answer)>& call, const Answer& done) {
  if (world_.now() < cable_.cut_until || !coordinator_.up()) return done(Unavailable("no connection"));
  const auto answered = std::make_shared<bool>(false);
  const auto answer = [this, life = life_, answered, done](const Status& status) {
    if (life != life_ || std::exchange(*answered, true)) return;
    run_([done, status] { done(status); });
  };
  Later(kPatience, [answer] { answer(Unavailable("no answer in time")); });
  world_.After(cable_.latency, [this, call, answer] {
    if (!coordinator_.up()) return;
    call([this, answer](const Status& status) {
      // What comes back may be lost too.
      if (world_.now() >= cable_.cut_until)
        world_.After(cable_.latency, [answer, status] { answer(status); });
    });
  });
}

void Courier::Try(const Key& key, int tries) {
  const auto found = items_.find(key);
  if (found == items_.end()) return;
  const agent::ArtifactOf of = found->second;
  const auto [kind, attempt] = key;
  const StatusOr<std::string> content = ReadFile(FileOf(of, kind));
  const auto done = [this, key, of, tries](const Status& status) {
    const auto standing = items_.find(key);
    if (standing == items_.end()) return;
    const bool newer = standing->second.step != of.step;
    if (!status.ok() && !IsRefusal(status)) {
      return Later(world_.Between(seconds(1), seconds(60)), [this, key, tries] { Try(key, tries + 1); });
    }
    if (key.first == ArtifactKind::kCheckpoint && status.ok() && newer) {
      return Later(world_.Between(seconds(1), seconds(60)), [this, key] { Try(key, 1); });
    }
    items_.erase(standing);
    if (key.first == ArtifactKind::kAdapter) listener_->OnAdapterSent(key.second, status);
  };
  if (!content.ok()) return done(content.status());
  const core::Artifact artifact{
      .trial_id = of.trial_id,
      .attempt_id = of.attempt_id,
      .kind = kind,
      .token = of.token,
      .step = of.step,
      .path = {},
      .files = {{.name = std::filesystem::path(FileOf(of, kind)).filename().string(),
                 .bytes = static_cast<std::int64_t>(content->size()),
                 .sha256 = std::string(64, '0')}},
      .created_at = {}};
  const auto call = [this, artifact, content = *content](const Answer& answer) {
    coordinator_.TakeArtifact(artifact, worker_id_, content, answer);
  };
  Call(call, done);
}

void Courier::FetchCheckpoint(const agent::ArtifactOf& attempt) {
  Later(world_.Between(milliseconds(10), seconds(10)), [this, attempt] { Fetch(attempt, 1); });
}

void Courier::Fetch(const agent::ArtifactOf& of, int tries) {
  const auto got = std::make_shared<Coordinator::Given>();
  const auto call = [this, of, got](Answer answer) {
    coordinator_.GiveCheckpoint(of.trial_id, {of.attempt_id, of.token}, worker_id_, *got,
                                [got, answer](const Status& status) { answer(status); });
  };
  Call(call, [this, of, tries, got](const Status& status) {
    Status outcome = status;
    if (status.ok()) {
      std::error_code ignored;
      std::filesystem::create_directories(of.trial_folder + "/checkpoint", ignored);
      outcome = WriteFileAtomically(of.trial_folder + "/checkpoint/" + protocol::StateFileName(got->token),
                                    got->content);
    } else if (!IsRefusal(status) && tries < kFetchTries) {
      return Later(world_.Between(seconds(1), seconds(5)), [this, of, tries] { Fetch(of, tries + 1); });
    }
    listener_->OnCheckpointFetched(of.attempt_id, outcome);
  });
}

}  // namespace lorikeet::fleet
