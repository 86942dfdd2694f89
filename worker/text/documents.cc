#include "worker/text/documents.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "common/json.h"
#include "common/nearest.h"
#include "worker/text/string_members.h"

namespace lorikeet::text {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kSpace = " \t\r\n\f\v";

std::string_view Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// `role`: source or target, where the key may have another name; empty: it may not.
Status Missing(const Json& object, const std::string& key, std::string_view role = {}) {
  std::vector<std::string> keys;
  for (const auto& [name, value] : object.items()) keys.push_back(name);
  const std::string near = DidYouMean(key, keys);
  if (keys.size() > 12) keys.resize(12);
  const std::string another =
      role.empty() ? "" : fmt::format(" (data.fields.{}, or --{}-field, names another)", role, role);
  return InvalidArgument("no key '{}'{}; the object has {}{}", key, another,
                         keys.empty() ? "none" : fmt::format("{}", fmt::join(keys, ", ")), near);
}

StatusOr<std::string> TakeText(Json& object, const std::string& key, bool needed, std::string_view role) {
  const auto found = object.find(key);
  if (found == object.end()) {
    if (!needed) return std::string();
    return Missing(object, key, role);
  }
  if (!found->is_string()) {
    return InvalidArgument("'{}' is {}, must be a string{}", key, JsonKind(*found),
                           found->is_array() ? "; lists of sentences are read with format: cohan" : "");
  }
  return std::move(found->get_ref<std::string&>());
}

// The id of the object, a string or a whole number; the line number where it has none.
StatusOr<std::string> TakeId(const Json& object, const std::string& key, std::int64_t line) {
  const auto found = object.find(key);
  if (found == object.end()) return std::to_string(line);
  if (found->is_number_integer()) return found->dump();
  if (!found->is_string()) return InvalidArgument("'{}' is {}, must be a string", key, JsonKind(*found));
  if (found->get_ref<const std::string&>().empty()) return InvalidArgument("'{}' is empty", key);
  return found->get<std::string>();
}

// Without "<S>" before and "</S>" behind.
std::string_view Untag(std::string_view sentence) {
  sentence = Trim(sentence);
  if (sentence.starts_with("<S>")) sentence = Trim(sentence.substr(3));
  if (sentence.ends_with("</S>")) sentence = Trim(sentence.substr(0, sentence.size() - 4));
  return sentence;
}

StatusOr<std::string> TakeSentences(const Json& object, const std::string& key, char between, bool needed) {
  const auto found = object.find(key);
  if (found == object.end()) {
    if (!needed) return std::string();
    return Missing(object, key);
  }
  if (!found->is_array()) {
    return InvalidArgument("'{}' is {}, must be a list of sentences", key, JsonKind(*found));
  }
  std::string text;
  for (const Json& item : *found) {
    if (!item.is_string()) {
      return InvalidArgument("'{}' holds {}, must be a list of sentences", key, JsonKind(item));
    }
    const std::string_view sentence = Untag(item.get_ref<const std::string&>());
    if (sentence.empty()) continue;
    if (!text.empty()) text += between;
    text += sentence;
  }
  return text;
}

class Reader {
 public:
  explicit Reader(const ReadOptions& options) : options_(options), format_(options.format) {}

  bool enough() const { return options_.limit && read_ >= *options_.limit; }
  std::int64_t read() const { return read_; }
  Documents& documents() { return documents_; }

  Status Add(std::int64_t line, const std::string& text) {
    if (Trim(text).empty()) return absl::OkStatus();
    if (std::optional<Document> document = FromStrings(line, text)) return Keep(*std::move(document), line);
    if (!IsUtf8(text)) return InvalidArgument("is not valid UTF-8");
    ASSIGN_OR_RETURN(Json object, ParseJson(text));
    if (!object.is_object()) return InvalidArgument("is {}, must be an object", JsonKind(object));
    if (format_ == "auto") format_ = LooksLikeCohan(object) ? "cohan" : "jsonl";
    ASSIGN_OR_RETURN(Document document,
                     format_ == "cohan" ? FromCohan(object, line) : FromJsonl(object, line));
    return Keep(std::move(document), line);
  }

 private:
  Status Keep(Document document, std::int64_t line) {
    ++read_;
    const auto [first, fresh] = lines_.try_emplace(document.id, line);
    if (!fresh) return InvalidArgument("id '{}' stands in line {} already", document.id, first->second);
    if (Trim(document.source).empty() || (options_.target_needed && Trim(document.target).empty())) {
      ++documents_.empty;
    } else {
      documents_.documents.push_back(std::move(document));
    }
    return absl::OkStatus();
  }

  // What most lines are: strings alone, and those that are needed among them. Nothing else is decided here.
  std::optional<Document> FromStrings(std::int64_t line, const std::string& text) {
    if (format_ == "cohan" || !strings_.Read(text)) return std::nullopt;
    std::string* const id = strings_.Find(options_.id_field);
    std::string* const source = strings_.Find(options_.source_field);
    std::string* const target = strings_.Find(options_.target_field);
    const bool twice = source == target || id == source || (id != nullptr && id == target);
    if (twice || source == nullptr || (target == nullptr && options_.target_needed) ||
        (id != nullptr && id->empty())) {
      return std::nullopt;
    }
    format_ = "jsonl";
    Document document;
    document.id = id != nullptr ? std::move(*id) : std::to_string(line);
    document.source = std::move(*source);
    if (target != nullptr) document.target = std::move(*target);
    return document;
  }

  bool LooksLikeCohan(const Json& object) const {
    const auto found = object.find("article_text");
    return found != object.end() && found->is_array() && !object.contains(options_.source_field);
  }
  StatusOr<Document> FromJsonl(Json& object, std::int64_t line) const {
    Document document;
    ASSIGN_OR_RETURN(document.id, TakeId(object, options_.id_field, line));
    ASSIGN_OR_RETURN(document.source, TakeText(object, options_.source_field, true, "source"));
    ASSIGN_OR_RETURN(document.target,
                     TakeText(object, options_.target_field, options_.target_needed, "target"));
    return document;
  }
  StatusOr<Document> FromCohan(const Json& object, std::int64_t line) const {
    Document document;
    ASSIGN_OR_RETURN(document.id, TakeId(object, "article_id", line));
    ASSIGN_OR_RETURN(document.source, TakeSentences(object, "article_text", ' ', true));
    ASSIGN_OR_RETURN(document.target, TakeSentences(object, "abstract_text", '\n', options_.target_needed));
    return document;
  }

  const ReadOptions& options_;
  std::string format_;  // auto until the first object has been seen
  std::int64_t read_ = 0;
  StringMembers strings_;
  std::unordered_map<std::string, std::int64_t> lines_;  // id -> where it was first
  Documents documents_;
};

}  // namespace

StatusOr<Documents> ReadDocuments(const std::string& path, const ReadOptions& options) {
  if (options.format != "auto" && options.format != "jsonl" && options.format != "cohan") {
    return InvalidArgument("format '{}': auto, jsonl or cohan", options.format);
  }
  Reader reader(options);
  const Status status = ForEachLine(path, [&](std::int64_t line, const std::string& text) -> Status {
    // Leaves the loop; not an error, which the check below knows.
    if (reader.enough()) return absl::CancelledError("enough");
    return reader.Add(line, text);
  });
  if (!status.ok() && !(absl::IsCancelled(status) && reader.enough())) return status;
  if (reader.documents().documents.empty()) {
    return InvalidArgument("{}: {}", path,
                           reader.read() == 0
                               ? "holds no documents"
                               : fmt::format("each of its {} documents lacks text", reader.read()));
  }
  return std::move(reader.documents());
}

}  // namespace lorikeet::text
