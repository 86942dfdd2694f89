// Doubles and small helpers that the agent's tests share.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/ids.h"
#include "sweeps/trial/trial.h"
#include "worker/agent/artifacts.h"
#include "worker/agent/folder.h"
#include "worker/agent/launcher.h"
#include "worker/agent/session.h"

namespace lorikeet::agent {

// A folder that goes with its scope.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = testing::TempDir() + "agent.XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A trial that every check lets pass.
inline Trial SmallTrial() {
  Trial trial;
  trial.sweep = "tiny";
  trial.configuration = "lead sentences=3";
  trial.method = Method::kLead;
  trial.model = "/models/tiny";
  trial.data.train = "/data/train.jsonl";
  trial.data.validation = "/data/validation.jsonl";
  trial.data.test = "/data/test.jsonl";
  return trial;
}

class FakeLauncher : public Launcher {
 public:
  Status Start(const Launch& launch) override {
    if (!refusal.ok()) return refusal;
    started.push_back(launch);
    return absl::OkStatus();
  }
  void Stop(const std::string& attempt_id, StopHow how) override { stopped.emplace_back(attempt_id, how); }
  void Hold(const std::string& attempt_id, bool hold) override {
    hold ? void(held.insert(attempt_id)) : void(held.erase(attempt_id));
  }

  Status refusal;
  std::vector<Launch> started;
  std::vector<std::pair<std::string, StopHow>> stopped;
  std::set<std::string> held;
};

class FakeFingerprinter : public Fingerprinter {
 public:
  void Ask(const std::string& attempt_id, const Trial& trial) override {
    asked.emplace_back(attempt_id, trial);
  }
  std::vector<std::pair<std::string, Trial>> asked;
};

class FakeGpuMemory : public GpuMemory {
 public:
  void Ask() override { ++asked; }
  int asked = 0;
};

// Writes down what it is asked; tests answer for it.
class FakeArtifacts : public Artifacts {
 public:
  void SendCheckpoint(const ArtifactOf& checkpoint) override { checkpoints.push_back(checkpoint); }
  void Forget(const std::string& attempt_id) override { forgotten.push_back(attempt_id); }
  void SendAdapter(const ArtifactOf& adapter) override { adapters.push_back(adapter); }
  void FetchCheckpoint(const ArtifactOf& attempt) override { fetches.push_back(attempt); }

  std::vector<ArtifactOf> checkpoints, adapters, fetches;
  std::vector<std::string> forgotten;
};

class FakeLink : public Link {
 public:
  void Send(const v1::WorkerMessage& message) override { sent.push_back(message); }
  bool Busy() const override { return busy; }
  void Reset(const std::string& reason) override { resets.push_back(reason); }

  // Takes what was sent of one kind; the rest stays.
  std::vector<v1::WorkerMessage> Take(v1::WorkerMessage::MessageCase kind) {
    std::vector<v1::WorkerMessage> taken, rest;
    for (v1::WorkerMessage& message : sent)
      (message.message_case() == kind ? taken : rest).push_back(message);
    sent = std::move(rest);
    return taken;
  }

  std::vector<v1::WorkerMessage> sent;
  std::vector<std::string> resets;
  bool busy = false;
};

}  // namespace lorikeet::agent
