// A folder with everything that the good sweep file names, to take things away from.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/sweeps/spec/fixture.h"

namespace lorikeet::spec {

class SpecFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "lorikeet-spec-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::filesystem::create_directories(folder_ / "models/t5");
    std::filesystem::create_directories(folder_ / "data");
    Write("models/t5/config.json", R"({"model_type": "t5"})");
    Write("models/t5/model.safetensors", "x");
    Write("models/t5/spiece.model", "x");
    for (const char* split : {"train", "validation", "test"})
      Write(fmt::format("data/{}.jsonl.gz", split), "x");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& path, const std::string& text) { std::ofstream(folder_ / path) << text; }
  // The mistakes of `yaml`, GoodFile() or what was made of it, with its files looked for.
  std::vector<std::string> Check(const std::string& yaml = GoodFile()) {
    ParseOptions options;
    options.file = (folder_ / "s.yaml").string();
    options.check_files = true;
    return LinesOf(ParseSweep(Replaced(yaml, "/data/test.jsonl.gz", "data/test.jsonl.gz"), options));
  }

  std::filesystem::path folder_;
};

}  // namespace lorikeet::spec
