#include "tests/fleet/host.h"

#include <gtest/gtest.h>

#include <utility>

#include "worker/agent/attempts.h"

namespace lorikeet::fleet {
namespace {

constexpr Duration kTickEvery = milliseconds(1000);

}  // namespace

Host::Host(World& world, Coordinator& coordinator, std::string folder, std::int64_t slots,
           const TrainerHabits& habits)
    : world_(world),
      coordinator_(coordinator),
      path_(std::move(folder)),
      clock_(world, std::chrono::hours(world.Below(50))),
      trainers_(world, habits, static_cast<std::size_t>(slots)) {
  cable_.latency = world.Between(milliseconds(1), milliseconds(200));
  options_.hostname = path_.substr(path_.rfind('/') + 1);
  options_.build = "0.1.0";
  for (std::int64_t i = 0; i < slots; ++i) {
    options_.slots.push_back({.index = i,
                              .kind = "cpu",
                              .device = "cpu",
                              .device_model = "CPU one",
                              .memory_bytes = 1LL << 33,
                              .threads = 1});
  }
  trainers_.settle = [this] { Settle(); };
}

Host::~Host() { Kill(); }

void Host::Start() {
  auto folder = agent::Folder::Open(path_, world_.dice());
  ASSERT_TRUE(folder.ok()) << folder.status();
  folder_ = *std::move(folder);
  std::vector<std::string> warnings;
  auto attempts = agent::RecoverAttempts(*folder_, warnings);
  ASSERT_TRUE(attempts.ok()) << attempts.status();
  options_.process = NewId("p", world_.dice());
  session_ = std::make_unique<agent::Session>(options_, *folder_, trainers_, *this, clock_);
  trainers_.listener = session_.get();
  world_.Note(options_.hostname + " up");
  const Status recovered = session_->Recover(*std::move(attempts));
  ASSERT_TRUE(recovered.ok()) << recovered;
  const std::uint64_t life = ++life_;
  Tick(life);
  world_.After(world_.Between(milliseconds(10), seconds(2)), [this, life] { Connect(life); });
}

void Host::Kill() {
  if (!up()) return;
  world_.Note(options_.hostname + " killed");
  ++life_;
  trainers_.Kill();
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

void Host::Pause(Duration time) {
  world_.Note(options_.hostname + " stands still");
  paused_until_ = trainers_.paused_until = std::max(paused_until_, world_.now() + time);
}

void Host::BreakStream() {
  if (stream_) stream_->Break();
}

void Host::Do(std::uint64_t life, std::function<void()> what) {
  if (life != life_ || !up()) return;
  if (world_.now() < paused_until_)
    return world_.At(paused_until_, [this, life, what = std::move(what)] { Do(life, what); });
  what();
  Settle();
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
    world_.After(world_.Between(seconds(1), seconds(60)), [this] {
      if (!up()) Start();
    });
  }
  settle();
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
