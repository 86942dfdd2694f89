// A preflight's report, for people.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace lorikeet::sweepctl {

// `report`: what `sweepctl preflight --json` prints (docs/commands.md). Whatever comes out of documents is
// without control characters. Throws nlohmann's exceptions where the report is of another shape.
std::string RenderPreflight(const nlohmann::ordered_json& report, bool colour);

}  // namespace lorikeet::sweepctl
