#include "common/command_line.h"

#include <fmt/format.h>

#include <cstdio>

#include "common/build_info.h"

namespace lorikeet {

void PrepareCommandLine(CLI::App& app) {
  app.set_version_flag("--version", app.get_name() + " " + Build());
  app.set_help_all_flag("--help-all", "Help of every subcommand");
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
    fmt::print(stderr, "{}: {}\nRun '{} --help' for usage.\n", app.get_name(), error.what(), app.get_name());
    return kExitUsage;
  }
}

int ExitWith(const Status& status, const std::string& program) {
  if (status.ok()) return kExitDone;
  fmt::print(stderr, "{}: {}\n", program, Message(status));
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
