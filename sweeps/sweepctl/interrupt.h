// Ctrl-C and its like, for commands that have something to put in order before they leave.
#pragma once

namespace lorikeet::sweepctl {

// From now on SIGINT, SIGTERM and SIGHUP are counted, and end nothing.
void CountInterrupts();
// How many there were.
int Interrupts();

}  // namespace lorikeet::sweepctl
