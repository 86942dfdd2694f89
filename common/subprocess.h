// Child processes, each in a process group of its own, that end with this process whatever ends it.
//
// Children are forked by one thread that lives as long as the process: the kernel's parent-death signal fires
// when the forking *thread* ends. The child gets SIGKILL then, default signal handling, and no file of ours
// but the three that are asked for here.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/status.h"

namespace lorikeet {

struct SubprocessOptions {
  std::vector<std::string> command;                              // [0] is the program's path
  std::vector<std::pair<std::string, std::string>> environment;  // set beside what is inherited
  // Standard input: /dev/null, or a pipe to write to (its end-of-file tells the child that we are gone).
  bool pipe_input = false;
  // Standard output and error: a pipe to read from, else appended to the file, else inherited.
  bool pipe_output = false;
  std::string output_file;
  bool pipe_errors = false;
  std::string error_file;
  // Called with the child's number while the child waits, before the program is there, so that who it is can
  // be on disk before it does anything. Its error ends the child, and is Start's.
  std::function<Status(pid_t)> before_exec = {};
};

// How a process ended.
struct Exit {
  int code = 0;    // as passed to exit()
  int signal = 0;  // not 0: killed by this signal
  bool ok() const { return code == 0 && signal == 0; }
};
// "exit 1", "killed by signal 9 (Killed)"
std::string Describe(const Exit& exit);

// Not thread-safe, but for Signal, which may be called from any thread. The child is reaped by the destructor
// alone: until then its number is taken, and neither Signal nor GroupAlive can meet a stranger's process.
class Subprocess {
 public:
  // NotFound where the program does not exist or cannot be executed, naming it.
  static StatusOr<std::unique_ptr<Subprocess>> Start(const SubprocessOptions& options);
  // Kills the whole group with SIGKILL, and reaps.
  ~Subprocess();
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  pid_t pid() const;
  // Readable (poll) once the child has ended; -1 on kernels before 5.3. Owned by this object.
  int ended() const;
  // Our ends of the pipes, non-blocking and close-on-exec; -1 where there is none. Owned by this object.
  int output() const;
  int errors() const;
  // Writes all of `text` to standard input; Unavailable where the child has closed it, or reads nothing for
  // 10 s while the pipe (64 KiB) is full.
  Status Write(const std::string& text);
  void CloseInput();
  // To the whole process group, grandchildren included, after the child's end too.
  void Signal(int signal);
  // How the child ended, or nothing while it runs; does not wait.
  std::optional<Exit> Poll();
  // Waits for the end, at most so long.
  std::optional<Exit> Wait(Duration timeout);
  // Whether any process of the group runs (grandchildren outlive the child); zombies do not count.
  bool GroupAlive() const;

 private:
  struct Impl;
  explicit Subprocess(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// When the process `pid` started, in clock ticks since boot (/proc/PID/stat): with the pid it names a process
// for good. Nothing where there is none, or only its zombie.
std::optional<std::uint64_t> ProcessStartTime(pid_t pid);

// Whether any process of the group `group` runs; zombies do not count.
bool ProcessGroupAlive(pid_t group);

// Kills (SIGKILL) every process in whose environment, as its program was started, `name` is `value`: children
// inherit it, whatever group or session they have moved to. How many there were; those that this user may not
// look into are passed over. Does not wait for their end.
int KillProcessesMarked(const std::string& name, const std::string& value);

}  // namespace lorikeet
