#include "worker/text/string_members.h"

#include <cstdint>
#include <cstring>
#include <optional>

#include "common/json.h"

namespace lorikeet::text {
namespace {

constexpr std::uint64_t kEachByte = 0x0101010101010101u, kTopBits = 0x8080808080808080u;

std::uint64_t HasZeroByte(std::uint64_t bytes) { return (bytes - kEachByte) & ~bytes & kTopBits; }

// Whether a string's characters go on unescaped for eight bytes: no quote, no backslash, no control
// character.
bool IsPlain(std::uint64_t bytes) {
  const std::uint64_t control = (bytes - 0x20 * kEachByte) & ~bytes & kTopBits;
  return (HasZeroByte(bytes ^ '"' * kEachByte) | HasZeroByte(bytes ^ '\\' * kEachByte) | control) == 0;
}

class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool AtEnd() const { return at_ == text_.size(); }
  void SkipSpace() {
    while (!AtEnd() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r' || text_[at_] == '\n')) {
      ++at_;
    }
  }
  bool Take(char c) {
    if (AtEnd() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // A string, from its opening quote on.
  bool TakeString(std::string& out) {
    out.clear();
    if (!Take('"')) return false;
    for (;;) {
      const std::size_t begin = at_;
      SkipPlain();
      out.append(text_, begin, at_ - begin);
      if (AtEnd()) return false;
      const char c = text_[at_++];
      if (c == '"') return true;
      if (c != '\\' || !TakeEscape(out)) return false;
    }
  }

 private:
  void SkipPlain() {
    for (std::uint64_t bytes = 0; text_.size() - at_ >= sizeof(bytes); at_ += sizeof(bytes)) {
      std::memcpy(&bytes, text_.data() + at_, sizeof(bytes));
      if (!IsPlain(bytes)) break;
    }
    while (!AtEnd() && text_[at_] != '"' && text_[at_] != '\\' &&
           static_cast<unsigned char>(text_[at_]) >= 0x20) {
      ++at_;
    }
  }

  std::optional<std::uint32_t> TakeHex() {
    if (text_.size() - at_ < 4) return std::nullopt;
    std::uint32_t code = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[at_++];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return std::nullopt;
      code = code * 16 + static_cast<std::uint32_t>(digit);
    }
    return code;
  }

  bool TakeEscape(std::string& out) {
    if (AtEnd()) return false;
    static constexpr std::string_view kNames = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    const char c = text_[at_++];
    if (const std::size_t which = kNames.find(c); which != std::string_view::npos) {
      out += kMeanings[which];
      return true;
    }
    if (c != 'u') return false;
    auto code = TakeHex();
    if (!code) return false;
    if (*code >= 0xD800 && *code < 0xDC00) {  // the first half of a pair
      if (!Take('\\') || !Take('u')) return false;
      const auto second = TakeHex();
      if (!second || *second < 0xDC00 || *second > 0xDFFF) return false;
      code = 0x10000 + ((*code - 0xD800) << 10) + (*second - 0xDC00);
    } else if (*code >= 0xDC00 && *code < 0xE000) {
      return false;
    }
    AppendUtf8(*code, out);
    return true;
  }

  static void AppendUtf8(std::uint32_t code, std::string& out) {
    const auto more = [&](int shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xC0 | (code >> 6));
      more(0);
    } else if (code < 0x10000) {
      out += static_cast<char>(0xE0 | (code >> 12));
      more(6);
      more(0);
    } else {
      out += static_cast<char>(0xF0 | (code >> 18));
      more(12);
      more(6);
      more(0);
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

bool StringMembers::Read(std::string_view json) {
  size_ = 0;
  if (!IsUtf8(json)) return false;
  Cursor cursor(json);
  cursor.SkipSpace();
  if (!cursor.Take('{')) return false;
  cursor.SkipSpace();
  if (!cursor.Take('}')) {
    do {
      if (size_ == members_.size()) members_.emplace_back();
      StringMember& member = members_[size_];
      cursor.SkipSpace();
      if (!cursor.TakeString(member.key) || Find(member.key) != nullptr) return false;
      cursor.SkipSpace();
      if (!cursor.Take(':')) return false;
      cursor.SkipSpace();
      if (!cursor.TakeString(member.value)) return false;
      ++size_;
      cursor.SkipSpace();
    } while (cursor.Take(','));
    if (!cursor.Take('}')) return false;
  }
  cursor.SkipSpace();
  return cursor.AtEnd();
}

std::string* StringMembers::Find(std::string_view key) {
  for (std::size_t i = 0; i < size_; ++i) {
    if (members_[i].key == key) return &members_[i].value;
  }
  return nullptr;
}

}  // namespace lorikeet::text
