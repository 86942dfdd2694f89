// What leaves a results database as text, a piece at a time: predictions, curves, a trial's recipe, a paper's
// paragraph. For sweepctl with a database's file, and for the coordinator's Extract call.
//
// Each piece is read when it is asked for, in a read transaction of its own, so that a slow reader neither
// takes memory nor keeps the WAL from being moved into the file. What belongs to a result is read once and
// does not change; a trial whose result comes in meanwhile may be there or not. Each Extract is used by one
// thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"

namespace lorikeet::report {

inline constexpr std::size_t kPieceBytes = std::size_t{128} << 10;
inline constexpr std::int64_t kMostDiffDocuments = 1000;
inline constexpr std::int64_t kLeastColumns = 40, kMostColumns = 1000;

// What is asked for. Which fields count depends on `what`; the others are not looked at.
struct ExtractRequest {
  // predictions: JSON lines of a sweep's summaries. scoring: a line on its runs and how its ROUGE is
  // computed, then the references of its test split, a line each. runs: JSON lines of its trials, their
  // results and curves. csv: a table or view, `table`, of the sweep's rows. reproduce: a trial's recipe.
  // methods: the paragraph. diff: two trials beside each other. card: a model card of the trial `other`, else
  // of the best adapter.
  std::string what;
  std::string name;                  // the sweep's, or the trial's: an id or a name
  std::string other;                 // the second trial
  std::string table;                 // csv
  std::string split;                 // predictions: test or validation; empty: both. diff: test unless given
  std::string configuration;         // predictions: of this one alone
  std::optional<std::int64_t> seed;  // predictions: of this one alone
  std::int64_t documents = 5;        // diff: how many of those that changed most
  std::int64_t columns = 100;        // diff: the terminal's width
  std::string base_model;            // card: as the hub calls it; empty: the model folder's name
  bool json = false;                 // reproduce, methods, diff: as JSON
};

// The tables and views that `csv` has, in the order of the pages that explain them.
const std::vector<std::string>& CsvTables();

class Extract {
 public:
  // NotFound names the nearest sweep, trial or configuration; FailedPrecondition where there is nothing yet;
  // InvalidArgument for what the request gets wrong.
  static StatusOr<std::unique_ptr<Extract>> Open(const std::string& database_path,
                                                 const ExtractRequest& request);
  virtual ~Extract() = default;
  // The next piece, of kPieceBytes at most, cut anywhere; empty at the end. After an error nothing more
  // comes.
  StatusOr<std::string> Next();

 protected:
  // Appends what comes next; false: that was all.
  virtual StatusOr<bool> More(std::string& text) = 0;

 private:
  std::string waiting_;
  std::size_t given_ = 0;  // of `waiting_`
  bool ended_ = false;
};

}  // namespace lorikeet::report
