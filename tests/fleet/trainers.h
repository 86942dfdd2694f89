// The trainers of one host, as processes would be: they take time, write checkpoints into their trial's
// folder and resume from there, crash, and leave when told. What a trial comes to depends on the trial alone.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "tests/fleet/world.h"
#include "worker/agent/launcher.h"

namespace lorikeet::fleet {

struct TrainerHabits {
  std::uint64_t crashes_one_in = 60;  // steps; 0: never
};

// What the trial scores, whoever trains it and however often it was interrupted.
double ScoreOf(const std::string& trial_json);

class Trainers : public agent::Launcher {
 public:
  Trainers(World& world, const TrainerHabits& habits, std::size_t slots)
      : world_(world), habits_(habits), slots_(slots) {}

  Status Start(const agent::Launch& launch) override;
  void Stop(const std::string& attempt_id, agent::StopHow how) override;

  // Who hears of them; after each word `settle` is called.
  agent::TrainerListener* listener = nullptr;
  std::function<void()> settle;
  // Until then nothing of them happens: the host stands still.
  SteadyTime paused_until{};
  // kill -9 of them all, unheard.
  void Kill() { running_.clear(); }

  // What must not be: two trainers in one trial's folder, more than there are slots. Empty: all is well.
  const std::string& broken() const { return broken_; }
  bool idle() const { return running_.empty(); }

 private:
  struct Trainer {
    agent::Launch launch;
    std::int64_t step = 0, saved = 0, total = 0;
    bool over = false;  // has said its last word
    bool leaving = false;
  };
  using Running = std::shared_ptr<Trainer>;

  void Later(const Running& trainer, Duration wait, void (Trainers::*what)(const Running&));
  void Begin(const Running& trainer);
  void Train(const Running& trainer);
  void Evaluate(const Running& trainer);
  void Leave(const Running& trainer);
  void Close(const Running& trainer);
  void Save(const Running& trainer);
  void Say(const Running& trainer, const protocol::Event& event);
  // Its last word, and the end of its process soon after.
  void SayLast(const Running& trainer, const protocol::Event& event);
  bool Runs(const Running& trainer) const;

  World& world_;
  const TrainerHabits habits_;
  const std::size_t slots_;
  std::map<std::string, Running> running_;  // by attempt
  std::string broken_;
};

}  // namespace lorikeet::fleet
