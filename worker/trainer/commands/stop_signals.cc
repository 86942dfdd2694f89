#include "worker/trainer/commands/stop_signals.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <utility>

#include "common/command_line.h"

namespace lorikeet::trainer {
namespace {

// Ten seconds is what service managers and schedulers leave at least between SIGTERM and SIGKILL.
constexpr std::chrono::seconds kGrace{7};
constexpr unsigned kSecondsToKernel = 9;

}  // namespace

std::shared_ptr<const std::atomic<bool>> WatchStopSignals(
    std::function<void(const std::string& signal)> too_late) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  // Every later thread inherits it, so that the one below alone hears of them.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  auto stop = std::make_shared<std::atomic<bool>>(false);
  std::thread([signals, stop, too_late = std::move(too_late)] {
    int number = 0;
    while (sigwait(&signals, &number) != 0) {
    }
    signal(SIGALRM, SIG_DFL);
    alarm(kSecondsToKernel);
    *stop = true;
    std::this_thread::sleep_for(kGrace);
    too_late(number == SIGTERM ? "SIGTERM" : "SIGINT");
    _exit(kExitFailed);
  }).detach();
  return stop;
}

}  // namespace lorikeet::trainer
