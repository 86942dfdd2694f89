// A data file, plain or compressed: whatever it is read as, what is accepted keeps the limits, comes back
// when it is written, and is the same out of gzip and zstd.
#include "worker/text/documents.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "common/json.h"
#include "tests/fuzz/fuzz.h"
#include "worker/text/string_members.h"

namespace lorikeet::fuzz {
namespace {

using text::Documents;
using text::ReadOptions;

constexpr std::int64_t kLimit = 3;

StatusOr<Documents> Read(std::string_view bytes, const ReadOptions& options) {
  const MemoryFile file(bytes);
  StatusOr<Documents> documents = text::ReadDocuments(file.path(), options);
  if (!documents.ok()) RequireRefusal(documents.status(), file.path() + ":");
  return documents;
}

bool Same(const text::Document& a, const text::Document& b) {
  return a.id == b.id && a.source == b.source && a.target == b.target;
}
bool Same(const Documents& a, const Documents& b) {
  return a.empty == b.empty && a.documents.size() == b.documents.size() &&
         std::equal(a.documents.begin(), a.documents.end(), b.documents.begin(),
                    [](const auto& one, const auto& other) { return Same(one, other); });
}

void CheckDocuments(const Documents& read, const ReadOptions& options) {
  Require(!read.documents.empty() && read.empty >= 0, "a file that is accepted holds documents");
  const auto count = static_cast<std::int64_t>(read.documents.size()) + read.empty;
  Require(!options.limit || count <= *options.limit, "no more documents than were asked for");
  std::set<std::string> ids;
  std::string jsonl;
  for (const text::Document& document : read.documents) {
    Require(!document.id.empty() && ids.insert(document.id).second, "documents have ids of their own");
    Require(!document.source.empty() && !(options.target_needed && document.target.empty()),
            "a document has its texts");
    Require(IsUtf8(document.source) && IsUtf8(document.target) && IsUtf8(document.id), "texts are UTF-8");
    jsonl += nlohmann::json{{"id", document.id}, {"article", document.source}, {"abstract", document.target}}
                 .dump() +
             "\n";
  }
  const auto again = Read(jsonl, {.format = "jsonl", .limit = {}, .target_needed = options.target_needed});
  RequireOk(again.status(), "documents are read as they were written");
  Require(Same({read.documents, 0}, *again), "documents are the same when they are read again");
}

// The quick reader of objects of strings and the whole parser must agree on what they both read.
void CheckStrings(std::string_view line) {
  if (line.starts_with("\xEF\xBB\xBF")) return;  // the parser passes over it, and files' first lines lose it
  text::StringMembers strings;
  const bool quick = strings.Read(line);
  const StatusOr<nlohmann::json> whole = ParseJson(line);
  const bool of_strings =
      whole.ok() && whole->is_object() &&
      std::all_of(whole->begin(), whole->end(), [](const auto& value) { return value.is_string(); });
  Require(quick == of_strings, "the quick reader takes objects of strings, and no others");
  if (!quick) return;
  Require(strings.size() == whole->size(), "the quick reader takes every member");
  for (const auto& [key, value] : whole->items()) {
    const std::string* const found = strings.Find(key);
    Require(found != nullptr && *found == value.get_ref<const std::string&>(),
            "the quick reader reads what the parser reads");
  }
}

std::string Gzip(std::string_view plain) {
  z_stream stream{};
  Require(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK,
          "zlib starts");
  std::string packed(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  Require(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib packs");
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string Zstd(std::string_view plain) {
  std::string packed(ZSTD_compressBound(plain.size()), '\0');
  const std::size_t size = ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 1);
  Require(ZSTD_isError(size) == 0, "zstd packs");
  packed.resize(size);
  return packed;
}

void CheckPacked(std::string_view input, const ReadOptions& options, const StatusOr<Documents>& plain) {
  for (const std::string& packed : {Gzip(input), Zstd(input)}) {
    const StatusOr<Documents> unpacked = Read(packed, options);
    Require(unpacked.ok() == plain.ok() && (!plain.ok() || Same(*plain, *unpacked)),
            "a packed file is what it was");
  }
}

// A few bytes may unpack to so much that reading it says only that the machine is slow. One line, however
// long, is none of that: it has a limit of its own.
bool IsSmall(std::string_view input) {
  constexpr std::size_t kMostLines = 5000, kMostBytes = 1 << 20;
  std::size_t lines = 0, bytes = 0;
  const MemoryFile file(input);
  const Status read = text::ForEachLine(file.path(), [&](std::int64_t, const std::string& line) -> Status {
    bytes += line.size();
    return ++lines > kMostLines || bytes > kMostBytes ? absl::CancelledError("enough") : absl::OkStatus();
  });
  return !absl::IsCancelled(read);
}

bool IsPacked(std::string_view input) {
  return input.starts_with("\x1f\x8b") || input.starts_with("\x28\xB5\x2F\xFD") ||
         (input.size() >= 4 && input.substr(1, 3) == "\x2A\x4D\x18");
}

}  // namespace

void TryInput(std::string_view input) {
  if (!IsSmall(input)) return;
  const std::vector<ReadOptions> ways = {{.limit = {}},
                                         {.format = "jsonl", .limit = {}, .target_needed = false},
                                         {.format = "cohan", .limit = kLimit}};
  for (const ReadOptions& options : ways) {
    const StatusOr<Documents> documents = Read(input, options);
    if (documents.ok()) CheckDocuments(*documents, options);
    if (!IsPacked(input)) CheckPacked(input, options, documents);
  }
  CheckStrings(input.substr(0, input.find('\n')));
}

}  // namespace lorikeet::fuzz
