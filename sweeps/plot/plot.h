// A sweep's picture from a results database: what `sweepctl plot` and the coordinator's Plot call answer.
//
// Thread-safe: each call opens a connection of its own, read-only, and reads one snapshot.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/status.h"

namespace lorikeet::plot {

struct PlotRequest {
  std::string sweep;   // an id or a name
  std::string kind;    // sensitivity, curves, pareto; empty: sensitivity
  std::string metric;  // empty: the sweep's primary one; of curves: train_loss
  std::string axis;    // of sensitivity; empty: all
  std::string cost;    // of pareto; empty: all
  std::string format;  // text, svg, png, pdf; empty: text
  // Points of 1/72 inch; of text: columns, and rows of each plot. 0: as suits.
  std::int64_t width = 0, height = 0;
  bool colour = false, ascii = false;  // of text
};

struct Plot {
  std::string content;                // a file's bytes, or text
  std::vector<std::string> warnings;  // for a person
};

// NotFound and InvalidArgument name the nearest sweep, kind, metric, axis, cost or format;
// FailedPrecondition says what is missing where there is nothing to draw yet.
StatusOr<Plot> MakePlot(const std::string& database_path, const PlotRequest& request);

// The format that a file's name ends with; InvalidArgument for other endings.
StatusOr<std::string> FormatOfFile(const std::string& path);

}  // namespace lorikeet::plot
