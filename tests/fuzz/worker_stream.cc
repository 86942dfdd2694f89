// What workers say, as a history of steps, against a real coordinator: nothing that three hostile workers say
// ends the session of a fourth, or takes its trial, or breaks what is promised of the database.
//
// A line is a step, and a line that is none is passed over:
//   0 hello { worker_id: "w" …   stream 0, 1 or 2 says a WorkerMessage, in protobuf's text format
//   0 hex 0A02…                  or as the bytes of one
//   0 close                      the stream ends, and is opened anew by the next word on it
//   tick 30                      so many seconds go by, 300 at most
//   restart                      of the coordinator
//   cancel | pause | resume | retry | drain | readmit      by a person, of the sweep `study` or worker `w`
// An attempt_id of "@0", "@1"… stands for that grant's to the hostile streams, and "@witness" for the fourth
// worker's, with its token where none is given. A step begins with + where the next is to be done in the same
// turn. With LORIKEET_FUZZ_SHOW in the environment it is told what became of the trials.
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <utility>

#include "common/build_info.h"
#include "tests/fuzz/coordinator.h"
#include "tests/fuzz/witness.h"

namespace lorikeet::fuzz {
namespace {

constexpr std::size_t kMostSteps = 64;

class NoErrors : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int, google::protobuf::io::ColumnNumber, const std::string&) override {}
};

class History {
 public:
  void Step(std::string_view line) {
    const bool more = line.starts_with('+');
    if (more) line.remove_prefix(1);
    if (line.size() > 2 && line[0] >= '0' && line[0] <= '2' && line[1] == ' ') {
      Speak(static_cast<std::size_t>(line[0] - '0'), line.substr(2));
    } else if (line.starts_with("tick ")) {
      Tick(line.substr(5));
    } else if (line == "restart") {
      Restart();
    } else {
      Act(line);
    }
    if (!more) coordinator_.RunTurn();
    witness_.Check();
  }

  // All goes away but for the witness, which hands in its result.
  void End() {
    for (auto& stream : streams_) {
      if (stream) coordinator_.End(stream);
    }
    coordinator_.RunTurn();
    witness_.Finish();
    coordinator_.CheckFile();
    const std::vector<core::Trial> before = Trials();
    if (std::getenv("LORIKEET_FUZZ_SHOW") != nullptr) Show(before);
    LookAtAll();
    coordinator_.Restart();
    Require(Trials() == before, "the coordinator knows after a restart what it knew");
  }

 private:
  void Speak(std::size_t number, std::string_view text) {
    std::shared_ptr<Stream>& stream = streams_.at(number);
    if (text == "close") {
      if (stream) coordinator_.End(std::exchange(stream, nullptr));
      return;
    }
    const std::optional<std::string> bytes = text.starts_with("hex ") ? Hex(text.substr(4)) : Message(text);
    if (!bytes || IsWitness(*bytes)) return;
    if (!stream || !stream->open()) stream = granted_to_.emplace_back(coordinator_.Open());
    coordinator_.Say(stream, *bytes);
  }

  static std::optional<std::string> Hex(std::string_view digits) {
    std::string bytes;
    for (std::size_t i = 0; i + 2 <= digits.size(); i += 2) {
      unsigned value = 0;
      const char* const begin = digits.data() + i;
      if (std::from_chars(begin, begin + 2, value, 16).ptr != begin + 2) return std::nullopt;
      bytes += static_cast<char>(value);
    }
    return bytes;
  }

  std::optional<std::string> Message(std::string_view text) const {
    v1::WorkerMessage message;
    google::protobuf::TextFormat::Parser parser;
    NoErrors errors;
    parser.RecordErrorsTo(&errors);
    if (!parser.ParseFromString(std::string(text), &message)) return std::nullopt;
    const std::vector<service::Lease> grants = Grants();
    const auto name = [&](auto& named) {
      const bool of_witness = named.attempt_id() == "@witness";
      if (!named.attempt_id().starts_with('@') || (grants.empty() && !of_witness)) return;
      const auto number = static_cast<std::size_t>(std::atoi(named.attempt_id().c_str() + 1));
      const service::Lease lease = of_witness ? witness_.lease() : grants[number % grants.size()];
      named.set_attempt_id(lease.attempt_id);
      if (named.token() == 0) named.set_token(lease.token);
    };
    if (message.has_hello()) {
      for (v1::Held& held : *message.mutable_hello()->mutable_held()) name(held);
    }
    if (message.has_renew()) {
      for (v1::Lease& lease : *message.mutable_renew()->mutable_leases()) name(lease);
    }
    if (message.has_events()) name(*message.mutable_events());
    if (message.has_progress()) name(*message.mutable_progress());
    if (message.has_closed()) name(*message.mutable_closed());
    return message.SerializeAsString();
  }

  // Whoever has another's id is that worker: this is what ids are for.
  static bool IsWitness(const std::string& bytes) {
    v1::WorkerMessage message;
    return message.ParseFromString(bytes) && message.hello().worker_id() == Witness::kId;
  }

  // In their order, of streams that are over too.
  std::vector<service::Lease> Grants() const {
    std::vector<service::Lease> grants;
    for (const auto& stream : granted_to_) {
      for (const service::ToWorker& message : stream->inbox()) {
        if (const auto* grant = std::get_if<service::Grant>(&message)) {
          grants.push_back({grant->attempt.id, grant->attempt.token});
        }
      }
    }
    return grants;
  }

  void Tick(std::string_view text) {
    std::int64_t seconds = 0;
    std::from_chars(text.data(), text.data() + text.size(), seconds);
    // As often as a coordinator looks, so that it does not take itself for having stood still.
    for (seconds = std::clamp<std::int64_t>(seconds, 0, 300); seconds > 0; seconds -= 10) {
      coordinator_.Pass(std::chrono::seconds(std::min<std::int64_t>(seconds, 10)));
      witness_.Renew();
      coordinator_.RunTurn();
    }
  }

  void Restart() {
    streams_ = {};
    coordinator_.Restart();
    witness_.Reconnect();
  }

  void Act(std::string_view what) {
    service::Service& service = coordinator_.service();
    Status done;
    if (what == "cancel") done = service.Cancel("study", "").status();
    if (what == "pause") done = service.Pause("study").status();
    if (what == "resume") done = service.Resume("study").status();
    if (what == "retry") done = service.Retry("study").status();
    if (what == "drain") done = service.Drain("w", false).status();
    if (what == "readmit") done = service.Readmit("w").status();
    Require(!absl::IsInternal(done), "what a person asks is done or refused");
  }

  std::vector<core::Trial> Trials() {
    std::vector<core::Trial> trials;
    for (const char* const sweep : {"study", "witness"}) {
      const auto views = coordinator_.service().ListTrials(sweep);
      RequireOk(views.status(), "a sweep's trials can be seen");
      for (const service::TrialView& view : *views) trials.push_back(view.trial);
    }
    return trials;
  }

  // For whoever writes an input: what it came to.
  static void Show(const std::vector<core::Trial>& trials) {
    for (const core::Trial& trial : trials) {
      fmt::print(stderr, "  {}: {}, token {}, {} failures, {} interruptions; {} {}\n", trial.name,
                 core::Name(trial.state), trial.token, trial.failures, trial.interruptions,
                 trial.failure_kind, trial.failure_message);
    }
  }

  void LookAtAll() {
    service::Service& service = coordinator_.service();
    Require(service.ListSweeps().size() == 2, "the sweeps can be seen");
    for (const service::WorkerView& view : service.ListWorkers()) {
      Require(view.slots_busy >= 0 && view.slots_busy <= static_cast<std::int64_t>(view.worker.slots.size()),
              "no more slots are busy than a worker has");
      for (const auto& [key, value] : view.worker.labels) {
        Require(IsLabelWord(key) && IsLabelWord(value), "a worker's labels are labels");
      }
    }
    RequireOk(service.Events("study", "", 0, 1000).status(), "a sweep's history can be seen");
  }

  Coordinator coordinator_;
  Witness witness_{coordinator_};
  std::array<std::shared_ptr<Stream>, 3> streams_;
  std::vector<std::shared_ptr<Stream>> granted_to_;
};

}  // namespace

void TryInput(std::string_view input) {
  google::protobuf::SetLogHandler(nullptr);
  History history;
  for (std::size_t steps = 0; !input.empty() && steps < kMostSteps; ++steps) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    history.Step(input.substr(0, end));
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  history.End();
}

}  // namespace lorikeet::fuzz
