// Writing a file, or standard output, of one JSON object a line.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "common/status.h"

namespace lorikeet::trainer {

// Keys keep the order they are given in.
using OrderedJson = nlohmann::ordered_json;

// One line with its newline. Invalid UTF-8 is replaced, never thrown on.
inline std::string Line(const OrderedJson& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace lorikeet::trainer
