#include "tests/fleet/host.h"

#include <gtest/gtest.h>

#include <utility>

#include "worker/agent/attempts.h"

namespace lorikeet::fleet {
namespace {

constexpr Duration kTickEvery = milliseconds(1000);

}  // namespace

Host::Host(World& world, Coordinator& coordinator, std::string folder, const HostOptions& options)
    : world_(world),
      coordinator_(coordinator),
      path_(std::move(folder)),
      clock_(world, std::chrono::hours(world.Below(50))),
      halting_(world),
      trainers_(world, options.habits, static_cast<std::size_t>(options.slots)),
      courier_(world, coordinator, cable_) {
  cable_.latency = world.Between(milliseconds(1), milliseconds(200));
  options_.hostname = path_.substr(path_.rfind('/') + 1);
  options_.build = "0.1.0";
  options_.artifacts = &courier_;
  options_.most_waiting_bytes = 200;  // a few events
  options_.most_spooled_bytes = 400;
  options_.few_points = 1;
  if (options.compares) options_.fingerprinter = this;
  trainers_.says_files = options.compares;
  if (options.gpus) options_.gpu_memory = this;
  for (std::int64_t i = 0; i < options.slots; ++i) {
    options_.slots.push_back({.index = i,
                              .kind = options.gpus ? "cuda" : "cpu",
                              .device = options.gpus ? "cuda:" + std::to_string(i) : "cpu",
                              .device_model = "CPU one",
                              .memory_bytes = 1LL << 33,
                              .threads = 1});
  }
  trainers_.settle = [this] { Settle(); };
}

Host::~Host() { Kill(); }

void Host::Start() {
  auto folder = agent::Folder::Open(path_, world_.dice(), disk_);
  if (!folder.ok() && disk_.full) return StartLater();
  ASSERT_TRUE(folder.ok()) << folder.status();
  folder_ = *std::move(folder);
  std::vector<std::string> warnings;
  auto attempts = agent::RecoverAttempts(*folder_, warnings);
  ASSERT_TRUE(attempts.ok()) << attempts.status();
  options_.process = NewId("p", world_.dice());
  session_ = std::make_unique<agent::Session>(options_, *folder_, trainers_, *this, clock_);
  trainers_.listener = session_.get();
  world_.Note(options_.hostname + " up");
  const std::uint64_t life = ++life_;
  courier_.Start(folder_->identity(), *session_,
                 [this, life](std::function<void()> what) { Do(life, std::move(what)); });
  const Status recovered = session_->Recover(*std::move(attempts));
  ASSERT_TRUE(recovered.ok()) << recovered;
  Tick(life);
  world_.After(world_.Between(milliseconds(10), seconds(2)), [this, life] { Connect(life); });
}

void Host::Kill() {
  if (!up()) return;
  world_.Note(options_.hostname + " killed");
  ++life_;
  trainers_.Kill();
  courier_.Kill();
  session_.reset();
  folder_.reset();
  if (const auto stream = std::exchange(stream_, nullptr)) stream->CloseWorker();
}

void Host::Drain() {
  if (!up()) return;
  world_.Note(options_.hostname + " drains");
  session_->Drain("asked to");
  Settle();
}

void Host::FillDisk(Duration time) {
  world_.Note(options_.hostname + "'s disk is full");
  disk_.full = true;
  full_until_ = std::max(full_until_, world_.now() + time);
  world_.After(time, [this] { disk_.full = world_.now() < full_until_; });
}

void Host::FailDisk() {
  const std::vector<std::string> attempts = up() ? folder_->ListAttempts() : std::vector<std::string>();
  if (attempts.empty()) return;
  const std::string& attempt = attempts[world_.Below(attempts.size())];
  world_.Note("the spool of " + attempt + " fails");
  disk_.failing.insert(attempt + "/spool");
  disk_.unreadable.insert(attempt + "/spool");
}

void Host::PowerCut() {
  world_.Note(options_.hostname + " loses its power");
  Kill();
  disk_.PowerCut(world_.dice());
}

void Host::Curse(Duration time) {
  world_.Note(options_.hostname + " is cursed");
  trainers_.cursed_until = world_.now() + time;
}

void Host::Pause(Duration time) {
  world_.Note(options_.hostname + " stands still");
  halting_.Stop(time);
  trainers_.paused_until = halting_.until();
}

void Host::ChangeFiles(Duration time) {
  world_.Note(options_.hostname + " has other files");
  trainers_.files = "other";
  world_.After(time, [this] { trainers_.files = "right"; });
}

void Host::Ask(const std::string& attempt_id, const Trial&) {
  world_.After(world_.Between(milliseconds(5), seconds(30)), [this, life = life_, attempt_id] {
    Do(life, [this, attempt_id] {
      const std::string fingerprint = FingerprintOf(trainers_.files);
      session_->OnFingerprints(attempt_id, {{"model", fingerprint}, {"/data/train.jsonl", fingerprint}});
    });
  });
}

void Host::Ask() {
  world_.After(world_.Between(milliseconds(5), seconds(3)), [this, life = life_] {
    Do(life, [this] {
      session_->OnGpuMemory(world_.Chance(20) ? StatusOr<std::vector<std::int64_t>>(Unavailable("no answer"))
                                              : trainers_.GpuMemory());
    });
  });
}

void Host::BreakStream() {
  if (stream_) stream_->Break();
}

void Host::Do(std::uint64_t life, std::function<void()> what) {
  halting_.Do([this, life, what = std::move(what)] {
    if (life != life_ || !up()) return;
    what();
    Settle();
  });
}

void Host::Tick(std::uint64_t life) {
  Do(life, [this, life] {
    session_->Tick();
    world_.After(kTickEvery, [this, life] { Tick(life); });
  });
}

void Host::Settle() {
  if (up() && session_->outcome()) {
    if (!session_->draining()) broken_ = options_.hostname + " gave up: " + session_->outcome()->message;
    Kill();
    StartLater();
  }
  settle();
}

void Host::StartLater() {
  world_.After(world_.Between(seconds(1), seconds(60)), [this] {
    if (!up()) Start();
  });
}

void Host::Connect(std::uint64_t life) {
  Do(life, [this, life] {
    if (stream_) return;
    const auto again = [this, life] {
      world_.After(world_.Between(seconds(1), seconds(15)), [this, life] { Connect(life); });
    };
    if (world_.now() < cable_.cut_until) return again();
    const auto stream = std::make_shared<Stream>(world_, cable_);
    if (!coordinator_.Accept(stream)) return again();
    // Of this process, and in its order even where it stood still meanwhile.
    stream->worker.message = [this, life, stream](const v1::CoordinatorMessage& message) {
      Do(life, [this, stream, message] {
        if (stream == stream_) session_->OnMessage(message);
      });
    };
    stream->worker.broken = [this, life, stream](const std::string& reason) {
      Do(life, [this, stream, reason] {
        if (stream == stream_) Disconnected(reason);
      });
    };
    stream_ = stream;
    if (bad_cable && world_.Chance(8)) Cut(world_.Between(seconds(1), seconds(120)));
    session_->OnConnected();
  });
}

void Host::Disconnected(const std::string& reason) {
  const auto stream = std::exchange(stream_, nullptr);
  stream->CloseWorker();
  session_->OnDisconnected(reason);
  const std::uint64_t life = life_;
  world_.After(world_.Between(seconds(1), seconds(15)), [this, life] { Connect(life); });
}

void Host::Send(const v1::WorkerMessage& message) {
  if (stream_) stream_->Up(message);
}

void Host::Reset(const std::string& reason) {
  if (stream_) Disconnected(reason);
}

}  // namespace lorikeet::fleet
