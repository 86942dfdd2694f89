#include "worker/text/tokenizer_words.h"

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "worker/text/protobuf_fields.h"

namespace lorikeet::text {
namespace {

constexpr std::string_view kSpaceMark = "\u2581";

// The numbers of sentencepiece_model.proto.
constexpr std::uint64_t kPieces = 1, kTrainerSpec = 2, kNormalizerSpec = 3;
constexpr std::uint64_t kPieceText = 1, kPieceType = 3;
constexpr std::uint64_t kNormal = 1, kUserDefined = 4, kUnused = 5;
constexpr std::uint64_t kModelType = 3, kUnigram = 1, kWhitespaceAsSuffix = 24;
constexpr std::uint64_t kCharsmap = 2, kDummyPrefix = 3, kRemoveExtraSpaces = 4, kEscapeSpaces = 5;

// The normaliser's rules: a double-array trie (darts-clone's) of what is replaced, then the replacements,
// each ended by a NUL. Source: sentencepiece's normalizer.cc and darts.h for the layout.
class Rules {
 public:
  // False where the bytes are no such thing.
  bool Parse(std::string_view charsmap) {
    if (charsmap.empty()) return true;
    std::uint32_t trie_bytes = 0;
    if (charsmap.size() < sizeof(trie_bytes)) return false;
    std::memcpy(&trie_bytes, charsmap.data(), sizeof(trie_bytes));
    charsmap.remove_prefix(sizeof(trie_bytes));
    if (trie_bytes > charsmap.size() || trie_bytes % sizeof(std::uint32_t) != 0) return false;
    units_.resize(trie_bytes / sizeof(std::uint32_t));
    if (!units_.empty()) std::memcpy(units_.data(), charsmap.data(), trie_bytes);
    replacements_ = charsmap.substr(trie_bytes);
    return true;
  }
  std::string_view replacements() const { return replacements_; }

  // Whether a rule replaces a space by something else, or together with other characters. A unit's children
  // stand where its base, its place ^ its offset, ^ their label says; so a unit's label tells of which base
  // it would be the child, and the trie is walked without trying 256 labels a node.
  bool TouchSpaces() const {
    const auto size = static_cast<std::uint32_t>(units_.size());
    if (size == 0) return false;
    std::vector<std::uint32_t> first_child(size + 256, kNone), next_sibling(size, kNone);
    for (std::uint32_t unit = 1; unit < size; ++unit) {
      const std::uint32_t label = LabelOf(units_[unit]);
      if (label == 0 || label > 0xFF) continue;  // a leaf
      std::uint32_t& first = first_child[unit ^ label];
      next_sibling[unit] = std::exchange(first, unit);
    }
    std::vector<std::uint32_t> open = {0};
    std::vector<bool> seen(size, false);  // a broken trie may go in circles
    while (!open.empty()) {
      const std::uint32_t node = open.back(), base = node ^ OffsetOf(units_[node]);
      open.pop_back();
      const bool is_space = node != 0 && LabelOf(units_[node]) == ' ';
      if (is_space && (units_[node] & kHasLeaf) != 0 && ReplacementAt(base) != " ") return true;
      for (std::uint32_t child = base < size + 256 ? first_child[base] : kNone; child != kNone;
           child = next_sibling[child]) {
        if (is_space || (LabelOf(units_[child]) == ' ' && node != 0)) return true;
        if (!seen[child]) open.push_back(child);
        seen[child] = true;
      }
    }
    return false;
  }

 private:
  static std::uint32_t OffsetOf(std::uint32_t unit) { return (unit >> 10) << ((unit & (1U << 9)) >> 6); }
  static std::uint32_t LabelOf(std::uint32_t unit) { return unit & ((1U << 31) | 0xFF); }

  // What is told by the leaf at `unit`.
  std::string_view ReplacementAt(std::uint32_t unit) const {
    const std::size_t at = unit < units_.size() ? units_[unit] & ~(1U << 31) : replacements_.size();
    if (at >= replacements_.size()) return "";
    return replacements_.substr(at, replacements_.find('\0', at) - at);
  }
  static constexpr std::uint32_t kHasLeaf = 1U << 8, kNone = ~std::uint32_t{0};

  std::vector<std::uint32_t> units_;
  std::string_view replacements_;
};

struct Seen {
  bool space_mark = false, spanning = false, user_defined = false;
};

void LookAtPiece(std::string_view message, Seen& seen) {
  std::string_view text;
  std::uint64_t type = kNormal;
  ProtobufField field;
  for (ProtobufFields fields(message); fields.Next(field);) {
    if (field.number == kPieceText) text = field.bytes;
    if (field.number == kPieceType) type = field.value;
  }
  seen.user_defined |= type == kUserDefined;
  if (type != kNormal && type != kUnused) return;
  seen.space_mark |= type == kNormal && text == kSpaceMark;
  seen.spanning |= !text.empty() && text.find(kSpaceMark, 1) != std::string_view::npos;
}

// The value of a message's number field, or what it is by default.
std::uint64_t ValueOf(std::string_view message, std::uint64_t number, std::uint64_t value) {
  ProtobufField field;
  for (ProtobufFields fields(message); fields.Next(field);) {
    if (field.number == number) value = field.value;
  }
  return value;
}

std::string WhyNotNormalized(std::string_view spec) {
  if (ValueOf(spec, kDummyPrefix, 1) == 0) return "it puts no space before a text";
  if (ValueOf(spec, kRemoveExtraSpaces, 1) == 0) return "it keeps all spaces";
  if (ValueOf(spec, kEscapeSpaces, 1) == 0) return "it does not mark spaces";
  std::string_view charsmap;
  ProtobufField field;
  for (ProtobufFields fields(spec); fields.Next(field);) {
    if (field.number == kCharsmap) charsmap = field.bytes;
  }
  Rules rules;
  if (!rules.Parse(charsmap)) return "its rules of normalisation are of an unknown kind";
  if (rules.replacements().find("  ") != std::string_view::npos) return "a rule gives several spaces";
  if (rules.replacements().find(kSpaceMark) != std::string_view::npos)
    return "a rule gives the mark of a space";
  return rules.TouchSpaces() ? "a rule replaces spaces" : "";
}

}  // namespace

std::string WhyNotByWords(std::string_view model) {
  Seen seen;
  std::string_view trainer, normalizer;
  ProtobufField field;
  for (ProtobufFields fields(model); fields.Next(field);) {
    if (field.number == kPieces) LookAtPiece(field.bytes, seen);
    if (field.number == kTrainerSpec) trainer = field.bytes;
    if (field.number == kNormalizerSpec) normalizer = field.bytes;
  }
  if (ValueOf(trainer, kModelType, kUnigram) != kUnigram) return "it is no unigram model";
  if (ValueOf(trainer, kWhitespaceAsSuffix, 0) != 0) return "it marks spaces behind words";
  if (seen.user_defined) return "it has user-defined symbols";
  if (seen.spanning) return "a piece spans words";
  if (!seen.space_mark) return "the mark of a space is no piece";
  return WhyNotNormalized(normalizer);
}

}  // namespace lorikeet::text
