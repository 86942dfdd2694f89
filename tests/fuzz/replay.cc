// Runs a target over files, those of the committed corpus above all, without libFuzzer: so that every preset
// does. usage: fuzz_TARGET FILE|FOLDER…
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "common/files.h"
#include "tests/fuzz/fuzz.h"

namespace {

std::vector<std::string> FilesOf(const std::string& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  int inputs = 0;
  for (int i = 1; i < argc; ++i) {
    for (const std::string& file : FilesOf(argv[i])) {
      const auto bytes = lorikeet::ReadFile(file);
      lorikeet::fuzz::RequireOk(bytes.status(), file);
      std::fprintf(stderr, "%s\n", file.c_str());  // the last one is it
      lorikeet::fuzz::TryInput(*bytes);
      ++inputs;
    }
  }
  std::printf("%d inputs\n", inputs);
  return inputs > 0 ? 0 : 1;
}
