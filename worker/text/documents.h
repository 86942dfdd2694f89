// Reading article/abstract pairs: JSONL (plain, .gz, .zst) and the PubMed files of Cohan et al. (2018).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"

namespace lorikeet::text {

struct Document {
  std::string id;
  std::string source;  // article
  std::string target;  // abstract
};

struct ReadOptions {
  std::string format = "auto";  // auto (looks at the first line), jsonl, cohan
  std::string source_field = "article", target_field = "abstract", id_field = "id";
  std::optional<std::int64_t> limit;  // the first N lines' documents, empty ones included in the count
  bool target_needed = true;          // false for `generate`, whose input may have no abstract
};

struct Documents {
  std::vector<Document> documents;  // in file order; none with an empty source or target
  std::int64_t empty = 0;           // left out for an empty source or (if needed) target, counted
};

// Refuses with "file:line: what": broken JSON, a missing or mistyped field, invalid UTF-8, a duplicate id, a
// broken compressed stream, a file without documents. Without an id field in the object the id is the line
// number ("1"). cohan: article_text and abstract_text lists of sentences (<S> … </S> stripped from
// abstracts), article_id; sentences joined by a newline in the abstract and a space in the article.
StatusOr<Documents> ReadDocuments(const std::string& path, const ReadOptions& options);

// Calls a function for each line of a plain, gzip or zstd file (by content, not by name).
// The callback's error ends the reading and is returned with "file:line: " before it.
Status ForEachLine(const std::string& path,
                   const std::function<Status(std::int64_t line, std::string& text)>& visit);

}  // namespace lorikeet::text
