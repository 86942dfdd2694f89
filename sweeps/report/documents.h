// What was summarized, read from a results database: documents with their scores in two configurations, and
// one document with its reference and what each configuration made of it.
//
// Read-only, over a connection of its own; every function reads one snapshot. Thread-safe in that each
// Documents is used by one thread. ROUGE is in percent. Texts are as the database has them: whoever shows
// them cares for control characters and markup.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"
#include "sweeps/report/browse.h"

namespace lorikeet::report {

struct DocumentQuery {
  std::string sweep_id;
  std::string split = "test";          // or validation
  std::string configuration, against;  // names; `against` empty: the baseline. configuration empty: the first
                                       // other one with summaries
  std::string metric = "rouge1";       // rouge2, rougeL, rougeLsum
  std::string sort =
      "position";  // or difference, -difference, score, -score: the lowest first; -: the highest
  Window window;
};
struct DocumentItem {
  std::string id, beginning;  // of the reference
  std::int64_t position = 0;
  std::optional<double> score, against, difference;  // means over seeds; difference in ROUGE points
};
struct DocumentList {
  std::string split, metric, configuration, against;  // as they were chosen
  std::vector<std::string> configurations;            // that have summaries, in the table's order
  std::int64_t documents = 0;                         // of the split
  std::vector<DocumentItem> items;
};

struct Summary {
  std::string trial_id, configuration, arm, text;
  bool baseline = false;
  std::int64_t seed = 0, tokens = 0;
  double rouge1 = 0, rouge2 = 0, rougeL = 0, rougeLsum = 0;
};
struct DocumentText {
  std::string split, id, article, reference;
  std::int64_t position = 0;
  std::int64_t article_bytes = 0;   // of all of it
  std::vector<std::int64_t> seeds;  // that there are summaries of
  std::int64_t seed = 0;            // whose summaries these are; references have none and are always there
  std::vector<Summary> summaries;   // one a configuration, in the table's order
};
// More of an article, and more summaries, are left out.
inline constexpr std::size_t kMostArticleBytes = 400'000;
inline constexpr std::int64_t kMostSummaries = 200;

class Documents {
 public:
  // As Report::Open.
  static StatusOr<std::unique_ptr<Documents>> Open(const std::string& database_path);
  virtual ~Documents() = default;

  // NotFound: no such sweep. InvalidArgument: a configuration that has no summaries.
  virtual StatusOr<DocumentList> ReadList(const DocumentQuery& query) = 0;
  // Without `seed` that of the first there is.
  virtual StatusOr<DocumentText> ReadDocument(const std::string& sweep_id, const std::string& split,
                                              const std::string& id, std::optional<std::int64_t> seed) = 0;
};

}  // namespace lorikeet::report
