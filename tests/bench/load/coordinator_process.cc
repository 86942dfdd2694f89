#include "tests/bench/load/coordinator_process.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>

#include "common/files.h"
#include "common/rpc/token.h"
#include "tests/bench/load/measure.h"

namespace lorikeet::load {
namespace {

constexpr double kMostStartSeconds = 120;
constexpr std::size_t kLogShown = 2000;

std::string EndOf(const std::string& text) {
  return text.size() <= kLogShown ? text : text.substr(text.size() - kLogShown);
}

}  // namespace

StatusOr<std::unique_ptr<CoordinatorProcess>> CoordinatorProcess::Start(const std::string& program,
                                                                        const std::string& folder,
                                                                        std::int64_t lease_seconds) {
  std::unique_ptr<CoordinatorProcess> coordinator(new CoordinatorProcess(folder));
  const std::string token_file = folder + "/token", port_file = folder + "/port", log = folder + "/log";
  ASSIGN_OR_RETURN(coordinator->token_, rpc::ReadOrMakeToken(token_file));
  unlink(port_file.c_str());
  SubprocessOptions options;
  options.command = {program,
                     "--data",
                     folder + "/data",
                     "--listen",
                     "127.0.0.1:0",
                     "--token-file",
                     token_file,
                     "--port-file",
                     port_file,
                     "--lease",
                     std::to_string(lease_seconds)};
  options.output_file = options.error_file = log;
  ASSIGN_OR_RETURN(coordinator->process_, Subprocess::Start(options));
  const double until = Now() + kMostStartSeconds;
  for (;;) {
    if (const StatusOr<std::string> port = ReadFile(port_file); port.ok()) {
      coordinator->address_ = port->substr(0, port->find('\n'));
      return coordinator;
    }
    const std::optional<Exit> exit = coordinator->process_->Wait(std::chrono::milliseconds(1));
    if (exit || Now() > until) {
      return Unavailable("{} did not come up ({}):\n{}", program,
                         exit ? Describe(*exit) : "two minutes passed", EndOf(ReadFile(log).value_or("")));
    }
  }
}

double CoordinatorProcess::CpuSeconds() const { return load::CpuSeconds(pid()); }

StatusOr<std::int64_t> CoordinatorProcess::ResidentBytes() const { return load::ResidentBytes(pid()); }

void CoordinatorProcess::Kill() {
  process_->Signal(SIGKILL);
  process_->Wait(std::chrono::seconds(30));
}

}  // namespace lorikeet::load
