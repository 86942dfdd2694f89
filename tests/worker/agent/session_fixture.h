// A session with fakes on all its sides but the folder, which is real, on a disk that can fail.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/worker/agent/fakes.h"
#include "tests/worker/agent/faulty_disk.h"
#include "worker/agent/attempts.h"
#include "worker/agent/session.h"

namespace lorikeet::agent {

class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    options_.hostname = "host";
    options_.build = "test";
    options_.process = "p-1";
    options_.labels = {{"gpu", "a100"}, {"zone", "x"}};
    options_.artifacts = &artifacts_;
    options_.slots = {{0, "cpu", "cpu", "A CPU", 100, 2}, {1, "cpu", "cpu", "A CPU", 100, 2}};
    Restart();
  }

  // A new process on the same folder.
  void Restart() {
    session_.reset();
    folder_.reset();
    auto opened = Folder::Open(temp_.path(), random_, disk_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    folder_ = *std::move(opened);
    launcher_.started.clear();
    launcher_.stopped.clear();
    link_.sent.clear();
    session_ = std::make_unique<Session>(options_, *folder_, launcher_, link_, clock_);
    std::vector<std::string> warnings;
    auto attempts = RecoverAttempts(*folder_, warnings);
    ASSERT_TRUE(attempts.ok()) << attempts.status();
    ASSERT_TRUE(session_->Recover(*std::move(attempts)).ok());
  }

  // The host loses its power, and the worker starts again.
  void PowerCut() {
    session_.reset();
    folder_.reset();
    disk_.PowerCut(random_);
    Restart();
  }

  void Receive(const std::function<void(v1::CoordinatorMessage&)>& fill) {
    v1::CoordinatorMessage message;
    fill(message);
    session_->OnMessage(message);
    session_->Tick();
  }

  // Opens the stream; the coordinator keeps these attempts with what it has committed, and stops the rest.
  void Connect(const std::vector<std::pair<std::string, std::int64_t>>& keep = {},
               const std::vector<std::string>& stop = {}) {
    session_->OnConnected();
    Receive([&](auto& message) {
      v1::Welcome& welcome = *message.mutable_welcome();
      welcome.set_session(1);
      welcome.set_lease_milliseconds(60'000);
      welcome.set_renew_milliseconds(10'000);
      for (const auto& [id, committed] : keep) {
        welcome.add_keep(id);
        welcome.add_committed(committed);
      }
      for (const std::string& id : stop) welcome.add_stop(id);
    });
  }

  // `checkpoint`: the token of the one that the coordinator has; 0: none.
  void Grant(const std::string& id, std::int64_t token = 1, const std::vector<std::int64_t>& slots = {0},
             const std::string& trial = "t-1", const Trial& settings = SmallTrial(),
             const std::vector<FileFingerprint>& expected = {}, std::int64_t checkpoint = 0) {
    Receive([&](auto& message) {
      v1::Grant& grant = *message.mutable_grant();
      if (checkpoint > 0) {
        grant.mutable_checkpoint()->set_token(checkpoint);
        grant.mutable_checkpoint()->set_step(40);
      }
      grant.set_attempt_id(id);
      grant.set_token(token);
      grant.set_trial_id(trial);
      grant.set_trial_json(ToJson(settings));
      grant.set_want_documents(true);
      for (const std::int64_t slot : slots) grant.add_slots(slot);
      for (const FileFingerprint& file : expected) {
        v1::Fingerprint& one = *grant.add_fingerprints();
        one.set_name(file.name);
        one.set_value(file.value);
      }
    });
  }

  void Ack(const std::string& id, std::int64_t sequence, bool superseded = false) {
    Receive([&](auto& message) {
      message.mutable_ack()->set_attempt_id(id);
      message.mutable_ack()->set_sequence(sequence);
      message.mutable_ack()->set_superseded(superseded);
    });
  }

  void Report(const std::string& id, const protocol::Event& event) {
    session_->OnTrainerEvent(id, event);
    session_->Tick();
  }

  void Close(const std::string& id) {
    session_->OnTrainerClosed(id);
    session_->Tick();
  }

  void Advance(Duration by) {
    clock_.Advance(by);
    session_->Tick();
  }

  // All events sent since the last call, as (attempt, sequence).
  std::vector<std::pair<std::string, std::int64_t>> Sent() {
    std::vector<std::pair<std::string, std::int64_t>> sent;
    for (const auto& message : link_.Take(v1::WorkerMessage::kEvents)) {
      for (const v1::Event& event : message.events().events()) {
        sent.emplace_back(message.events().attempt_id(), event.sequence());
        last_event_ = event;
      }
    }
    return sent;
  }

  bool HasAttempt(const std::string& id) { return std::filesystem::exists(*folder_->AttemptFolder(id)); }
  bool HasTrial(const std::string& id) { return std::filesystem::exists(*folder_->TrialFolder(id)); }
  void MakeTrial(const std::string& id) { std::filesystem::create_directories(*folder_->TrialFolder(id)); }

  TempFolder temp_;
  FaultyDisk disk_;
  FakeClock clock_;
  SeededRandom random_{1};
  SessionOptions options_;
  std::unique_ptr<Folder> folder_;
  FakeLauncher launcher_;
  FakeArtifacts artifacts_;
  FakeLink link_;
  FakeFingerprinter fingerprinter_;
  FakeGpuMemory gpu_memory_;
  std::unique_ptr<Session> session_;
  v1::Event last_event_;
};

}  // namespace lorikeet::agent
