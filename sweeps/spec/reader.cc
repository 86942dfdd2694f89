#include "sweeps/spec/reader.h"

#include <algorithm>
#include <array>

#include "common/nearest.h"
#include "sweeps/spec/quantity.h"

namespace lorikeet::spec {
namespace {

constexpr std::size_t kShownCharacters = 60;

bool IsQuoted(const YAML::Node& node) { return node.Tag() == "!"; }

// The scalar's text; nothing (reported) where the value is no scalar. `right` ends the message.
std::optional<std::string> ReadScalar(const Value& value, std::string_view right) {
  if (!value.node.IsScalar()) {
    value.Refuse(right);
    return std::nullopt;
  }
  if (!CheckTag(value)) return std::nullopt;
  return value.node.Scalar();
}

// A scalar that must not be quoted: "8" is text, 8 a number.
std::optional<std::string> ReadPlain(const Value& value, const std::string& right) {
  std::optional<std::string> text = ReadScalar(value, right);
  if (text && IsQuoted(value.node)) {
    value.Refuse(right + ", without quotes");
    return std::nullopt;
  }
  return text;
}

}  // namespace

Position PositionOf(const YAML::Node& node, Position otherwise) {
  const YAML::Mark mark = node.Mark();
  return mark.is_null() || node.IsNull() ? otherwise : Position{mark.line + 1, mark.column + 1};
}

bool CheckTag(const Value& value) {
  const std::string tag = value.node.Tag();
  if (tag.empty() || tag == "?" || tag == "!") return true;
  value.mistakes->Add(
      value.at, fmt::format("{}: a YAML tag ({}) is not supported: the plain value without it", value.path,
                            ShowText(tag)));
  return false;
}

std::string Joined(std::span<const std::string> words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  }
  return text;
}

std::string ShowText(std::string_view text) {
  std::string shown;
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool starts_character = (byte & 0xC0U) != 0x80U;
    if (starts_character && characters++ == kShownCharacters) return shown + "…";
    if (byte < 0x20 || byte == 0x7F) {
      shown += byte == '\n' ? "\\n" : byte == '\t' ? "\\t" : fmt::format("\\x{:02x}", byte);
    } else {
      shown += text[i];
    }
  }
  return shown;
}

std::string Show(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Undefined:
    case YAML::NodeType::Null:
      return "empty";
    case YAML::NodeType::Scalar:
      return IsQuoted(node) ? "\"" + ShowText(node.Scalar()) + "\"" : ShowText(node.Scalar());
    case YAML::NodeType::Map:
      return "a mapping";
    case YAML::NodeType::Sequence:
      break;
  }
  if (node.size() == 0) return "[]";
  std::string list;
  for (const YAML::Node& element : node) {
    if (!element.IsScalar() || list.size() > kShownCharacters) return "a list";
    list += (list.empty() ? "[" : ", ") + Show(element);
  }
  return list + "]";
}

std::vector<Value> Value::Elements() const {
  std::vector<Value> elements;
  for (const YAML::Node& element : node)
    elements.push_back({element, path, PositionOf(element, at), mistakes});
  return elements;
}

void Value::Refuse(std::string_view right) const {
  mistakes->Add(at, fmt::format("{}: {}: {}", path.empty() ? "the file" : path, Show(node), right));
}

std::optional<std::int64_t> ReadInteger(const Value& value, std::int64_t low, std::int64_t high) {
  const std::string right = fmt::format("a whole number, at least {}", low);
  const std::optional<std::string> text = ReadPlain(value, right);
  if (!text) return std::nullopt;
  const Number<std::int64_t> number = ParseInteger(*text);
  if (!number.value && number.error != NumberError::kTooLarge) {
    value.Refuse(right);
    return std::nullopt;
  }
  // What no integer holds is past one end or the other.
  if (!number.value ? (*text)[0] == '-' : *number.value < low) {
    value.Refuse(fmt::format("at least {}", low));
    return std::nullopt;
  }
  if (!number.value || *number.value > high) {
    value.Refuse(fmt::format("at most {}", high));
    return std::nullopt;
  }
  return number.value;
}

std::optional<double> ReadNumber(const Value& value, const Range& range) {
  const std::string right = "a number " + range.words;
  const std::optional<std::string> text = ReadPlain(value, right);
  if (!text) return std::nullopt;
  const Number<double> number = ParseDecimal(*text);
  if (!number.value) {
    value.Refuse(number.error == NumberError::kNotFinite  ? "a finite number " + range.words
                 : number.error == NumberError::kTooLarge ? right + " that a double can hold"
                                                          : right);
    return std::nullopt;
  }
  const double x = *number.value;
  if (x < range.low || (x == range.low && !range.low_allowed) || x > range.high ||
      (x == range.high && !range.high_allowed)) {
    value.Refuse(range.words);
    return std::nullopt;
  }
  return x;
}

std::optional<bool> ReadBool(const Value& value) {
  const std::string right = "true or false";
  const std::optional<std::string> text = ReadPlain(value, right);
  if (!text) return std::nullopt;
  if (*text == "true" || *text == "True" || *text == "TRUE") return true;
  if (*text == "false" || *text == "False" || *text == "FALSE") return false;
  value.Refuse(right);
  return std::nullopt;
}

std::optional<std::string> ReadText(const Value& value, std::string_view right, bool may_be_empty) {
  std::optional<std::string> text = ReadScalar(value, right);
  if (text && text->empty() && !may_be_empty) {
    value.Refuse(right);
    return std::nullopt;
  }
  return text;
}

std::optional<std::string> ReadChoice(const Value& value, std::span<const std::string> choices) {
  const std::string right = Joined(choices);
  std::optional<std::string> text = ReadScalar(value, right);
  if (!text || std::find(choices.begin(), choices.end(), *text) != choices.end()) return text;
  value.Refuse(right + DidYouMean(*text, choices));
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> ReadDuration(const Value& value, std::chrono::milliseconds low) {
  const std::string right = "a duration with its unit, such as 30s, 5m, 6h or 1h30m";
  const std::optional<std::string> text = ReadScalar(value, right);
  if (!text) return std::nullopt;
  const std::optional<std::chrono::milliseconds> duration = ParseDuration(*text);
  if (!duration) {
    // A bare number most likely meant seconds.
    const Number<std::int64_t> bare = ParseInteger(*text);
    value.Refuse(bare.value && *bare.value >= 0 ? right + fmt::format("; did you mean {}s?", *bare.value)
                                                : right);
  } else if (*duration < low) {
    value.Refuse(fmt::format("at least {}ms", low.count()));
    return std::nullopt;
  }
  return duration;
}

std::optional<std::int64_t> ReadBytes(const Value& value) {
  const std::string right = "a size with its unit, such as 10GiB or 500MB";
  const std::optional<std::string> text = ReadScalar(value, right);
  if (!text) return std::nullopt;
  const std::optional<std::int64_t> bytes = ParseBytes(*text);
  if (!bytes) {
    static const std::array<std::string, 9> kUnits = {"GiB", "MiB", "TiB", "KiB", "GB",
                                                      "MB",  "TB",  "KB",  "B"};
    const std::size_t unit = text->find_first_not_of("0123456789. ");
    const std::string number = text->substr(0, unit);
    const bool numbered = ParseDecimal(number).value.has_value();
    std::optional<std::string> meant;
    if (numbered && unit != std::string::npos) meant = Nearest(text->substr(unit), kUnits);
    value.Refuse(meant ? right + fmt::format("; did you mean '{}{}'?", number, *meant) : right);
  } else if (*bytes < 1) {
    value.Refuse("at least 1B");
    return std::nullopt;
  }
  return bytes;
}

std::optional<std::int64_t> ReadInteger(const Value& value, const Type& whole) {
  return ReadInteger(value, whole.low, whole.high);
}
std::optional<double> ReadNumber(const Value& value, const Type& number) {
  return ReadNumber(value, number.range);
}
std::optional<std::string> ReadChoice(const Value& value, const Type& choice) {
  return ReadChoice(value, choice.choices);
}
std::optional<std::chrono::milliseconds> ReadDuration(const Value& value, const Type& duration) {
  return ReadDuration(value, duration.shortest);
}

}  // namespace lorikeet::spec
