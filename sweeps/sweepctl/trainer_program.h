// sweep-trainer, asked on this machine for an answer of one JSON object.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/status.h"
#include "common/subprocess.h"

namespace lorikeet::sweepctl {

// Folder of this program, where the others lie too.
std::string ProgramFolder();

// A folder of this process's own, gone with it: its owner alone can read it.
class ScratchFolder {
 public:
  static StatusOr<ScratchFolder> Make(const std::string& name);
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder();
  const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

struct TrainerAnswer {
  Exit exit;
  std::optional<nlohmann::ordered_json> json;  // the last line of its output, where that is an object
  std::string errors;                          // what it wrote on standard error, where that is no terminal
};

// `command[0]` is the program's path. Its progress is shown on a terminal. Waits for its end; Aborted, and it
// is killed, once Ctrl-C was pressed (interrupt.h). NotFound where the program is not there.
StatusOr<TrainerAnswer> AskTrainer(const std::vector<std::string>& command, const ScratchFolder& scratch);

}  // namespace lorikeet::sweepctl
