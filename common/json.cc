#include "common/json.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace lorikeet {
namespace {

constexpr int kDeepest = 64;

// What the callback throws: nlohmann's parser has no other way to be stopped with a reason.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// nlohmann's "[json.exception.parse_error.101] parse error at line 1, column 5: …; last read: '…'" without
// the library's name, and without the last token where that is long (it may be a whole article) or not fit to
// print.
std::string Plain(std::string what) {
  const auto bracket = what.find("] ");
  if (what.starts_with("[json.exception") && bracket != std::string::npos) what.erase(0, bracket + 2);
  constexpr std::size_t kLongestToken = 80;
  const auto token = what.find("; last read: ");
  if (token != std::string::npos && (what.size() - token > kLongestToken || !IsUtf8(what)))
    what.resize(token);
  return what;
}

}  // namespace

StatusOr<nlohmann::json> ParseJson(std::string_view text) {
  using Event = nlohmann::json::parse_event_t;
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto watch = [&keys](int depth, Event event, nlohmann::json& parsed) {
    if (depth > kDeepest) throw Refused(fmt::format("nested deeper than {}", kDeepest));
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(parsed.get<std::string>()).second) {
      throw Refused(fmt::format("key '{}' stands twice", parsed.get<std::string>()));
    }
    return true;
  };
  // It would end there for nlohmann, whatever follows.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return InvalidArgument("broken JSON: a NUL byte at place {} of {}", nul + 1, text.size());
  }
  try {
    return nlohmann::json::parse(text.begin(), text.end(), watch);
  } catch (const Refused& error) {
    return InvalidArgument("{}", error.what());
  } catch (const nlohmann::json::exception& error) {
    return InvalidArgument("broken JSON: {}", Plain(error.what()));
  }
}

std::string JsonKind(const nlohmann::json& value) {
  switch (value.type()) {
    case nlohmann::json::value_t::null:
      return "null";
    case nlohmann::json::value_t::object:
      return "an object";
    case nlohmann::json::value_t::array:
      return "a list";
    case nlohmann::json::value_t::string:
      return "a string";
    case nlohmann::json::value_t::boolean:
      return "true or false";
    case nlohmann::json::value_t::number_integer:
    case nlohmann::json::value_t::number_unsigned:
      return "a whole number";
    case nlohmann::json::value_t::number_float:
      return "a number";
    default:
      return "something else";
  }
}

std::string_view Utf8Prefix(std::string_view text, std::size_t most_bytes) {
  if (text.size() <= most_bytes) return text;
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
  };
  while (most_bytes > 0 && continues(most_bytes)) --most_bytes;
  return text.substr(0, most_bytes);
}

bool IsUtf8(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    std::uint64_t eight = 0;  // most text is ASCII
    if (text.size() - i >= sizeof(eight)) {
      std::memcpy(&eight, text.data() + i, sizeof(eight));
      if ((eight & 0x8080808080808080u) == 0) {
        i += sizeof(eight);
        continue;
      }
    }
    const unsigned lead = at(i);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t more = lead >= 0xC2 && lead <= 0xDF   ? 1
                             : lead >= 0xE0 && lead <= 0xEF ? 2
                             : lead >= 0xF0 && lead <= 0xF4 ? 3
                                                            : 0;
    if (more == 0 || text.size() - i <= more) return false;
    // The first continuation byte's range keeps out overlong forms, surrogates and what is past U+10FFFF.
    const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (at(i + 1) < low || at(i + 1) > high) return false;
    for (std::size_t k = 2; k <= more; ++k) {
      if (at(i + k) < 0x80 || at(i + k) > 0xBF) return false;
    }
    i += more + 1;
  }
  return true;
}

}  // namespace lorikeet
