#include "tests/fleet/coordinator.h"

#include <gtest/gtest.h>

#include <utility>

#include "coordinator/rpc/convert.h"

namespace lorikeet::fleet {
namespace {

constexpr Duration kTickEvery = milliseconds(1000), kLongestTurn = milliseconds(200);

}  // namespace

// The service's hold on a stream. Nothing of a dead process is heard any more.
class Coordinator::Connection : public service::WorkerConnection {
 public:
  Connection(Coordinator& owner, std::shared_ptr<Stream> stream)
      : owner_(owner), life_(owner.life_), stream_(std::move(stream)) {}
  void Send(service::ToWorker message) override {
    if (owner_.dying_ || owner_.life_ != life_) return;
    const v1::CoordinatorMessage wire = rpc::ToWire(message, "0.1.0");
    if (wire.has_ack()) {
      if (const auto forged = owner_.forged_.find(wire.ack().attempt_id()); forged != owner_.forged_.end()) {
        owner_.forged_.erase(forged);
        return;
      }
      owner_.NoteAck(wire.ack());
    }
    stream_->Down(wire);
    if (wire.has_replaced()) stream_->CloseCoordinator("replaced");
  }
  void Close(const Status& reason) override {
    if (owner_.life_ == life_) stream_->CloseCoordinator(Message(reason));
  }

 private:
  Coordinator& owner_;
  const std::uint64_t life_;
  const std::shared_ptr<Stream> stream_;
};

Coordinator::Coordinator(World& world, std::string folder, Rules rules)
    : world_(world),
      folder_(std::move(folder)),
      rules_(rules),
      clock_(world, std::chrono::hours(3)),
      halting_(world),
      drive_(world.dice().Next()),
      vfs_(drive_, folder_) {}

StatusOr<std::unique_ptr<store::Store>> Coordinator::OpenStore() {
  const auto sync_folder = [this](const std::string& folder) -> Status {
    if (folder != folder_) return absl::OkStatus();  // those above are not on this disk
    const bool done = drive_.SyncFolder(folder) == store::FailingDisk::Outcome::kDone;
    return done ? absl::OkStatus() : Internal("{}: fsync: Input/output error", folder);
  };
  // A small WAL, so that it is moved into the file often.
  return store::Store::Open(
      folder_, {.build = "0.1.0", .vfs = vfs_.name(), .sync_folder = sync_folder, .checkpoint_pages = 60});
}

std::unique_ptr<SQLite::Database> Coordinator::OpenDatabase() const {
  return std::make_unique<SQLite::Database>(database_, SQLite::OPEN_READONLY, 0, vfs_.name());
}

void Coordinator::WatchStates() const {
  SQLite::Database database(database_, SQLite::OPEN_READWRITE, 0, vfs_.name());
  database.exec(
      "CREATE TABLE steps_seen (kind, before, after, PRIMARY KEY (kind, before, after)) WITHOUT ROWID");
  for (const std::string table : {"sweeps", "trials", "attempts"}) {
    database.exec(
        fmt::format("CREATE TRIGGER {0}_begin AFTER INSERT ON {0} BEGIN"
                    " INSERT OR IGNORE INTO steps_seen VALUES ('{0}', '', NEW.state); END",
                    table));
    database.exec(
        fmt::format("CREATE TRIGGER {0}_step AFTER UPDATE OF state ON {0} WHEN OLD.state <> NEW.state"
                    " BEGIN INSERT OR IGNORE INTO steps_seen VALUES ('{0}', OLD.state, NEW.state); END",
                    table));
  }
}

void Coordinator::Start() {
  if (!drive_.powered()) {
    let_go();
    drive_.PowerOn();
  }
  drive_faults_ = drive_.faults();
  dying_ = false;
  auto opened = OpenStore();
  if (!opened.ok()) {
    if (!MayFail()) broken_ = "the database does not open: " + Message(opened.status());
    return Kill();
  }
  disk_ = *std::move(opened);
  if (std::exchange(database_, disk_->path()).empty()) WatchStates();
  StoreHooks hooks;
  hooks.dies_before = [this] {
    if (dies_in_ > 0 && --dies_in_ == 0 && !dies_committed_) dying_ = true;
    if (dying_) return true;
    if (dies_in_ == 0 && dies_committed_) dies_in_ = -1;
    return false;
  };
  hooks.dies_after = [this] {
    if (dies_in_ < 0) dies_in_ = 0, dies_committed_ = false, dying_ = true;
    return dying_;
  };
  hooks.locked = [this] { return world_.now() < locked_until_; };
  hooks.full = [this] { return world_.now() < full_until_; };
  hooks.loses = [this] { return !rules_.commit_before_ack && world_.Chance(20); };
  if (!rules_.check_tokens) hooks.token = [this] { return reported_token_; };
  hooks.forgets = !rules_.reload_every_lease;
  store_ = HookedStore(*disk_, std::move(hooks));
  ++life_;
  ++memory_;
  // What a killed process left without a row.
  const auto rows = disk_->ArtifactPaths();
  ASSERT_TRUE(rows.ok()) << rows.status();
  const std::set<std::string> known(rows->begin(), rows->end());
  std::erase_if(files_, [&](const auto& file) { return !known.contains(file.first); });
  const auto remove = [this](const std::string& path) {
    if (!dying_) files_.erase(path);
  };
  auto service =
      service::Service::Create({.build = "0.1.0", .remove_files = remove}, *store_, clock_, world_.dice());
  if (!service.ok()) {
    if (!MayFail()) broken_ = "the coordinator does not start: " + Message(service.status());
    return Kill();
  }
  service_ = *std::move(service);
  queue_ = std::make_unique<service::RequestQueue>(*service_, clock_);
  turn_planned_ = false;
  forged_.clear();
  world_.Note("coordinator up");
  Tick(life_);
}

void Coordinator::Kill() {
  world_.Note("coordinator killed");
  ++life_;
  dies_in_ = 0;
  halting_.Forget();
  MendDisk();  // a fault that did not come to it
  const auto streams = std::exchange(streams_, {});
  queue_.reset();
  service_.reset();
  store_.reset();
  disk_.reset();
  for (const std::shared_ptr<Stream>& stream : streams) stream->CloseCoordinator("the connection was reset");
}

void Coordinator::Stop(Duration time) {
  world_.Note("coordinator stopped");
  halting_.Stop(time);
}

void Coordinator::Do(std::uint64_t life, std::function<void()> what) {
  halting_.Do([this, life, what = std::move(what)] {
    if (life == life_ && up()) what();
  });
}

void Coordinator::Tick(std::uint64_t life) {
  Do(life, [this, life] {
    RunTurn(life);
    world_.After(kTickEvery, [this, life] { Tick(life); });
  });
}

void Coordinator::Post(WorkerDialogue::Work work, std::function<void(const Status&)> done) {
  queue_->Add({.kind = service::Request::Kind::kWorker,
               .work = std::move(work),
               .done = std::move(done),
               .posted = clock_.Steady()});
  if (std::exchange(turn_planned_, true)) return;
  world_.After(world_.Between(Duration::zero(), kLongestTurn), [this, life = life_] {
    Do(life, [this, life] {
      turn_planned_ = false;
      RunTurn(life);
    });
  });
}

void Coordinator::RunTurn(std::uint64_t life) {
  if (life != life_ || !up()) return;
  Settle(queue_->RunTurn(clock_.Steady()));
}

bool Coordinator::Settle(const Status& status) {
  if (absl::IsResourceExhausted(status)) ++memory_;
  if (dying_ || absl::IsInternal(status)) {
    EXPECT_TRUE(MayFail()) << status;
    Kill();
  }
  settle();
  return up();
}

bool Coordinator::Accept(const std::shared_ptr<Stream>& stream) {
  if (!up()) return false;
  streams_.push_back(stream);
  const auto dialogue = std::make_shared<WorkerDialogue>(std::make_shared<Connection>(*this, stream));
  const auto end = [this, stream, dialogue, life = life_](const std::string& reason) {
    if (life != life_ || std::erase(streams_, stream) == 0) return;
    stream->CloseCoordinator(reason);
    Post(dialogue->Close(), [](const Status&) {});
  };
  const auto read = [this, dialogue, end](v1::WorkerMessage message) {
    if (!rules_.compare_files) HideFiles(message);
    if (message.has_events() && world_.Chance(20)) Forge(message, *dialogue);
    const StatusOr<WorkerDialogue::Work> work = dialogue->Decode(message);
    if (!work.ok()) return end(Message(work.status()));
    const core::Token token = message.events().token();
    for (const v1::Event& event : message.events().events()) {
      if (event.has_result()) results_sent_[message.events().attempt_id()] = event.sequence();
    }
    Post(
        [this, work = *work, token](service::Service& service) {
          reported_token_ = token;
          return work(service);
        },
        [end](const Status& status) {
          if (!status.ok()) end(Message(status));
        });
  };
  stream->coordinator.message = [this, read, life = life_](const v1::WorkerMessage& message) {
    Do(life, [read, message] { read(message); });
  };
  stream->coordinator.broken = [this, end, life = life_] { Do(life, [end] { end("closed"); }); };
  return true;
}

void Coordinator::HideFiles(v1::WorkerMessage& message) {
  if (!message.has_events()) return;
  for (v1::Event& event : *message.mutable_events()->mutable_events()) {
    if (event.has_fingerprints()) event.mutable_log()->set_message("files");
    if (event.has_started()) event.mutable_started()->clear_data_fingerprint();
    if (event.has_started()) event.mutable_started()->clear_model_fingerprint();
    if (event.has_result()) event.mutable_result()->clear_data_fingerprint();
    if (event.has_result()) event.mutable_result()->clear_model_fingerprint();
  }
}

void Coordinator::TakeArtifact(core::Artifact artifact, const std::string& worker_id,
                               const std::string& content, const Answer& answer) {
  // Nobody but its trial's holder may hand anything in.
  const bool forged = world_.Chance(10);
  if (forged) artifact.token -= 1;
  const auto offered = std::make_shared<core::Artifact>(artifact);
  const auto take_row = [this, offered, worker_id, forged, answer](const Status& kept) {
    if (!kept.ok() && !absl::IsInternal(kept)) files_.erase(offered->path);
    if (kept.ok() && forged) broken_ = "a file of a stale token was taken: " + offered->path;
    if (!forged) answer(kept);
  };
  const auto write = [this, offered, worker_id, content, take_row] {
    files_[offered->path] = content;
    Post(
        [offered, worker_id](service::Service& service) { return service.KeepArtifact(*offered, worker_id); },
        take_row);
  };
  Post(
      [offered, worker_id](service::Service& service) -> Status {
        ASSIGN_OR_RETURN(offered->path, service.OfferArtifact(*offered, worker_id, 0));
        return absl::OkStatus();
      },
      [this, write, answer, forged](const Status& status) {
        if (!status.ok()) return forged ? void() : answer(status);
        world_.After(world_.Between(milliseconds(1), seconds(10)),
                     [this, life = life_, write] { Do(life, write); });
      });
}

void Coordinator::GiveCheckpoint(const std::string& trial_id, const service::Lease& lease,
                                 const std::string& worker_id, Given& given, const Answer& answer) {
  const auto path = std::make_shared<std::string>();
  Post(
      [=, &given](service::Service& service) -> Status {
        ASSIGN_OR_RETURN(const service::FoundArtifact found,
                         service.FindCheckpoint(trial_id, lease, worker_id));
        *path = found.artifact.path;
        given.token = found.artifact.token;
        return absl::OkStatus();
      },
      [this, path, &given, answer](const Status& status) {
        if (!status.ok()) return answer(status);
        const auto file = files_.find(*path);
        if (file == files_.end()) return answer(NotFound("a file of the artifact is gone"));
        given.content = file->second;
        answer(absl::OkStatus());
      });
}

void Coordinator::Forge(v1::WorkerMessage message, WorkerDialogue& dialogue) {
  v1::EventBatch& batch = *message.mutable_events();
  batch.set_token(batch.token() - 1);
  for (v1::Event& event : *batch.mutable_events()) {
    if (event.has_metric()) event.mutable_metric()->set_value(-1);
    if (event.has_result()) event.mutable_result()->mutable_test()->mutable_rouge()->set_rouge1(1);
  }
  const StatusOr<WorkerDialogue::Work> work = dialogue.Decode(message);
  ASSERT_TRUE(work.ok()) << work.status();
  Post(
      [this, work = *work, batch](service::Service& service) -> Status {
        reported_token_ = batch.token();
        const Status answer = work(service);
        if (answer.ok()) forged_.insert(batch.attempt_id());
        // What the database or its disk says is the turn's matter; whatever else comes of it is nothing to
        // its worker.
        const bool storage =
            absl::IsUnavailable(answer) || absl::IsInternal(answer) || absl::IsResourceExhausted(answer);
        return storage ? answer : absl::OkStatus();
      },
      [](const Status&) {});
}

void Coordinator::NoteAck(const v1::Ack& ack) {
  const auto result = results_sent_.find(ack.attempt_id());
  if (result == results_sent_.end() || ack.superseded() || ack.sequence() < result->second) return;
  promised_.insert(ack.attempt_id());
}

}  // namespace lorikeet::fleet
