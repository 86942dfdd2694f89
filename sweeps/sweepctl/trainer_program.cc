#include "sweeps/sweepctl/trainer_program.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "common/files.h"
#include "sweeps/sweepctl/interrupt.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {
namespace {

namespace fs = std::filesystem;
constexpr auto kLookEvery = std::chrono::milliseconds(50);

std::optional<nlohmann::ordered_json> LastObject(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const std::size_t line = text.rfind('\n');
  auto json = nlohmann::ordered_json::parse(line == std::string::npos ? text : text.substr(line + 1), nullptr,
                                            /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  return json;
}

}  // namespace

std::string ProgramFolder() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path().string();
}

StatusOr<ScratchFolder> ScratchFolder::Make(const std::string& name) {
  std::error_code error;
  const fs::path parent = fs::temp_directory_path(error);
  if (error) return FailedPrecondition("no folder for temporary files: {}", error.message());
  std::string path = (parent / ("lorikeet-" + name + "-XXXXXX")).string();
  if (mkdtemp(path.data()) == nullptr) return FailedPrecondition("{}: {}", path, std::strerror(errno));
  return ScratchFolder(path);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

StatusOr<TrainerAnswer> AskTrainer(const std::vector<std::string>& command, const ScratchFolder& scratch) {
  SubprocessOptions options;
  options.command = command;
  options.output_file = scratch.path() + "/output";
  if (!IsTerminal(STDERR_FILENO)) options.error_file = scratch.path() + "/errors";
  std::error_code ignored;
  for (const std::string& file : {options.output_file, options.error_file}) fs::remove(file, ignored);
  ASSIGN_OR_RETURN(const std::unique_ptr<Subprocess> trainer, Subprocess::Start(options));
  TrainerAnswer answer;
  for (;;) {
    if (Interrupts() > 0) return Aborted("interrupted");
    const std::optional<Exit> exit = trainer->Wait(kLookEvery);
    if (!exit) continue;
    answer.exit = *exit;
    break;
  }
  if (const auto output = ReadFile(options.output_file); output.ok()) answer.json = LastObject(*output);
  if (!options.error_file.empty()) {
    if (const auto errors = ReadFile(options.error_file); errors.ok()) answer.errors = *errors;
  }
  return answer;
}

}  // namespace lorikeet::sweepctl
