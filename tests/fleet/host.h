// One worker's host: its folder, its worker process with the real session, its trainers, its cable.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tests/fleet/coordinator.h"
#include "tests/fleet/courier.h"
#include "tests/fleet/network.h"
#include "tests/fleet/trainers.h"
#include "tests/fleet/world.h"
#include "tests/worker/agent/faulty_disk.h"
#include "worker/agent/session.h"

namespace lorikeet::fleet {

struct HostOptions {
  std::int64_t slots = 1;
  bool gpus = false;     // its slots
  bool compares = true;  // its worker is not one that asks nothing of its files
  TrainerHabits habits;
};

class Host : public agent::Link, public agent::Fingerprinter, public agent::GpuMemory {
 public:
  Host(World& world, Coordinator& coordinator, std::string folder, const HostOptions& options);
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
  // Nothing can be written for a while. What trainers write is not held up.
  void FillDisk(Duration time);
  // The spool of one of its attempts, if it has any, cannot be written or read from now on.
  void FailDisk();
  // As Kill, and what was not synced may be lost.
  void PowerCut();
  // Every trainer crashes on it for a while.
  void Curse(Duration time);
  // SIGSTOP, and SIGCONT after a while: all that should have happened meanwhile happens then.
  void Pause(Duration time);
  void Cut(Duration time) { cable_.cut_until = world_.now() + time; }
  void BreakStream();
  // Its files are others for a while.
  void ChangeFiles(Duration time);

  // The session's side of the stream.
  void Send(const v1::WorkerMessage& message) override;
  bool Busy() const override { return false; }
  void Reset(const std::string& reason) override;
  // What its worker asks beside.
  void Ask(const std::string& attempt_id, const Trial& trial) override;
  void Ask() override;

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
  void StartLater();

  World& world_;
  Coordinator& coordinator_;
  const std::string path_;
  HostClock clock_;
  Halting halting_;
  Cable cable_;
  Trainers trainers_;
  Courier courier_;
  agent::SessionOptions options_;
  agent::FaultyDisk disk_;
  SteadyTime full_until_{};
  std::uint64_t life_ = 0;
  std::unique_ptr<agent::Folder> folder_;
  std::unique_ptr<agent::Session> session_;
  std::shared_ptr<Stream> stream_;
  std::string broken_;
};

}  // namespace lorikeet::fleet
