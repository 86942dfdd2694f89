#include "sweeps/report/documents.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <algorithm>

#include "common/json.h"
#include "sweeps/report/database.h"
#include "sweeps/report/report.h"

namespace lorikeet::report {
namespace {

constexpr std::size_t kBeginningBytes = 160;

// SQL for a document's mean over the seeds of a configuration: ?3 is the sweep's name, ?2 the split.
std::string MeanOf(const std::string& metric, const char* configuration) {
  return "(SELECT avg(100 * p." + metric +
         ") FROM results AS r INDEXED BY results_by_configuration JOIN predictions AS p ON p.trial_id = "
         "r.trial_id"
         " AND p.split = ?2 AND p.document_id = d.id WHERE r.sweep = ?3 AND r.configuration = " +
         configuration + ")";
}

std::string OrderOf(const std::string& sort) {
  if (sort == "difference") return "score - against IS NULL, score - against, d.position";
  if (sort == "-difference") return "score - against IS NULL, score - against DESC, d.position";
  if (sort == "score") return "score IS NULL, score, d.position";
  if (sort == "-score") return "score IS NULL, score DESC, d.position";
  return "d.position, d.id";
}

class SqliteDocuments : public Documents {
 public:
  SqliteDocuments(std::string path, std::unique_ptr<SQLite::Database> database)
      : path_(std::move(path)), database_(std::move(database)) {}

  StatusOr<DocumentList> ReadList(const DocumentQuery& query) override {
    return Guarded(path_, [&]() -> StatusOr<DocumentList> {
      const std::vector<std::string> metrics = {"rouge1", "rouge2", "rougeL", "rougeLsum"};
      if (std::find(metrics.begin(), metrics.end(), query.metric) == metrics.end())
        return InvalidArgument("metric: there is no '{}'", query.metric);
      const SQLite::Transaction snapshot(*database_);
      DocumentList list;
      list.split = query.split;
      list.metric = query.metric;
      ASSIGN_OR_RETURN(const std::string sweep, Choose(query, list));
      SQLite::Statement count(*database_, "SELECT count(*) FROM documents WHERE sweep_id = ? AND split = ?");
      count.bind(1, query.sweep_id);
      count.bind(2, query.split);
      count.executeStep();
      list.documents = count.getColumn(0).getInt64();
      SQLite::Statement rows(
          *database_, "SELECT d.id, d.position, substr(d.reference, 1, ?8), " + MeanOf(query.metric, "?4") +
                          " AS score, " + MeanOf(query.metric, "?5") +
                          " AS against FROM documents AS d WHERE d.sweep_id = ?1 AND d.split = ?2"
                          " ORDER BY " +
                          OrderOf(query.sort) + " LIMIT ?6 OFFSET ?7");
      rows.bind(1, query.sweep_id);
      rows.bind(2, query.split);
      rows.bind(3, sweep);
      rows.bind(4, list.configuration);
      rows.bind(5, list.against);
      rows.bind(6, query.window.most);
      rows.bind(7, query.window.from);
      rows.bind(8, static_cast<std::int64_t>(kBeginningBytes));
      while (rows.executeStep()) {
        DocumentItem item{.id = rows.getColumn(0).getString(),
                          .beginning = rows.getColumn(2).getString(),
                          .position = rows.getColumn(1).getInt64(),
                          .score = Number(rows.getColumn(3)),
                          .against = Number(rows.getColumn(4)),
                          .difference = {}};
        if (item.score && item.against) item.difference = *item.score - *item.against;
        list.items.push_back(std::move(item));
      }
      return list;
    });
  }

  StatusOr<DocumentText> ReadDocument(const std::string& sweep_id, const std::string& split,
                                      const std::string& id, std::optional<std::int64_t> seed) override {
    return Guarded(path_, [&]() -> StatusOr<DocumentText> {
      const SQLite::Transaction snapshot(*database_);
      SQLite::Statement row(*database_,
                            "SELECT article, reference, position, (SELECT name FROM sweeps WHERE id = ?1)"
                            " FROM documents WHERE sweep_id = ?1 AND split = ?2 AND id = ?3");
      row.bind(1, sweep_id);
      row.bind(2, split);
      row.bind(3, id);
      if (!row.executeStep()) return NotFound("sweep {} has no such document on {}", sweep_id, split);
      DocumentText text;
      text.split = split;
      text.id = id;
      const std::string article = row.getColumn(0).getString();
      text.article = std::string(Utf8Prefix(article, kMostArticleBytes));
      text.article_bytes = static_cast<std::int64_t>(article.size());
      text.reference = row.getColumn(1).getString();
      text.position = row.getColumn(2).getInt64();
      const std::string sweep = row.getColumn(3).getString();
      ReadSeeds(sweep, text);
      text.seed = seed.value_or(text.seeds.empty() ? 0 : text.seeds.front());
      ReadSummaries(sweep_id, sweep, text);
      return text;
    });
  }

 private:
  // The sweep's name; fills in which configurations are shown.
  StatusOr<std::string> Choose(const DocumentQuery& query, DocumentList& list) {
    SQLite::Statement sweep(*database_, "SELECT name, baseline FROM sweeps WHERE id = ?");
    sweep.bind(1, query.sweep_id);
    if (!sweep.executeStep()) return NotFound("there is no sweep {}", query.sweep_id);
    const std::string name = sweep.getColumn(0).getString(), baseline = sweep.getColumn(1).getString();
    SQLite::Statement with(
        *database_,
        "SELECT c.name FROM configurations AS c WHERE c.sweep_id = ?1 AND c.candidate_of IS NULL AND EXISTS"
        " (SELECT 1 FROM results AS r INDEXED BY results_by_configuration"
        "  JOIN predictions AS p ON p.trial_id = r.trial_id AND p.split = ?3"
        "  WHERE r.sweep = ?2 AND r.configuration = c.name) ORDER BY c.position, c.id");
    with.bind(1, query.sweep_id);
    with.bind(2, name);
    with.bind(3, query.split);
    while (with.executeStep()) list.configurations.push_back(with.getColumn(0).getString());
    const auto has = [&](const std::string& wanted) {
      return std::find(list.configurations.begin(), list.configurations.end(), wanted) !=
             list.configurations.end();
    };
    for (const std::string* wanted : {&query.configuration, &query.against}) {
      if (!wanted->empty() && !has(*wanted))
        return InvalidArgument("there are no summaries of '{}'", *wanted);
    }
    list.against = query.against.empty() ? baseline : query.against;
    list.configuration = query.configuration;
    for (const std::string& other : list.configurations) {
      if (list.configuration.empty() && other != list.against) list.configuration = other;
    }
    return name;
  }

  void ReadSeeds(const std::string& sweep, DocumentText& text) {
    SQLite::Statement query(
        *database_,
        "SELECT DISTINCT r.seed FROM sweeps AS w JOIN configurations AS c ON c.sweep_id = w.id"
        " JOIN results AS r INDEXED BY results_by_configuration ON r.sweep = w.name"
        " AND r.configuration = c.name WHERE w.name = ? AND c.candidate_of IS NULL"
        " AND c.arm NOT IN ('zero_shot', 'lead') ORDER BY r.seed");
    query.bind(1, sweep);
    while (query.executeStep()) text.seeds.push_back(query.getColumn(0).getInt64());
  }

  void ReadSummaries(const std::string& sweep_id, const std::string& sweep, DocumentText& text) {
    SQLite::Statement query(
        *database_,
        "SELECT r.trial_id, r.configuration, r.arm, c.baseline, r.seed, p.tokens, p.summary,"
        " 100 * p.rouge1, 100 * p.rouge2, 100 * p.rougeL, 100 * p.rougeLsum"
        " FROM configurations AS c JOIN results AS r INDEXED BY results_by_configuration"
        "  ON r.sweep = ?2 AND r.configuration = c.name AND (r.seed = ?3 OR r.arm IN ('zero_shot', 'lead'))"
        " JOIN predictions AS p ON p.trial_id = r.trial_id AND p.split = ?4 AND p.document_id = ?5"
        " WHERE c.sweep_id = ?1 AND c.candidate_of IS NULL ORDER BY c.position, c.id LIMIT ?6");
    query.bind(1, sweep_id);
    query.bind(2, sweep);
    query.bind(3, text.seed);
    query.bind(4, text.split);
    query.bind(5, text.id);
    query.bind(6, kMostSummaries);
    while (query.executeStep()) {
      text.summaries.push_back({.trial_id = query.getColumn(0).getString(),
                                .configuration = query.getColumn(1).getString(),
                                .arm = query.getColumn(2).getString(),
                                .text = query.getColumn(6).getString(),
                                .baseline = query.getColumn(3).getInt() != 0,
                                .seed = query.getColumn(4).getInt64(),
                                .tokens = query.getColumn(5).getInt64(),
                                .rouge1 = query.getColumn(7).getDouble(),
                                .rouge2 = query.getColumn(8).getDouble(),
                                .rougeL = query.getColumn(9).getDouble(),
                                .rougeLsum = query.getColumn(10).getDouble()});
    }
  }

  const std::string path_;
  const std::unique_ptr<SQLite::Database> database_;
};

}  // namespace

StatusOr<std::unique_ptr<Documents>> Documents::Open(const std::string& database_path) {
  RETURN_IF_ERROR(Report::Open(database_path).status());
  return Guarded(database_path, [&]() -> StatusOr<std::unique_ptr<Documents>> {
    return std::make_unique<SqliteDocuments>(database_path, OpenReadOnly(database_path));
  });
}

}  // namespace lorikeet::report
