#include "coordinator/rpc/field_checker.h"

#include <algorithm>

#include "common/json.h"
#include "common/labels.h"

namespace lorikeet::rpc {
namespace {

bool IsControl(char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }

}  // namespace

std::string FieldChecker::Path(const char* field) const {
  if (index_ < 0) return fmt::format("{}.{}", message_, field);
  return fmt::format("{}[{}].{}", message_, index_, field);
}

void FieldChecker::Text(const char* field, const std::string& value, std::size_t most) {
  if (!status_.ok()) return;
  if (value.size() > most) {
    status_ = InvalidArgument("{}: {} bytes; at most {}", Path(field), value.size(), most);
  } else if (!IsUtf8(value)) {
    status_ = InvalidArgument("{}: not UTF-8", Path(field));
  }
}

void FieldChecker::Word(const char* field, const std::string& value, std::size_t most) {
  Text(field, value, most);
  if (status_.ok() && std::any_of(value.begin(), value.end(), IsControl)) {
    status_ = InvalidArgument("{}: control characters; it is one line of text", Path(field));
  }
}

void FieldChecker::Label(const char* field, const std::string& value) {
  Word(field, value);
  if (status_.ok() && !IsLabelWord(value)) {
    status_ = InvalidArgument("{}: '{}'; each a word of {}", Path(field), value, kLabelWord);
  }
}

void FieldChecker::List(const char* field, std::int64_t size, std::int64_t most) {
  if (status_.ok() && size > most)
    status_ = InvalidArgument("{}: {} of them; at most {}", Path(field), size, most);
}

void FieldChecker::Count(const char* field, std::int64_t value, std::int64_t most) {
  if (status_.ok() && (value < 0 || value > most)) {
    status_ = InvalidArgument("{}: {}; from 0 to {}", Path(field), value, most);
  }
}

void FieldChecker::Share(const char* field, double value) {
  if (status_.ok() && !(value >= 0 && value <= 1)) {
    status_ = InvalidArgument("{}: {}; from 0 to 1", Path(field), value);
  }
}

}  // namespace lorikeet::rpc
