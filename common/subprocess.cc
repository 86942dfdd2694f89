#include "common/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

extern char** environ;

namespace lorikeet {
namespace {

constexpr std::chrono::seconds kWriteTimeout{10};

// Closes on destruction; -1 is none.
class File {
 public:
  File() = default;
  explicit File(int file) : file_(file) {}
  File(File&& other) noexcept : file_(other.Release()) {}
  File& operator=(File&& other) noexcept {
    if (this != &other) {
      Reset();
      file_ = other.Release();
    }
    return *this;
  }
  ~File() { Reset(); }
  int get() const { return file_; }
  int Release() { return std::exchange(file_, -1); }
  void Reset() {
    if (file_ >= 0) close(file_);
    file_ = -1;
  }

 private:
  int file_ = -1;
};

// The thread that forks every child: it never ends, so neither does what the parent-death signal watches.
class Forker {
 public:
  static Forker& Get() {
    static Forker* forker = new Forker;  // leaked: the thread outlives static destruction
    return *forker;
  }

  // Runs `work` on the forking thread and waits for it.
  void Run(const std::function<void()>& work) {
    absl::Mutex mutex;
    bool done = false;
    {
      absl::MutexLock lock(&mutex_);
      queue_.emplace_back([&] {
        work();
        absl::MutexLock done_lock(&mutex);
        done = true;
      });
    }
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(&done));
  }

 private:
  Forker() {
    // An ignored SIGCHLD (inherited) would have the kernel reap children behind our back.
    struct sigaction action {};
    if (sigaction(SIGCHLD, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) signal(SIGCHLD, SIG_DFL);
    // The thread inherits a full mask: our handlers never run on it, nor in a child before exec.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread([this] { Loop(); }).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  [[noreturn]] void Loop() {
    for (;;) {
      std::function<void()> work;
      {
        absl::MutexLock lock(&mutex_);
        mutex_.Await(absl::Condition(this, &Forker::HasWork));
        work = std::move(queue_.front());
        queue_.pop_front();
      }
      work();
    }
  }
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !queue_.empty(); }

  absl::Mutex mutex_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
};

// A file above 2, so that the child can move it to 0, 1 or 2 in any order.
StatusOr<File> AboveStandard(File file, const std::string& what) {
  if (file.get() < 0) return Internal("cannot open {}: {}", what, std::strerror(errno));
  if (file.get() > STDERR_FILENO) return file;
  File moved(fcntl(file.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (moved.get() < 0) return Internal("cannot duplicate {}: {}", what, std::strerror(errno));
  return moved;
}

struct Pipe {
  File read, write;
};
StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Internal("cannot make a pipe: {}", std::strerror(errno));
  File read(ends[0]), write(ends[1]);
  Pipe pipe;
  ASSIGN_OR_RETURN(pipe.read, AboveStandard(std::move(read), "a pipe"));
  ASSIGN_OR_RETURN(pipe.write, AboveStandard(std::move(write), "a pipe"));
  return pipe;
}

Status SetNonBlocking(const File& file) {
  const int flags = fcntl(file.get(), F_GETFL);
  if (flags < 0 || fcntl(file.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return Internal("cannot make a pipe non-blocking: {}", std::strerror(errno));
  }
  return absl::OkStatus();
}

std::vector<std::string> MergedEnvironment(const SubprocessOptions& options) {
  std::vector<std::string> merged;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('='));
    const bool replaced = std::any_of(options.environment.begin(), options.environment.end(),
                                      [&](const auto& variable) { return variable.first == name; });
    if (!replaced) merged.push_back(text);
  }
  for (const auto& [name, value] : options.environment) merged.push_back(fmt::format("{}={}", name, value));
  return merged;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// All that the child needs between fork and exec, made before the fork.
struct ChildPlan {
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  int files[3] = {-1, -1, -1};  // to become 0, 1, 2; -1: inherited
  int errors = -1;              // errno of a failed exec is written here; close-on-exec
  int gate = -1;                // a byte comes when it may go on, or the end where it may not; -1: it may
  int gate_write = -1;          // our parent's end, which would keep that end from coming
  pid_t parent = 0;
  unsigned most_files = 0;
};

// Between fork and exec of a process with threads only async-signal-safe calls are allowed: no allocation, no
// locks.
[[noreturn]] void RunChild(const ChildPlan& plan) {
  constexpr int kErrors = 3;
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != plan.parent) _exit(127);  // the parent died before the signal was asked for
  if (plan.gate >= 0) {
    close(plan.gate_write);
    char byte = 0;
    ssize_t got = 0;
    do {
      got = read(plan.gate, &byte, 1);
    } while (got < 0 && errno == EINTR);
    if (got != 1) _exit(127);
  }
  for (int number = 1; number < NSIG; ++number) {
    if (number != SIGKILL && number != SIGSTOP) signal(number, SIG_DFL);
  }
  bool ok = true;
  for (int target = 0; target < 3; ++target) {
    if (plan.files[target] >= 0) ok = ok && dup2(plan.files[target], target) >= 0;
  }
  int errors = plan.errors;
  if (ok && errors != kErrors) {
    ok = dup3(errors, kErrors, O_CLOEXEC) >= 0;
    if (ok) errors = kErrors;
  }
  if (ok && syscall(SYS_close_range, kErrors + 1, UINT_MAX, 0) != 0) {
    for (unsigned file = kErrors + 1; file < plan.most_files; ++file) close(static_cast<int>(file));
  }
  if (ok) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execve(plan.arguments[0], plan.arguments, plan.environment);
  }
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(errors, &error, sizeof(error));
  _exit(127);
}

// errno of the exec that failed, or 0 once it has succeeded (the pipe closes).
int ReadExecError(int file) {
  int error = 0;
  ssize_t got = 0;
  do {
    got = read(file, &error, sizeof(error));
  } while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(sizeof(error)) ? error : 0;
}

void Reap(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

struct Subprocess::Impl {
  pid_t pid = -1;
  File input, output, errors, ended;
  std::optional<Exit> exit;
};

std::string Describe(const Exit& exit) {
  if (exit.signal == 0) return fmt::format("exit {}", exit.code);
  return fmt::format("killed by signal {} ({})", exit.signal, strsignal(exit.signal));
}

Subprocess::Subprocess(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

StatusOr<std::unique_ptr<Subprocess>> Subprocess::Start(const SubprocessOptions& options) {
  if (options.command.empty()) return InvalidArgument("no program to start");
  auto impl = std::make_unique<Impl>();
  File child_files[3];
  if (options.pipe_input) {
    ASSIGN_OR_RETURN(Pipe pipe, MakePipe());
    child_files[0] = std::move(pipe.read);
    impl->input = std::move(pipe.write);
    RETURN_IF_ERROR(SetNonBlocking(impl->input));
  } else {
    ASSIGN_OR_RETURN(child_files[0],
                     AboveStandard(File(open("/dev/null", O_RDONLY | O_CLOEXEC)), "/dev/null"));
  }
  const auto prepare_output = [](bool piped, const std::string& path, File& ours, File& theirs) -> Status {
    if (piped) {
      ASSIGN_OR_RETURN(Pipe pipe, MakePipe());
      ours = std::move(pipe.read);
      theirs = std::move(pipe.write);
      return SetNonBlocking(ours);
    }
    if (path.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(
        theirs,
        AboveStandard(File(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)), path));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(prepare_output(options.pipe_output, options.output_file, impl->output, child_files[1]));
  RETURN_IF_ERROR(prepare_output(options.pipe_errors, options.error_file, impl->errors, child_files[2]));
  ASSIGN_OR_RETURN(Pipe exec_errors, MakePipe());
  Pipe gate;
  if (options.before_exec) {
    ASSIGN_OR_RETURN(gate, MakePipe());
  }

  std::vector<std::string> arguments = options.command;
  std::vector<std::string> environment = MergedEnvironment(options);
  const std::vector<char*> argument_pointers = Pointers(arguments);
  const std::vector<char*> environment_pointers = Pointers(environment);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  ChildPlan plan;
  plan.arguments = argument_pointers.data();
  plan.environment = environment_pointers.data();
  for (int i = 0; i < 3; ++i) plan.files[i] = child_files[i].get();
  plan.errors = exec_errors.write.get();
  plan.gate = gate.read.get();
  plan.gate_write = gate.write.get();
  plan.parent = getpid();
  plan.most_files = static_cast<unsigned>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));

  pid_t pid = -1;
  int fork_error = 0;
  Forker::Get().Run([&] {
    pid = fork();
    if (pid == 0) RunChild(plan);
    fork_error = errno;
  });
  if (pid < 0) return Internal("cannot fork to start {}: {}", options.command[0], std::strerror(fork_error));
  setpgid(pid, pid);  // whoever comes first: Signal works from here on
  exec_errors.write.Reset();
  if (options.before_exec) {
    if (Status allowed = options.before_exec(pid); !allowed.ok()) {
      kill(-pid, SIGKILL);
      Reap(pid);
      return allowed;
    }
    // Where it is gone already, how it ended says why.
    [[maybe_unused]] const ssize_t written = write(gate.write.get(), "", 1);
  }
  if (const int error = ReadExecError(exec_errors.read.get()); error != 0) {
    Reap(pid);
    const bool missing = error == ENOENT || error == EACCES || error == ENOTDIR || error == ENOEXEC;
    return MakeStatus(missing ? absl::StatusCode::kNotFound : absl::StatusCode::kInternal,
                      "cannot start {}: {}", options.command[0], std::strerror(error));
  }
  impl->pid = pid;
  impl->ended = File(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  return std::unique_ptr<Subprocess>(new Subprocess(std::move(impl)));
}

Subprocess::~Subprocess() {
  Signal(SIGKILL);
  Reap(impl_->pid);
}

pid_t Subprocess::pid() const { return impl_->pid; }
int Subprocess::ended() const { return impl_->ended.get(); }
int Subprocess::output() const { return impl_->output.get(); }
int Subprocess::errors() const { return impl_->errors.get(); }
void Subprocess::CloseInput() { impl_->input.Reset(); }
void Subprocess::Signal(int signal) { kill(-impl_->pid, signal); }
bool Subprocess::GroupAlive() const { return ProcessGroupAlive(impl_->pid); }

Status Subprocess::Write(const std::string& text) {
  if (impl_->input.get() < 0) return Unavailable("standard input of process {} is closed", impl_->pid);
  // SIGPIPE is held back on this thread for the write, and taken off again if the write raised it.
  sigset_t pipe_signal, before, pending;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  sigpending(&pending);
  const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  Status status;
  std::size_t done = 0;
  const SteadyTime deadline = RealClock().Steady() + kWriteTimeout;
  while (done < text.size() && status.ok()) {
    const ssize_t written = write(impl_->input.get(), text.data() + done, text.size() - done);
    if (written >= 0) {
      done += static_cast<std::size_t>(written);
    } else if (errno == EAGAIN && RealClock().Steady() < deadline) {
      pollfd room{impl_->input.get(), POLLOUT, 0};
      poll(&room, 1, 100);
    } else if (errno == EAGAIN) {
      status = Unavailable("process {} does not read its standard input", impl_->pid);
    } else if (errno != EINTR) {
      status = Unavailable("cannot write to process {}: {}", impl_->pid, std::strerror(errno));
    }
  }
  if (!was_pending) {
    const timespec now{};
    while (sigtimedwait(&pipe_signal, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return status;
}

std::optional<Exit> Subprocess::Poll() {
  if (impl_->exit) return impl_->exit;
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(impl_->pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
      info.si_pid == 0) {
    return std::nullopt;
  }
  Exit exit;
  (info.si_code == CLD_EXITED ? exit.code : exit.signal) = info.si_status;
  impl_->exit = exit;
  return exit;
}

std::optional<Exit> Subprocess::Wait(Duration timeout) {
  const SteadyTime deadline = RealClock().Steady() + timeout;
  for (;;) {
    if (std::optional<Exit> exit = Poll()) return exit;
    const Duration left = deadline - RealClock().Steady();
    if (left <= Duration::zero()) return std::nullopt;
    pollfd end{ended(), POLLIN, 0};
    const auto most = ended() >= 0 ? std::chrono::milliseconds(1000) : std::chrono::milliseconds(10);
    const auto wait = std::min(std::chrono::ceil<std::chrono::milliseconds>(left), most);
    poll(&end, 1, static_cast<int>(wait.count()));
  }
}

}  // namespace lorikeet
