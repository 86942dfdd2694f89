// A program's command line as plain words: what --help says, for whatever else is made of it (the manual
// page, a shell's completion). Thread-safe.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace lorikeet {

struct OptionWords {
  std::vector<std::string> names;  // "-f", "--follow"; of a positional argument its one name, "sweep"
  std::string help;
  bool takes_value = false;
  std::string value;                 // "TEXT"
  std::string fallback;              // the default as --help shows it; may be empty
  std::vector<std::string> choices;  // the only values there are; empty: any
  bool required = false, repeated = false;
};

struct CommandWords {
  std::string name, help;
  std::vector<OptionWords> options, arguments;
  std::vector<CommandWords> commands;
};

CommandWords DescribeCommand(const CLI::App& app);

}  // namespace lorikeet
