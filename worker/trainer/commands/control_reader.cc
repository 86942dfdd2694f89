#include "worker/trainer/commands/control_reader.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>
#include <thread>

#include "common/command_line.h"
#include "worker/protocol/control.h"

namespace lorikeet::trainer {
namespace {

void Obey(const std::string& text, const std::string& attempt, std::atomic<bool>& stop) {
  const auto line = protocol::ControlFromLine(text);
  if (!line.ok()) {
    fmt::print(stderr, "sweep-trainer train: a control line is passed over: {}\n", Message(line.status()));
    return;
  }
  if (line->attempt != attempt) return;
  if (line->action == protocol::ControlLine::Action::kStop) _exit(kExitFailed);
  stop = true;
}

// No stream of the standard library: the process may end while this waits, and a stream's lock would be held
// then.
void ReadForever(const std::string& attempt, std::atomic<bool>& stop) {
  std::string pending;
  char buffer[4096];
  for (;;) {
    const ssize_t got = read(STDIN_FILENO, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) _exit(kExitFailed);
    pending.append(buffer, static_cast<std::size_t>(got));
    for (std::size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
      Obey(pending.substr(0, end), attempt, stop);
      pending.erase(0, end + 1);
    }
  }
}

}  // namespace

std::shared_ptr<const std::atomic<bool>> StartControlReader(const std::string& attempt) {
  auto stop = std::make_shared<std::atomic<bool>>(false);
  std::thread([attempt, stop] { ReadForever(attempt, *stop); }).detach();
  return stop;
}

}  // namespace lorikeet::trainer
