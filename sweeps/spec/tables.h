// The tables of docs/sweep-file.md, printed from the declarations of the keys.
//
// Pure; thread-safe.
#pragma once

#include <string>
#include <vector>

namespace lorikeet::spec {

struct KeyTable {
  std::string id;    // "data": stands in the page as <!-- keys:data -->, and its end as <!-- /keys:data -->
  std::string text;  // Markdown, a line a row
};

std::vector<KeyTable> KeyTables();
// All of them, each between its marks.
std::string KeyTablesAsMarkdown();

}  // namespace lorikeet::spec
