// What the four programs share on their command lines: exit codes, --version, errors.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "common/status.h"

namespace lorikeet {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;  // the work failed
inline constexpr int kExitUsage = 2;   // wrong usage or input

// Adds --version and the settings that all programs share to a top-level `app`.
void PrepareCommandLine(CLI::App& app);

// Parses; an exit code where the program should end now: 0 after --help or --version (printed on standard
// output), 2 after wrong usage (one clear message on standard error). CLI11's own codes do not leave.
std::optional<int> ParseCommandLine(CLI::App& app, int argc, char** argv);

// 0 for OK; 2 for what the user can mend (invalid argument, not found, already exists, failed precondition);
// else 1. The message goes to standard error as "PROGRAM: message".
int ExitWith(const Status& status, const std::string& program);

}  // namespace lorikeet
