// A trial's adapter, from the coordinator or from where a database's artifacts lie, into a folder.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "common/status.h"
#include "sweeps/sweepctl/extract.h"

namespace lorikeet::sweepctl {

// `card`: the answer to a `card` request, which names the trial and its files. `folder` is there, and empty.
// Every file is checked against its SHA-256. FailedPrecondition where there is no adapter, saying why.
Status TakeAdapter(const Extractor& extractor, const nlohmann::ordered_json& card, const std::string& folder);

}  // namespace lorikeet::sweepctl
