// One message's fields against their limits; the first that is over one is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/status.h"
#include "coordinator/rpc/limits.h"

namespace lorikeet::rpc {

// Not thread-safe. Names are those of the wire; they outlive the checker.
class FieldChecker {
 public:
  explicit FieldChecker(const char* message) : message_(message) {}
  // Of one of a list's: "hello.slots", 3.
  FieldChecker(const char* list, std::int64_t index) : message_(list), index_(index) {}

  // UTF-8 of so many bytes at most.
  void Text(const char* field, const std::string& value, std::size_t most);
  // Besides, one line: without control characters, since it stands in logs, on terminals and in file names.
  void Word(const char* field, const std::string& value, std::size_t most = kMostWordBytes);
  // A label's name or value.
  void Label(const char* field, const std::string& value);
  void List(const char* field, std::int64_t size, std::int64_t most);
  // From 0.
  void Count(const char* field, std::int64_t value, std::int64_t most = kMostCount);
  // From 0 to 1.
  void Share(const char* field, double value);
  // Keeps what another found, where nothing has been found before.
  void Take(const FieldChecker& other) { status_.Update(other.status_); }

  const Status& status() const { return status_; }

 private:
  std::string Path(const char* field) const;

  const char* message_;
  std::int64_t index_ = -1;
  Status status_;
};

}  // namespace lorikeet::rpc
