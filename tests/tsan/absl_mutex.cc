// Tells ThreadSanitizer about absl::Mutex and absl::CondVar. The system's absl is built without it, so it
// would take everything that such a mutex guards for a race, in our code and in gRPC's.
//
// Linked into every program of a ThreadSanitizer build, these definitions stand before those of absl's shared
// library and call them. Locking takes over what earlier holders released. Conditions of waiters are
// evaluated by whoever unlocks, after our release and before the mutex is really free: reads are not looked
// at meanwhile.

#include <dlfcn.h>

#include <cstdlib>
#include <string>
#include <type_traits>

#include "absl/base/options.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

extern "C" {
void __tsan_acquire(void* address);  // NOLINT(bugprone-reserved-identifier): the sanitizer's names
void __tsan_release(void* address);  // NOLINT(bugprone-reserved-identifier)
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
}

namespace {

#define LORIKEET_TEXT_INNER(name) #name
#define LORIKEET_TEXT(name) LORIKEET_TEXT_INNER(name)

// absl's own function: Real("Mutex", "4LockEv") is absl::<inline namespace>::Mutex::Lock().
template <typename Function>
Function Real(const std::string& type, const std::string& member) {
  std::string space;
#if ABSL_OPTION_USE_INLINE_NAMESPACE == 1
  const std::string inner = LORIKEET_TEXT(ABSL_OPTION_INLINE_NAMESPACE_NAME);
  space = std::to_string(inner.size()) + inner;
#endif
  const std::string name = "_ZN4absl" + space + std::to_string(type.size()) + type + member;
  void* found = dlsym(RTLD_NEXT, name.c_str());
  if (found == nullptr) std::abort();  // another absl, with other names: this file wants to follow it
  return reinterpret_cast<Function>(found);
}

class IgnoreReads {
 public:
  IgnoreReads() { AnnotateIgnoreReadsBegin(__FILE__, __LINE__); }
  ~IgnoreReads() { AnnotateIgnoreReadsEnd(__FILE__, __LINE__); }
  IgnoreReads(const IgnoreReads&) = delete;
  IgnoreReads& operator=(const IgnoreReads&) = delete;
};

template <typename Result, typename... Args>
Result Locking(void* mutex, Result (*real)(Args...), Args... args) {
  if constexpr (std::is_void_v<Result>) {
    {
      IgnoreReads ignore;
      real(args...);
    }
    __tsan_acquire(mutex);
  } else {
    Result result;
    {
      IgnoreReads ignore;
      result = real(args...);
    }
    __tsan_acquire(mutex);
    return result;
  }
}

template <typename... Args>
void Unlocking(void* mutex, void (*real)(Args...), Args... args) {
  __tsan_release(mutex);
  IgnoreReads ignore;
  real(args...);
}

template <typename Result, typename... Args>
Result Waiting(void* mutex, Result (*real)(Args...), Args... args) {
  __tsan_release(mutex);
  return Locking<Result, Args...>(mutex, real, args...);
}

}  // namespace

namespace absl {
ABSL_NAMESPACE_BEGIN

// NOLINTBEGIN(clang-diagnostic-thread-safety-analysis): these are the locks
void Mutex::Lock() {
  static const auto real = Real<void (*)(Mutex*)>("Mutex", "4LockEv");
  Locking(this, real, this);
}
bool Mutex::TryLock() {
  static const auto real = Real<bool (*)(Mutex*)>("Mutex", "7TryLockEv");
  return Locking(this, real, this);
}
void Mutex::Unlock() {
  static const auto real = Real<void (*)(Mutex*)>("Mutex", "6UnlockEv");
  Unlocking(this, real, this);
}
void Mutex::ReaderLock() {
  static const auto real = Real<void (*)(Mutex*)>("Mutex", "10ReaderLockEv");
  Locking(this, real, this);
}
void Mutex::ReaderUnlock() {
  static const auto real = Real<void (*)(Mutex*)>("Mutex", "12ReaderUnlockEv");
  Unlocking(this, real, this);
}
void Mutex::Await(const Condition& condition) {
  static const auto real = Real<void (*)(Mutex*, const Condition*)>("Mutex", "5AwaitERKNS0_9ConditionE");
  Waiting(this, real, this, &condition);
}
bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  static const auto real = Real<bool (*)(Mutex*, const Condition*, Duration)>(
      "Mutex", "16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE");
  return Waiting(this, real, this, &condition, timeout);
}
bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  static const auto real = Real<bool (*)(Mutex*, const Condition*, Time)>(
      "Mutex", "17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE");
  return Waiting(this, real, this, &condition, deadline);
}
void Mutex::LockWhen(const Condition& condition) {
  static const auto real = Real<void (*)(Mutex*, const Condition*)>("Mutex", "8LockWhenERKNS0_9ConditionE");
  Locking(this, real, this, &condition);
}
void CondVar::Wait(Mutex* mutex) {
  static const auto real = Real<void (*)(CondVar*, Mutex*)>("CondVar", "4WaitEPNS0_5MutexE");
  Waiting(mutex, real, this, mutex);
}
bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  static const auto real =
      Real<bool (*)(CondVar*, Mutex*, Duration)>("CondVar", "15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE");
  return Waiting(mutex, real, this, mutex, timeout);
}
bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  static const auto real =
      Real<bool (*)(CondVar*, Mutex*, Time)>("CondVar", "16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE");
  return Waiting(mutex, real, this, mutex, deadline);
}
// NOLINTEND(clang-diagnostic-thread-safety-analysis)

ABSL_NAMESPACE_END
}  // namespace absl
