#include "sweeps/sweepctl/follow.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "sweeps/sweepctl/live_view.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {
namespace {

constexpr auto kPollEvery = std::chrono::milliseconds(500);
constexpr int kMostLiveRows = 12;

bool IsFinal(const v1::SweepStatus& sweep) {
  return sweep.state() == "finished" || sweep.state() == "cancelled";
}

// Redraws a few lines in place.
class LiveScreen {
 public:
  void Draw(const std::string& text) {
    Clear();
    // A line that the terminal wraps would count as two on the way back up.
    const std::optional<std::size_t> columns = TerminalColumns(STDERR_FILENO);
    std::fputs(columns ? CutLines(text, *columns).c_str() : text.c_str(), stderr);
    std::fflush(stderr);
    lines_ = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  }
  void Clear() {
    if (lines_ > 0) fmt::print(stderr, "\x1b[{}F\x1b[J", lines_);
    lines_ = 0;
  }

 private:
  int lines_ = 0;
};

// What is worth a line in a pipe's log; the rest stays in `logs`.
bool WorthALine(const std::string& kind) {
  return kind != "log" && kind != "checkpoint" && kind != "started" && kind != "granted";
}

class Follower {
 public:
  Follower(Client& client, const FollowOptions& options) : client_(client), options_(options) {}

  StatusOr<v1::SweepStatus> Follow() {
    for (;;) {
      Status check = options_.check ? options_.check() : absl::OkStatus();
      if (!check.ok()) {
        screen_.Clear();
        return check;
      }
      StatusOr<v1::SweepStatus> sweep = Look();
      // Cancelled: asked just when it ended.
      const bool away = absl::IsUnavailable(sweep.status()) || absl::IsCancelled(sweep.status());
      // A coordinator that has answered once may restart; one that never has is a wrong address.
      if ((!sweep.ok() && !(away && answered_)) || (sweep.ok() && IsFinal(*sweep))) {
        screen_.Clear();
        return sweep;
      }
      if (away && !away_) {
        screen_.Clear();
        fmt::print(stderr, "{}; trying again until it answers\n", Message(sweep.status()));
      }
      away_ = away;
      answered_ = true;
      std::this_thread::sleep_for(kPollEvery);
    }
  }

 private:
  // One look at the sweep, shown: live on a terminal, else the events since the last look.
  StatusOr<v1::SweepStatus> Look() {
    ASSIGN_OR_RETURN(v1::SweepStatus sweep, client_.GetSweep(options_.sweep));
    if (live_) {
      if (!IsFinal(sweep)) RETURN_IF_ERROR(DrawLive(sweep));
    } else {
      RETURN_IF_ERROR(PrintEvents(sweep));
    }
    return sweep;
  }

  Status DrawLive(const v1::SweepStatus& sweep) {
    ASSIGN_OR_RETURN(const v1::ListTrialsResponse trials, client_.ListTrials(options_.sweep));
    losses_.Note(trials);
    screen_.Draw(LiveView(sweep, trials, losses_, kMostLiveRows));
    return absl::OkStatus();
  }

  Status PrintEvents(const v1::SweepStatus& sweep) {
    if (names_.empty()) {
      ASSIGN_OR_RETURN(const v1::ListTrialsResponse trials, client_.ListTrials(options_.sweep));
      for (const v1::TrialStatus& trial : trials.trials()) names_[trial.id()] = trial.name();
    }
    for (;;) {
      v1::ListEventsRequest request;
      request.set_sweep(options_.sweep);
      request.set_after(last_event_);
      ASSIGN_OR_RETURN(const v1::ListEventsResponse events, client_.ListEvents(request));
      if (events.events().empty()) return absl::OkStatus();
      for (const v1::HistoryEvent& event : events.events()) {
        last_event_ = std::max(last_event_, event.id());
        if (WorthALine(event.kind())) PrintEvent(sweep, event);
      }
    }
  }

  void PrintEvent(const v1::SweepStatus& sweep, const v1::HistoryEvent& event) {
    const auto name = names_.find(event.trial_id());
    const std::string trial = name == names_.end() ? "" : Printable(name->second) + ": ";
    const std::string message = event.message().empty() ? "" : " (" + Printable(event.message()) + ")";
    // How many had ended by then: the history may be an old one.
    const bool again =
        event.kind() == "failed" && event.message().find("; tried again in ") != std::string::npos;
    if (event.kind() == "succeeded" || (event.kind() == "failed" && !again) || event.kind() == "cancelled") {
      if (!event.trial_id().empty()) ended_.insert(event.trial_id());
    }
    fmt::print(stderr, "{}  {}/{}  {}{}{}\n", event.time(), ended_.size(), sweep.trials(), trial,
               event.kind(), message);
  }

  Client& client_;
  const FollowOptions& options_;
  LiveScreen screen_;
  LossHistory losses_;
  std::map<std::string, std::string> names_;
  std::set<std::string> ended_;
  std::int64_t last_event_ = 0;
  const bool live_ = IsTerminal(STDERR_FILENO);
  bool answered_ = false;  // at least once
  bool away_ = false;      // at the last look
};

}  // namespace

StatusOr<v1::SweepStatus> FollowSweep(Client& client, const FollowOptions& options) {
  return Follower(client, options).Follow();
}

Status OutcomeOf(const v1::SweepStatus& sweep, const std::string& why) {
  if (sweep.state() == "cancelled") return Aborted("sweep {} was cancelled", sweep.name());
  if (sweep.failed() > 0)
    return Aborted("{} of {} trials failed; why: {}", sweep.failed(), sweep.trials(), why);
  return absl::OkStatus();
}

}  // namespace lorikeet::sweepctl
