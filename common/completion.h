// What shells complete a program's command line by, made of the same words that --help prints. Thread-safe.
//
// Values of an argument called `sweep` are asked of `PROGRAM list --names`; of one called `file`, and
// wherever nothing else is known, the shell completes file names.
#pragma once

#include <string>

#include "common/command_words.h"
#include "common/status.h"

namespace lorikeet {

// bash, zsh or fish; InvalidArgument for another. To be sourced, or put where the shell looks.
StatusOr<std::string> Completion(const CommandWords& program, const std::string& shell);

// One each.
std::string BashCompletion(const CommandWords& program);
std::string ZshCompletion(const CommandWords& program);
std::string FishCompletion(const CommandWords& program);

}  // namespace lorikeet
