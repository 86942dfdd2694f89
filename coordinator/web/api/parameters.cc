#include "coordinator/web/api/parameters.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "common/json.h"

namespace lorikeet::web {
namespace {

constexpr std::size_t kMostIdBytes = 64;
constexpr std::size_t kMostShown = 40;  // of what was given

std::string Shown(const std::string& text) {
  std::string shown;
  for (const char c : text.substr(0, kMostShown)) shown += c >= ' ' && c <= '~' ? c : '?';
  return text.size() > kMostShown ? shown + "..." : shown;
}

}  // namespace

bool IsId(const std::string& text) {
  return !text.empty() && text.size() <= kMostIdBytes && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

const std::string* Parameters::Find(const std::string& name) {
  known_.insert(name);
  const auto [begin, end] = given_.equal_range(name);
  if (begin == end) return nullptr;
  if (std::next(begin) != end) Refuse(name + ": is given twice");
  return &begin->second;
}

void Parameters::Refuse(std::string why) {
  if (mistake_.empty()) mistake_ = std::move(why);
}

std::int64_t Parameters::Number(const std::string& name, std::int64_t without, std::int64_t least,
                                std::int64_t most) {
  const std::string* const text = Find(name);
  if (text == nullptr) return without;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error == std::errc() && end == text->data() + text->size() && number >= least && number <= most)
    return number;
  Refuse(fmt::format("{}: '{}' is no whole number from {} to {}", name, Shown(*text), least, most));
  return without;
}

std::string Parameters::Choice(const std::string& name, const std::vector<std::string>& choices) {
  const std::string* const text = Find(name);
  if (text == nullptr) return choices.front();
  if (std::find(choices.begin(), choices.end(), *text) != choices.end()) return *text;
  Refuse(fmt::format("{}: '{}' is none of {}", name, Shown(*text), fmt::join(choices, ", ")));
  return choices.front();
}

std::string Parameters::Text(const std::string& name, std::size_t most_bytes) {
  const std::string* const text = Find(name);
  if (text == nullptr) return "";
  if (text->size() > most_bytes) {
    Refuse(fmt::format("{}: has {} bytes; {} are allowed", name, text->size(), most_bytes));
    return "";
  }
  if (!IsUtf8(*text)) {
    Refuse(name + ": is not UTF-8");
    return "";
  }
  return *text;
}

bool Parameters::Flag(const std::string& name) { return Choice(name, {"0", "1"}) == "1"; }

std::vector<std::string> Parameters::Ids(const std::string& name, std::size_t most) {
  const std::string* const text = Find(name);
  std::vector<std::string> ids;
  if (text == nullptr || text->empty()) return ids;
  for (std::size_t begin = 0; begin <= text->size();) {
    const std::size_t end = std::min(text->find(',', begin), text->size());
    ids.push_back(text->substr(begin, end - begin));
    if (!IsId(ids.back())) {
      Refuse(fmt::format("{}: '{}' is no id", name, Shown(ids.back())));
      return {};
    }
    if (ids.size() > most) {
      Refuse(fmt::format("{}: has more than {} ids", name, most));
      return {};
    }
    begin = end + 1;
  }
  return ids;
}

std::vector<std::int64_t> Parameters::Numbers(const std::string& name, std::size_t most) {
  std::vector<std::int64_t> numbers;
  for (const std::string& text : Ids(name, most)) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 0) {
      Refuse(fmt::format("{}: '{}' is no number", name, Shown(text)));
      return {};
    }
    numbers.push_back(number);
  }
  return numbers;
}

Status Parameters::Mistake() const {
  if (!mistake_.empty()) return InvalidArgument("{}", mistake_);
  for (const auto& [name, value] : given_) {
    if (!known_.contains(name)) {
      return InvalidArgument("{}: is not known here; there are: {}", Shown(name), fmt::join(known_, ", "));
    }
  }
  return absl::OkStatus();
}

}  // namespace lorikeet::web
