// A sweep's summaries, a JSON line each: what `sweep-trainer rouge --predictions` reads, and where it is
// from.
#include <algorithm>
#include <deque>
#include <set>

#include "common/nearest.h"
#include "sweeps/report/extracts.h"

namespace lorikeet::report {
namespace {

constexpr std::size_t kDocumentsAPiece = 200;

struct Scored {
  std::string trial_id, configuration;
  std::int64_t seed = 0;
};

class Predictions : public Extract {
 public:
  Predictions(Source source, std::vector<std::string> splits, std::deque<Scored> trials)
      : source_(std::move(source)), splits_(std::move(splits)), trials_(std::move(trials)) {}

 protected:
  StatusOr<bool> More(std::string& text) override {
    return Guarded(source_.path, [&]() -> StatusOr<bool> {
      if (documents_.empty() && !NextSplit()) return false;
      SQLite::Statement query(*source_.database,
                              "SELECT summary, tokens, rouge1, rouge2, rougeL, rougeLsum FROM predictions"
                              " WHERE trial_id = ? AND split = ? AND document_id = ?");
      for (std::size_t i = 0; i < kDocumentsAPiece && !documents_.empty(); ++i) {
        query.bind(1, trials_.front().trial_id);
        query.bind(2, splits_[split_ - 1]);
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
      SQLite::Statement query(*source_.database,
                              "SELECT document_id FROM predictions WHERE trial_id = ? AND split = ? ORDER BY "
                              "position, document_id");
      query.bind(1, trials_.front().trial_id);
      query.bind(2, splits_[split_++]);
      while (query.executeStep()) documents_.push_back(query.getColumn(0).getString());
    }
    return !trials_.empty();
  }

  std::string Line(SQLite::Statement& row) const {
    Json line;
    line["configuration"] = trials_.front().configuration;
    line["seed"] = trials_.front().seed;
    line["split"] = splits_[split_ - 1];
    line["id"] = documents_.front();
    line["text"] = row.getColumn(0).getString();
    for (int i = 1; i < row.getColumnCount(); ++i) line[row.getColumnName(i)] = ValueJson(row.getColumn(i));
    return Dump(line) + "\n";
  }

  Source source_;
  const std::vector<std::string> splits_;
  std::deque<Scored> trials_;          // the first is under way
  std::size_t split_ = 0;              // of splits_: the one after the one under way
  std::deque<std::string> documents_;  // of the split under way, still to come
};

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
      "SELECT t.id, c.name, t.seed FROM configurations AS c JOIN trials AS t"
      " ON t.configuration_id = c.id JOIN results AS r ON r.trial_id = t.id"
      " WHERE c.sweep_id = ?1 AND (?2 = '' OR c.name = ?2) AND (?3 IS NULL OR t.seed = ?3)"
      " ORDER BY c.position, c.id, t.seed");
  query.bind(1, sweep.id);
  query.bind(2, request.configuration);
  if (request.seed) query.bind(3, *request.seed);
  while (query.executeStep()) {
    trials.push_back(
        {query.getColumn(0).getString(), query.getColumn(1).getString(), query.getColumn(2).getInt64()});
  }
  if (trials.empty()) return WhyNone(source, sweep, request);
  std::vector<std::string> splits = {"validation", "test"};
  if (!request.split.empty()) splits = {request.split};
  return std::make_unique<Predictions>(std::move(source), std::move(splits), std::move(trials));
}

}  // namespace lorikeet::report
