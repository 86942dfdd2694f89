#include "worker/trainer/commands/event_writer.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <variant>

namespace lorikeet::trainer {

void Complain(const std::string& message) {
  std::fputs(fmt::format("sweep-trainer train: {}\n", message).c_str(), stderr);
}

void EventWriter::Send(const protocol::Event& event) {
  const std::lock_guard lock(mutex_);
  Write(event);
}

void EventWriter::SendStopped(const std::string& reason) {
  const std::unique_lock lock(mutex_, std::chrono::milliseconds(500));
  if (!lock.owns_lock() || ended_) return;
  const std::string standing =
      standing_step_ > 0 ? fmt::format("the one of step {} stands", standing_step_) : "there is none";
  Write(protocol::Log{"warning", fmt::format("{}: stopped without a new checkpoint, {}", reason, standing)});
  Write(protocol::Stopped{standing_step_, /*checkpointed=*/false});
}

void EventWriter::Write(const protocol::Event& event) {
  if (ended_) return;
  const std::string text = protocol::ToLine({attempt_, event}) + "\n";
  lost_ =
      std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0 || lost_;
  if (const auto* progress = std::get_if<protocol::Progress>(&event)) {
    line_.Update(progress->phase, progress->step, progress->total, progress->loss,
                 progress->tokens_per_second, progress->eta_seconds > 0 ? progress->eta_seconds : -1);
  } else if (const auto* log = std::get_if<protocol::Log>(&event)) {
    line_.Clear();
    Complain(fmt::format("{}: {}", log->level, log->message));
  } else if (const auto* started = std::get_if<protocol::Started>(&event)) {
    standing_step_ = started->from_step;
  } else if (const auto* saved = std::get_if<protocol::CheckpointSaved>(&event)) {
    standing_step_ = saved->step;
  } else if (const auto* stopped = std::get_if<protocol::Stopped>(&event)) {
    stopped_ = *stopped;
  }
  ended_ = std::holds_alternative<protocol::Stopped>(event) ||
           std::holds_alternative<protocol::Result>(event) || std::holds_alternative<protocol::Failed>(event);
}

void EventWriter::Clear() {
  const std::lock_guard lock(mutex_);
  line_.Clear();
}

bool EventWriter::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

std::optional<protocol::Stopped> EventWriter::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

}  // namespace lorikeet::trainer
