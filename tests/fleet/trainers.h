// The trainers of one host, as processes would be: they take time, write checkpoints into their trial's
// folder and resume from there, crash, and leave when told. What a trial comes to depends on the trial alone.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/fleet/world.h"
#include "worker/agent/launcher.h"

namespace lorikeet::fleet {

struct TrainerHabits {
  std::uint64_t crashes_one_in = 60;  // steps; 0: never
};

// What the trial scores on files of that kind, whoever trains it and however often it was interrupted.
double ScoreOf(const std::string& trial_json, const std::string& files);
// The fingerprint of files of that kind.
std::string FingerprintOf(const std::string& files);

class Trainers : public agent::Launcher {
 public:
  Trainers(World& world, const TrainerHabits& habits, std::size_t slots)
      : world_(world), habits_(habits), slots_(slots) {}

  Status Start(const agent::Launch& launch) override;
  void Stop(const std::string& attempt_id, agent::StopHow how) override;
  void Hold(const std::string& attempt_id, bool held) override;
  // Bytes in use of cuda:0, cuda:1, …
  std::vector<std::int64_t> GpuMemory() const;

  // Who hears of them; after each word `settle` is called.
  agent::TrainerListener* listener = nullptr;
  std::function<void()> settle;
  // Until then nothing of them happens: the host stands still.
  SteadyTime paused_until{};
  // Until then each of them crashes as soon as it trains.
  SteadyTime cursed_until{};
  // What the host's files are: those who start now read these.
  std::string files = "right";
  // What it says of them when it starts; when it ends it does in any case.
  bool says_files = true;
  // kill -9 of them all, unheard.
  void Kill();

  // What must not be: two trainers in one trial's folder, more than there are slots. Empty: all is well.
  const std::string& broken() const { return broken_; }
  bool idle() const { return running_.empty(); }

 private:
  struct Trainer {
    agent::Launch launch;
    std::int64_t step = 0, saved = 0, total = 0;
    bool over = false;  // has said its last word
    bool leaving = false;
    bool held = false;  // its pipe is full: it stands still
    std::string files;  // what it has read
  };
  using Running = std::shared_ptr<Trainer>;

  void Later(const Running& trainer, Duration wait, void (Trainers::*what)(const Running&));
  void Begin(const Running& trainer);
  void Train(const Running& trainer);
  void Evaluate(const Running& trainer);
  void Leave(const Running& trainer);
  void Close(const Running& trainer);
  void Resume(Trainer& trainer);
  void Save(const Running& trainer);
  void Say(const Running& trainer, const protocol::Event& event);
  // Its last word, and the end of its process soon after.
  void SayLast(const Running& trainer, const protocol::Event& event);
  bool Runs(const Running& trainer) const;
  // Its process is gone; what it had on a GPU goes in its time.
  void Leave(const std::string& device);

  World& world_;
  const TrainerHabits habits_;
  const std::size_t slots_;
  std::map<std::string, Running> running_;          // by attempt
  std::map<std::string, SteadyTime> in_use_until_;  // devices that nobody trains on, and yet
  std::string broken_;
};

}  // namespace lorikeet::fleet
