// One worker's host: its folder, its worker process with the real session, its trainers, its cable.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tests/fleet/coordinator.h"
#include "tests/fleet/network.h"
#include "tests/fleet/trainers.h"
#include "tests/fleet/world.h"
#include "worker/agent/session.h"

namespace lorikeet::fleet {

class Host : public agent::Link {
 public:
  Host(World& world, Coordinator& coordinator, std::string folder, std::int64_t slots,
       const TrainerHabits& habits);
  ~Host() override;

  bool up() const { return session_ != nullptr; }
  // What must not be: a worker that gives up without being told to. Empty: all is well.
  const std::string& broken() const { return broken_; }
  // Whether nothing of any attempt is left here.
  bool tidy() const { return folder_ && folder_->ListAttempts().empty() && trainers_.idle(); }
  const Trainers& trainers() const { return trainers_; }
  HostClock& clock() { return clock_; }

  void Start();
  // kill -9 of the worker; its trainers end with it.
  void Kill();
  void Drain();
  // SIGSTOP, and SIGCONT after a while: all that should have happened meanwhile happens then.
  void Pause(Duration time);
  void Cut(Duration time) { cable_.cut_until = world_.now() + time; }
  void BreakStream();

  // The session's side of the stream.
  void Send(const v1::WorkerMessage& message) override;
  bool Busy() const override { return false; }
  void Reset(const std::string& reason) override;

  // Now and then the cable is cut just as a stream opens, so that its first words come when a later stream's
  // have.
  bool bad_cable = false;
  // Called after each thing that the host has done.
  std::function<void()> settle;

 private:
  void Tick(std::uint64_t life);
  void Connect(std::uint64_t life);
  void Disconnected(const std::string& reason);
  // Runs `what` of this life, once the host does not stand still.
  void Do(std::uint64_t life, std::function<void()> what);
  // The worker's process ends where its session says so, and is started again by whoever watches it.
  void Settle();

  World& world_;
  Coordinator& coordinator_;
  const std::string path_;
  HostClock clock_;
  Cable cable_;
  Trainers trainers_;
  agent::SessionOptions options_;
  std::uint64_t life_ = 0;
  SteadyTime paused_until_{};
  std::unique_ptr<agent::Folder> folder_;
  std::unique_ptr<agent::Session> session_;
  std::shared_ptr<Stream> stream_;
  std::string broken_;
};

}  // namespace lorikeet::fleet
