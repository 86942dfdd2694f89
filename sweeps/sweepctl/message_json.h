// Protocol buffer messages as JSON for programs: the .proto's field names, numbers as numbers (protobuf's own
// JSON writes 64-bit ones as strings), zeros written out, what is optional and absent left out.
#pragma once

#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>
#include <string>

namespace lorikeet::sweepctl {

nlohmann::ordered_json ToJson(const google::protobuf::Message& message);
// On one line. Names come from other people's files: what is no UTF-8 is replaced, never thrown on.
std::string ToJsonLine(const google::protobuf::Message& message);

}  // namespace lorikeet::sweepctl
