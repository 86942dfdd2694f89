// A sweep's trials with their results and curves, JSON lines: what exports to other tools are made of.
//
// First a line of the sweep, {"type": "sweep", …}; then for each trial that was started {"type": "run", …}
// with its settings and its row of `results` (null without one), and its curves in lines of
// {"type": "points", "run", "name", "began_at", "points": [[step, value], …]}.
#include <deque>
#include <map>

#include "sweeps/report/extracts.h"

namespace lorikeet::report {
namespace {

constexpr std::int64_t kPointsALine = 2000;

// A part of a curve: an attempt's, up to where a later one of the trial took over.
struct Part {
  std::string attempt_id, began_at;
  std::optional<std::int64_t> end;  // the first step that a later attempt reported
};

class Runs : public Extract {
 public:
  Runs(Source source, FoundSweep sweep, std::deque<std::string> trials)
      : source_(std::move(source)), sweep_(std::move(sweep)), trials_(std::move(trials)) {}

 protected:
  StatusOr<bool> More(std::string& text) override {
    return Guarded(source_.path, [&]() -> StatusOr<bool> {
      if (!begun_) {
        begun_ = true;
        text += Dump(SweepLine()) + "\n";
      } else if (!parts_.empty()) {
        text += Points();
      } else if (!trials_.empty()) {
        run_ = trials_.front();
        trials_.pop_front();
        text += Dump(RunLine()) + "\n";
        FindParts();
      } else {
        return false;
      }
      return true;
    });
  }

 private:
  Json SweepLine() const {
    Json line = {{"type", "sweep"},         {"id", sweep_.id},
                 {"name", sweep_.name},     {"state", sweep_.state},
                 {"trials", sweep_.trials}, {"baseline", sweep_.baseline},
                 {"build", sweep_.build},   {"submitted_at", sweep_.submitted_at}};
    line["finished_at"] = sweep_.finished_at.empty() ? Json() : Json(sweep_.finished_at);
    return line;
  }

  Json RunLine() {
    SQLite::Statement query(
        *source_.database,
        "SELECT t.id, t.name, c.name AS configuration, c.arm, t.seed, t.state, t.token, t.failure_kind,"
        " t.failure_message, c.axes, a.number AS attempt, a.state AS attempt_state, a.granted_at, "
        "a.started_at,"
        " a.ended_at, a.device, a.device_model, a.threads, a.micro_batch_size, a.build, w.hostname,"
        " EXISTS (SELECT 1 FROM artifacts AS f WHERE f.trial_id = t.id AND f.kind = 'adapter') AS adapter"
        " FROM trials AS t JOIN configurations AS c ON c.id = t.configuration_id"
        " JOIN attempts AS a ON a.trial_id = t.id JOIN workers AS w ON w.id = a.worker_id"
        " WHERE t.id = ? ORDER BY a.number DESC LIMIT 1");
    query.bind(1, run_);
    Json line = {{"type", "run"}};
    if (query.executeStep()) line.update(RowJson(query));
    line["axes"] = Parsed(line.value("axes", ""));
    line["settings"] = TrialFileOf(source_, run_);
    line["result"] = ResultOf(source_, run_);
    return line;
  }

  // Of an attempt that a later one of its trial went on from, what the later one did not do again.
  void FindParts() {
    SQLite::Statement query(*source_.database,
                            "SELECT id, coalesce(started_at, granted_at) FROM attempts WHERE trial_id = ?"
                            " ORDER BY number DESC");
    query.bind(1, run_);
    std::optional<std::int64_t> end;
    while (query.executeStep()) {
      Part part{query.getColumn(0).getString(), query.getColumn(1).getString(), end};
      SQLite::Statement first(*source_.database, "SELECT min(step) FROM metrics WHERE attempt_id = ?");
      first.bind(1, part.attempt_id);
      first.executeStep();
      if (first.getColumn(0).isNull()) continue;
      const std::int64_t step = first.getColumn(0).getInt64();
      if (!end || step < *end) {
        parts_.push_front(std::move(part));
        end = step;
      }
    }
    name_.clear();
    step_ = 0;
  }

  // A line of at most so many points of one curve.
  std::string Points() {
    const Part& part = parts_.front();
    SQLite::Statement query(*source_.database,
                            "SELECT name, step, value FROM metrics WHERE attempt_id = ?1"
                            " AND (name, step) > (?2, ?3) AND step < ?4 ORDER BY name, step LIMIT ?5");
    query.bind(1, part.attempt_id);
    query.bind(2, name_);
    query.bind(3, step_);
    query.bind(4, part.end.value_or(INT64_MAX));
    query.bind(5, kPointsALine);
    std::string text;
    Json line;
    while (query.executeStep()) {
      const std::string name = query.getColumn(0).getString();
      if (line.is_null() || name != name_) {
        if (!line.is_null()) text += Dump(line) + "\n";
        line = {{"type", "points"},
                {"run", run_},
                {"name", name},
                {"began_at", part.began_at},
                {"points", Json::array()}};
        name_ = name;
      }
      step_ = query.getColumn(1).getInt64();
      line["points"].push_back({step_, ValueJson(query.getColumn(2))});
    }
    if (!line.is_null()) return text + Dump(line) + "\n";
    parts_.pop_front();
    name_.clear();
    step_ = 0;
    return "";
  }

  Source source_;
  const FoundSweep sweep_;
  std::deque<std::string> trials_;  // ids, still to come
  bool begun_ = false;
  std::string run_;         // the trial under way
  std::deque<Part> parts_;  // of its curves, still to come; the first is under way
  std::string name_;        // up to where that has come
  std::int64_t step_ = 0;
};

}  // namespace

StatusOr<std::unique_ptr<Extract>> MakeRuns(Source source, const ExtractRequest& request) {
  ASSIGN_OR_RETURN(FoundSweep sweep, FindSweep(source, request.name));
  std::deque<std::string> trials;
  SQLite::Statement query(
      *source.database,
      "SELECT t.id FROM configurations AS c JOIN trials AS t ON t.configuration_id = c.id"
      " WHERE c.sweep_id = ? AND EXISTS (SELECT 1 FROM attempts AS a WHERE a.trial_id = t.id)"
      " ORDER BY c.position, c.id, t.seed");
  query.bind(1, sweep.id);
  while (query.executeStep()) trials.push_back(query.getColumn(0).getString());
  if (trials.empty()) {
    return FailedPrecondition("no trial of sweep {} has been started yet: there is nothing to export",
                              sweep.name);
  }
  return std::make_unique<Runs>(std::move(source), std::move(sweep), std::move(trials));
}

}  // namespace lorikeet::report
