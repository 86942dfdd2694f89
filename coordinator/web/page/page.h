// The page's files, built into the program: HTML, style, scripts, and the chart library.
//
// Their names carry a hash of all of them (/assets/HASH/main.js), so that a browser may keep them for ever
// and never mixes those of two builds. Thread-safe: constant once made.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lorikeet::web {

// As embed_page.cmake leaves it.
struct EmbeddedFile {
  std::string_view name, type, bytes;
};
const std::vector<EmbeddedFile>& EmbeddedFiles();
std::string_view EmbeddedHash();

// As gzip packs it; empty where that fails.
std::string Gzip(std::string_view bytes, int level);

class Page {
 public:
  // Packs the files.
  Page();

  struct File {
    std::string_view type, bytes;
    std::string gzip;
  };
  // Null where there is none of that name. index.html is the page itself.
  const File* Find(const std::string& name) const;
  // What stands between /assets/ and a file's name.
  std::string_view hash() const { return EmbeddedHash(); }

 private:
  std::map<std::string, File> files_;
};

}  // namespace lorikeet::web
