// A sweep's summaries, a JSON line each: what `sweep-trainer rouge --predictions` reads, and where it is
// from.
#include <algorithm>
#include <deque>
#include <set>

#include "common/nearest.h"
#include "sweeps/report/database.h"
#include "sweeps/report/extracts.h"

namespace lorikeet::report {
namespace {

constexpr std::size_t kDocumentsAPiece = 200;

struct Scored {
  std::string trial_id, configuration;  // without a trial: a row of somebody else's
  std::int64_t seed = 0;
};

class Predictions : public Extract {
 public:
  Predictions(Source source, std::string sweep_id, std::vector<std::string> splits, std::deque<Scored> trials)
      : source_(std::move(source)),
        sweep_id_(std::move(sweep_id)),
        splits_(std::move(splits)),
        trials_(std::move(trials)) {}

 protected:
  StatusOr<bool> More(std::string& text) override {
    return Guarded(source_.path, [&]() -> StatusOr<bool> {
      if (documents_.empty() && !NextSplit()) return false;
      SQLite::Statement query(
          *source_.database,
          trials_.front().trial_id.empty()
              ? "SELECT summary, NULL AS tokens, rouge1, rouge2, rougeL, rougeLsum FROM foreign_summaries"
                " WHERE name = ?1 AND seed = ?2 AND document_id = ?3 AND sweep_id = ?4"
              : "SELECT summary, tokens, rouge1, rouge2, rougeL, rougeLsum FROM predictions"
                " WHERE trial_id = ?1 AND split = ?2 AND document_id = ?3");
      for (std::size_t i = 0; i < kDocumentsAPiece && !documents_.empty(); ++i) {
        if (trials_.front().trial_id.empty()) {
          query.bind(1, trials_.front().configuration);
          query.bind(2, trials_.front().seed);
          query.bind(4, sweep_id_);
        } else {
          query.bind(1, trials_.front().trial_id);
          query.bind(2, splits_[split_ - 1]);
        }
        query.bind(3, documents_.front());
        if (query.executeStep()) text += Line(query);
        query.reset();
        documents_.pop_front();
      }
      return true;
    });
  }

 private:
  // In the order of the data: ids first, which are short, then each by its key.
  bool NextSplit() {
    while (documents_.empty() && !trials_.empty()) {
      if (split_ == splits_.size()) {
        trials_.pop_front();
        split_ = 0;
        continue;
      }
      const std::string& split = splits_[split_++];
      const Scored& trial = trials_.front();
      if (trial.trial_id.empty() && split != "test") continue;
      SQLite::Statement query(
          *source_.database,
          trial.trial_id.empty()
              ? "SELECT s.document_id FROM foreign_summaries AS s JOIN documents AS d ON d.sweep_id = "
                "s.sweep_id AND d.split = 'test' AND d.id = s.document_id WHERE s.sweep_id = ?1 AND s.name = "
                "?2"
                " AND s.seed = ?3 ORDER BY d.position, d.id"
              : "SELECT document_id FROM predictions WHERE trial_id = ?1 AND split = ?2 ORDER BY position, "
                "document_id");
      query.bind(1, trial.trial_id.empty() ? sweep_id_ : trial.trial_id);
      query.bind(2, trial.trial_id.empty() ? trial.configuration : split);
      if (trial.trial_id.empty()) query.bind(3, trial.seed);
      while (query.executeStep()) documents_.push_back(query.getColumn(0).getString());
    }
    return !trials_.empty();
  }

  std::string Line(SQLite::Statement& row) const {
    Json line;
    line["configuration"] = trials_.front().configuration;
    line["seed"] = trials_.front().seed;
    if (trials_.front().trial_id.empty()) line["imported"] = true;
    line["split"] = splits_[split_ - 1];
    line["id"] = documents_.front();
    line["text"] = row.getColumn(0).getString();
    for (int i = 1; i < row.getColumnCount(); ++i) line[row.getColumnName(i)] = ValueJson(row.getColumn(i));
    return Dump(line) + "\n";
  }

  Source source_;
  const std::string sweep_id_;
  const std::vector<std::string> splits_;
  std::deque<Scored> trials_;          // the first is under way
  std::size_t split_ = 0;              // of splits_: the one after the one under way
  std::deque<std::string> documents_;  // of the split under way, still to come
};

// Those of rows of somebody else's stand last.
void AddImported(Source& source, const FoundSweep& sweep, const ExtractRequest& request,
                 std::deque<Scored>& trials) {
  if (request.split == "validation" || !source.database->tableExists("foreign_summaries")) return;
  SQLite::Statement query(*source.database,
                          "SELECT DISTINCT name, seed FROM foreign_summaries WHERE sweep_id = ?1"
                          " AND (?2 = '' OR name = ?2) AND (?3 IS NULL OR seed = ?3) ORDER BY name, seed");
  query.bind(1, sweep.id);
  query.bind(2, request.configuration);
  if (request.seed) query.bind(3, *request.seed);
  while (query.executeStep()) {
    trials.push_back({.trial_id = {},
                      .configuration = query.getColumn(0).getString(),
                      .seed = query.getColumn(1).getInt64()});
  }
}

// Why there is none, where a filter or a sweep that has just begun leaves none.
Status WhyNone(Source& source, const FoundSweep& sweep, const ExtractRequest& request) {
  std::vector<std::string> configurations;
  std::set<std::int64_t> seeds;
  SQLite::Statement query(
      *source.database,
      "SELECT c.name, t.seed FROM configurations AS c JOIN trials AS t ON t.configuration_id"
      " = c.id WHERE c.sweep_id = ? ORDER BY c.position, c.id");
  query.bind(1, sweep.id);
  while (query.executeStep()) {
    const std::string name = query.getColumn(0).getString();
    if (configurations.empty() || configurations.back() != name) configurations.push_back(name);
    if (request.configuration.empty() || request.configuration == name)
      seeds.insert(query.getColumn(1).getInt64());
  }
  if (!request.configuration.empty() && std::find(configurations.begin(), configurations.end(),
                                                  request.configuration) == configurations.end()) {
    const std::string near = DidYouMean(request.configuration, configurations);
    return NotFound("sweep {} has no configuration '{}'{}", sweep.name, request.configuration,
                    near.empty() ? fmt::format("; it has '{}'", fmt::join(configurations, "', '")) : near);
  }
  if (request.seed && !seeds.count(*request.seed)) {
    return NotFound("{} has no seed {}; it has {}",
                    request.configuration.empty() ? "sweep " + sweep.name : "'" + request.configuration + "'",
                    *request.seed, fmt::join(seeds, ", "));
  }
  return FailedPrecondition(
      "{} of sweep {} has a result yet: `sweepctl trials {}` shows how far they are",
      request.configuration.empty() && !request.seed ? "no trial" : "none of these trials", sweep.name,
      sweep.id);
}

}  // namespace

StatusOr<std::unique_ptr<Extract>> MakePredictions(Source source, const ExtractRequest& request) {
  if (!request.split.empty() && request.split != "test" && request.split != "validation") {
    return InvalidArgument("split '{}': test or validation", request.split);
  }
  ASSIGN_OR_RETURN(const FoundSweep sweep, FindSweep(source, request.name));
  std::deque<Scored> trials;
  SQLite::Statement query(
      *source.database,
      std::string("SELECT t.id, c.name, t.seed FROM configurations AS c JOIN trials AS t") +
          " ON t.configuration_id = c.id JOIN results AS r ON r.trial_id = t.id"
          " WHERE c.sweep_id = ?1 AND (?2 = '' OR c.name = ?2) AND (?3 IS NULL OR t.seed = ?3)" +
          (request.configuration.empty() ? RowsAlone(source.version, "c.") : std::string()) +
          " ORDER BY c.position, c.id, t.seed");
  query.bind(1, sweep.id);
  query.bind(2, request.configuration);
  if (request.seed) query.bind(3, *request.seed);
  while (query.executeStep()) {
    trials.push_back(
        {query.getColumn(0).getString(), query.getColumn(1).getString(), query.getColumn(2).getInt64()});
  }
  AddImported(source, sweep, request, trials);
  if (trials.empty()) return WhyNone(source, sweep, request);
  std::vector<std::string> splits = {"validation", "test"};
  if (!request.split.empty()) splits = {request.split};
  return std::make_unique<Predictions>(std::move(source), sweep.id, std::move(splits), std::move(trials));
}

}  // namespace lorikeet::report
