// What whoever scores a sweep's runs elsewhere needs: a line on the sweep, its runs and how its ROUGE is
// computed, then the references of its test split, as `sweep-trainer rouge --references` reads them.
#include <deque>

#include "sweeps/report/database.h"
#include "sweeps/report/extracts.h"

namespace lorikeet::report {
namespace {

constexpr std::size_t kReferencesAPiece = 200;

class Scoring : public Extract {
 public:
  Scoring(Source source, std::string sweep_id, Json about, std::deque<std::string> documents)
      : source_(std::move(source)),
        sweep_id_(std::move(sweep_id)),
        about_(std::move(about)),
        documents_(std::move(documents)) {}

 protected:
  StatusOr<bool> More(std::string& text) override {
    return Guarded(source_.path, [&]() -> StatusOr<bool> {
      if (!about_.is_null()) {
        text += Dump(about_) + "\n";
        about_ = nullptr;
        return true;
      }
      SQLite::Statement query(
          *source_.database,
          "SELECT reference FROM documents WHERE sweep_id = ? AND split = 'test' AND id = ?");
      for (std::size_t i = 0; i < kReferencesAPiece && !documents_.empty(); ++i) {
        query.bind(1, sweep_id_);
        query.bind(2, documents_.front());
        if (query.executeStep()) {
          text += Dump({{"id", documents_.front()}, {"text", query.getColumn(0).getString()}}) + "\n";
        }
        query.reset();
        documents_.pop_front();
      }
      return !documents_.empty();
    });
  }

 private:
  Source source_;
  const std::string sweep_id_;
  Json about_;  // null once it has been written
  std::deque<std::string> documents_;
};

// [{"name", "trials": [{"id", "name", "seed", "state"}]}], in the table's order. What was only tried is left
// out.
Json ConfigurationsOf(Source& source, const std::string& sweep_id) {
  SQLite::Statement query(*source.database,
                          std::string("SELECT c.name, t.id, t.name, t.seed, t.state FROM configurations AS c"
                                      " JOIN trials AS t ON t.configuration_id = c.id WHERE c.sweep_id = ?") +
                              RowsAlone(source.version, "c.") + " ORDER BY c.position, c.id, t.seed");
  query.bind(1, sweep_id);
  Json configurations = Json::array();
  while (query.executeStep()) {
    const std::string name = query.getColumn(0).getString();
    if (configurations.empty() || configurations.back()["name"] != name) {
      configurations.push_back({{"name", name}, {"trials", Json::array()}});
    }
    configurations.back()["trials"].push_back({{"id", query.getColumn(1).getString()},
                                               {"name", query.getColumn(2).getString()},
                                               {"seed", query.getColumn(3).getInt64()},
                                               {"state", query.getColumn(4).getString()}});
  }
  return configurations;
}

// Rows of somebody else's whose summaries are here, with their seeds.
Json ImportedOf(Source& source, const std::string& sweep_id) {
  Json imported = Json::array();
  if (!source.database->tableExists("foreign_summaries")) return imported;
  SQLite::Statement query(*source.database,
                          "SELECT DISTINCT name, seed FROM foreign_summaries WHERE sweep_id = ?"
                          " ORDER BY name, seed");
  query.bind(1, sweep_id);
  while (query.executeStep()) {
    const std::string name = query.getColumn(0).getString();
    if (imported.empty() || imported.back()["name"] != name) {
      imported.push_back({{"name", name}, {"seeds", Json::array()}});
    }
    imported.back()["seeds"].push_back(query.getColumn(1).getInt64());
  }
  return imported;
}

std::string SentenceSplitOf(Source& source, const std::string& sweep_id) {
  SQLite::Statement query(*source.database,
                          "SELECT coalesce(json_extract(trial, '$.evaluate.sentence_split'), 'auto')"
                          " FROM configurations WHERE sweep_id = ? ORDER BY position, id LIMIT 1");
  query.bind(1, sweep_id);
  return query.executeStep() ? query.getColumn(0).getString() : "auto";
}

}  // namespace

StatusOr<std::unique_ptr<Extract>> MakeScoring(Source source, const ExtractRequest& request) {
  ASSIGN_OR_RETURN(const FoundSweep sweep, FindSweep(source, request.name));
  std::deque<std::string> documents;
  SQLite::Statement query(
      *source.database,
      "SELECT id FROM documents WHERE sweep_id = ? AND split = 'test' ORDER BY position, id");
  query.bind(1, sweep.id);
  while (query.executeStep()) documents.push_back(query.getColumn(0).getString());
  if (documents.empty()) {
    return FailedPrecondition("sweep {} has no documents yet: they come with its first trial's result",
                              sweep.name);
  }
  const Json about = {{"sweep", sweep.name},
                      {"sweep_id", sweep.id},
                      {"sentence_split", SentenceSplitOf(source, sweep.id)},
                      {"documents", documents.size()},
                      {"configurations", ConfigurationsOf(source, sweep.id)},
                      {"imported", ImportedOf(source, sweep.id)}};
  return std::make_unique<Scoring>(std::move(source), sweep.id, about, std::move(documents));
}

}  // namespace lorikeet::report
