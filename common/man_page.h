// A manual page in man(7)'s macros, of the same words that --help prints. Thread-safe.
#pragma once

#include <string>

#include "common/command_words.h"

namespace lorikeet {

// Section 1. `version` stands in the footer. No date: the page of a build is the same whenever it is made.
std::string ManPage(const CommandWords& program, const std::string& version);

}  // namespace lorikeet
