// What a trial's documents look like to the model, before anything is trained on them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/status.h"
#include "sweeps/trial/trial.h"
#include "worker/text/data_check.h"
#include "worker/text/tokenizer.h"

namespace lorikeet::trainer {

struct SplitReport {
  std::string name;  // train, validation or test
  std::int64_t documents = 0;
  std::int64_t repeated = 0;     // whose article an earlier one of the split has
  text::Lengths source, target;  // the source with its prefix
  double unknown_share = 0;      // of all of their tokens, uncut, those that the tokenizer does not know
};

// A training document as the model gets it: from its tokens back into text.
struct Rendered {
  std::string id, source, target;
  std::int64_t source_tokens = 0, target_tokens = 0;
  bool source_cut = false, target_cut = false;
};

struct DataReport {
  std::vector<SplitReport> splits;  // the three; train may have no documents where nothing trains
  std::vector<text::Overlap> overlaps;
  std::vector<std::string> warnings;
  std::int64_t empty_documents = 0;
  Rendered example;
};

// Told of documents whose tokens are counted, of how many. May be empty.
using Counted = std::function<void(std::int64_t done, std::int64_t all)>;

// Reads the splits and counts their tokens, on the threads that ATen has; keeps no more of them. Errors are
// ReadTrialData's.
StatusOr<DataReport> ReportData(const DataSettings& settings, const text::Tokenizer& tokenizer,
                                const Counted& counted);

}  // namespace lorikeet::trainer
