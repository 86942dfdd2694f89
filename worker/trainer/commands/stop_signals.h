// SIGTERM and SIGINT while a trial runs: it gets the time for a checkpoint, and no more.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

namespace lorikeet::trainer {

// Called once, before there is any other thread. From now on the first SIGTERM or SIGINT sets the flag, which
// RunTrial asks for. Where the process is not gone seven seconds later (a step, or a write, takes too long),
// `too_late` is called from another thread with the signal's name, and the process ends with exit code 1;
// where even that hangs, the kernel ends it two seconds later. Further signals change nothing.
std::shared_ptr<const std::atomic<bool>> WatchStopSignals(
    std::function<void(const std::string& signal)> too_late);

}  // namespace lorikeet::trainer
