#include "tests/fuzz/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "common/json.h"

namespace lorikeet::fuzz {

void Require(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
  std::fflush(stderr);
  std::abort();
}

void RequireOk(const Status& status, std::string_view what) {
  if (!status.ok()) Require(false, fmt::format("{}: {}", what, status.ToString()));
}

void RequireRefusal(const Status& status, std::string_view prefix) {
  if (!absl::IsInvalidArgument(status)) {
    Require(false, fmt::format("bad input is an invalid argument: {}", status.ToString()));
  }
  const std::string message = Message(status);
  if (message.size() <= prefix.size() || !message.starts_with(prefix)) {
    Require(false, fmt::format("a refusal says what is wrong after '{}': '{}'", prefix, message));
  }
  if (!IsUtf8(message)) Require(false, fmt::format("a refusal is UTF-8: '{}'", message));
}

MemoryFile::MemoryFile(std::string_view bytes) : file_(memfd_create("fuzz", MFD_CLOEXEC)) {
  Require(file_ >= 0, "a file in memory can be made");
  for (std::string_view rest = bytes; !rest.empty();) {
    const ssize_t written = write(file_, rest.data(), rest.size());
    Require(written > 0, "a file in memory can be written");
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  path_ = "/proc/self/fd/" + std::to_string(file_);
}

MemoryFile::~MemoryFile() { close(file_); }

Folder::Folder() {
  const char* const given = std::getenv("TMPDIR");
  std::string name = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : given != nullptr ? given : "/tmp";
  name += "/lorikeet-fuzz-XXXXXX";
  Require(mkdtemp(name.data()) != nullptr, "a folder can be made");
  path_ = name;
}

Folder::~Folder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

}  // namespace lorikeet::fuzz
