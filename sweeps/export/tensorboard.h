// A sweep as TensorBoard reads it: a folder of event files, one a trial, with curves, results and
// hyperparameters.
//
// Not thread-safe. What it is given are the lines of sweeps/report/runs.cc, in their order.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "common/status.h"
#include "sweeps/export/event_file.h"
#include "sweeps/export/lines.h"
#include "sweeps/export/new_files.h"

namespace lorikeet::exporting {

class TensorBoard {
 public:
  // `folder`, which is made and outlives it: DIR/CONFIGURATION/seed=N/events.out.tfevents.….
  explicit TensorBoard(NewFolder& folder) : folder_(folder) {}

  Status Take(const Json& line);
  // The last run is through. FailedPrecondition where there was none.
  Status Finish();
  std::int64_t runs() const { return runs_; }
  std::int64_t points() const { return points_; }

 private:
  Status Begin(const Json& run);
  Status End();
  Status Points(const Json& line);

  NewFolder& folder_;
  std::unique_ptr<EventFile> file_;  // of the run under way
  Json run_;
  double began_ = 0;             // seconds since 1970
  std::set<std::string> names_;  // of the folders that are taken
  std::int64_t runs_ = 0, points_ = 0;
};

}  // namespace lorikeet::exporting
