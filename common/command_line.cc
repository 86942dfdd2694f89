#include "common/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "common/build_info.h"
#include "common/completion.h"
#include "common/man_page.h"
#include "common/nearest.h"

namespace lorikeet {

namespace {

// What to say where no subcommand stands first: CLI11 speaks of what is missing, not of what is there.
std::optional<std::string> WrongSubcommand(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> names;
  for (const CLI::App* const command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  if (names.empty() || argc < 2) return std::nullopt;
  const std::string first = argv[1];
  if (std::find(names.begin(), names.end(), first) != names.end()) return std::nullopt;
  if (first.rfind('-', 0) == 0) {
    return fmt::format("{} stands before the subcommand; its options stand behind it", first);
  }
  const std::string meant = DidYouMean(first, names);
  return fmt::format("unknown subcommand '{}'{}", first,
                     meant.empty() ? fmt::format(": one of {}", fmt::join(names, ", ")) : meant);
}

}  // namespace

void PrepareCommandLine(CLI::App& app) {
  app.set_version_flag("--version", app.get_name() + " " + Build());
  app.set_help_all_flag("--help-all", "Help of every subcommand");
  // CLI11 runs these before it asks for what is missing, and an exception ends the parse.
  app.add_flag_callback(
      "--man",
      [&app] {
        fmt::print("{}", ManPage(DescribeCommand(app), Build()));
        throw CLI::Success();
      },
      "Print the manual page: --man | man -l -");
  app.add_option_function<std::string>(
         "--completion",
         [&app](const std::string& shell) {
           fmt::print("{}", *Completion(DescribeCommand(app), shell));
           throw CLI::Success();
         },
         "Print what a shell completes this program's words by")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->trigger_on_parse();
  app.get_formatter()->column_width(36);
}

std::optional<int> ParseCommandLine(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::Success& done) {  // --help, --version
    app.exit(done);
    return kExitDone;
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "{}: {}\nRun '{} --help' for usage.\n", app.get_name(),
               WrongSubcommand(app, argc, argv).value_or(error.what()), app.get_name());
    return kExitUsage;
  }
}

int ExitWith(const Status& status, const std::string& program) {
  if (status.ok()) return kExitDone;
  // A message of several lines is several mistakes, each with its place.
  std::string text = Message(status);
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; ++at) {
    if (at + 1 < text.size() && text[at + 1] != ' ') text.insert(at + 1, program + ": ");
  }
  // fmt::print would throw where a log cannot be written to.
  std::fputs(fmt::format("{}: {}\n", program, text).c_str(), stderr);
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
      return kExitUsage;
    default:
      return kExitFailed;
  }
}

}  // namespace lorikeet
