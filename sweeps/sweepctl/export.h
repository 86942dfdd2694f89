// sweepctl export: a sweep as the tools that people already use read it.
#pragma once

#include <string>

#include "common/status.h"
#include "sweeps/sweepctl/extract.h"

namespace lorikeet::sweepctl {

struct ExportOptions {
  std::string sweep;             // an id or a name
  std::string format;            // tensorboard, mlflow, csv, card; parquet is answered with what writes it
  std::string out;               // the new folder; mlflow: none
  std::string to;                // mlflow: the server; empty: MLFLOW_TRACKING_URI
  std::string trial;             // card: of this one, else of the adapter that is best on validation
  std::string base_model;        // card: as the hub calls it
  bool without_adapter = false;  // card: alone
};

// The folder appears whole or not at all; FailedPrecondition where it is there and not empty, and where there
// is nothing to export yet. Prints its path, or the experiment.
Status Export(const Extractor& extractor, const ExportOptions& options);

}  // namespace lorikeet::sweepctl
