// `sweepctl plot`: a sweep's picture, into a file or onto the terminal; from a coordinator, or from a
// database file with no coordinator.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/status.h"
#include "sweeps/sweepctl/client.h"

namespace lorikeet::sweepctl {

struct PlotOptions {
  std::string sweep, kind = "sensitivity", metric, axis, cost;
  std::string out;                     // *.svg, *.png, *.pdf; empty: drawn on standard output
  std::int64_t width = 0, height = 0;  // 0: as suits
  std::string database;                // a results.db or its folder; empty: a coordinator's
};

// `connect` opens the connection where one is needed.
Status PlotSweep(const PlotOptions& options,
                 const std::function<StatusOr<std::unique_ptr<Client>>()>& connect);

// Whether the locale that the environment names writes UTF-8.
bool WritesUtf8();

}  // namespace lorikeet::sweepctl
