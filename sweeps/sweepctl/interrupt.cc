#include "sweeps/sweepctl/interrupt.h"

#include <signal.h>

#include <atomic>

namespace lorikeet::sweepctl {
namespace {

std::atomic<int> interrupts{0};
static_assert(std::atomic<int>::is_always_lock_free);  // a signal handler writes it

void Interrupt(int) { interrupts.fetch_add(1); }

}  // namespace

void CountInterrupts() {
  struct sigaction action {};
  action.sa_handler = Interrupt;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
}

int Interrupts() { return interrupts; }

}  // namespace lorikeet::sweepctl
