// Listens to the worker on standard input while a trial runs.
#pragma once

#include <atomic>
#include <memory>
#include <string>

namespace lorikeet::trainer {

// Starts a thread that reads control lines for as long as the process lives. What it does:
//   checkpoint_and_stop  sets the flag, which RunTrial asks for between steps
//   stop                 ends the process at once with exit code 1
//   end-of-file          the worker is gone: ends the process at once with exit code 1
// Lines for another attempt, and lines that cannot be read, are passed over. The flag may be read from any
// thread.
std::shared_ptr<const std::atomic<bool>> StartControlReader(const std::string& attempt);

}  // namespace lorikeet::trainer
