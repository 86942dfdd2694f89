// check_files: a model or a data file that this machine does not have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/sweeps/spec/folder_fixture.h"

namespace lorikeet::spec {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Files : public SpecFolder {
 protected:
  void Remove(const std::string& path) { fs::remove(folder_ / path); }
  std::string Path(const std::string& path) { return (folder_ / path).string(); }
};

TEST_F(Files, AllThere) { EXPECT_THAT(Check(), IsEmpty()); }

TEST_F(Files, AreNotLookedForUnlessAsked) {
  fs::remove_all(folder_ / "models");
  EXPECT_TRUE(ParseSweep(GoodFile(), {.file = Path("s.yaml"), .environment = {}}).ok());
}

TEST_F(Files, NoModel) {
  fs::remove_all(folder_ / "models");
  EXPECT_THAT(Check(),
              ElementsAre(Path("s.yaml") + ":2:8: model: " + Path("models/t5") +
                          ": no such file or folder: a Hugging Face directory; get one with `hf download "
                          "google/flan-t5-small config.json model.safetensors spiece.model --local-dir " +
                          Path("models/t5") + "`"));
}

TEST_F(Files, AModelThatIsAFile) {
  fs::remove_all(folder_ / "models/t5");
  Write("models/t5", "x");
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("models/t5 is a file: the folder that holds config.json")));
}

TEST_F(Files, AnIncompleteModel) {
  Remove("models/t5/config.json");
  Remove("models/t5/model.safetensors");
  Remove("models/t5/spiece.model");
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("has no config.json"), HasSubstr("has no model.safetensors"),
                                   HasSubstr("has no spiece.model")));
  Write("models/t5/pytorch_model.bin", "x");
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("has no config.json"), HasSubstr("as pytorch_model.bin only"),
                                   HasSubstr("has no spiece.model")));
}

TEST_F(Files, AnotherModel) {
  Write("models/t5/config.json", R"({"model_type": "bart"})");
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("config.json is of a bart model: a T5")));
  Write("models/t5/config.json", "{");
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("config.json is not a JSON object")));
}

TEST_F(Files, AShardedModel) {
  Remove("models/t5/model.safetensors");
  Write("models/t5/model.safetensors.index.json",
        R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}})");
  Write("models/t5/1.safetensors", "x");
  EXPECT_THAT(Check(),
              ElementsAre(HasSubstr("has no 2.safetensors, which model.safetensors.index.json names")));
  Write("models/t5/2.safetensors", "x");
  EXPECT_THAT(Check(), IsEmpty());
  Write("models/t5/model.safetensors.index.json", R"({"weight_map": 3})");
  EXPECT_THAT(Check(), ElementsAre(HasSubstr("has no weight_map")));
}

TEST_F(Files, DataFiles) {
  Remove("data/train.jsonl.gz");
  Write("data/validation.jsonl.gz", "");
  Remove("data/test.jsonl.gz");
  fs::create_directory(folder_ / "data/test.jsonl.gz");
  EXPECT_THAT(Check(),
              ElementsAre(HasSubstr(":5:10: data.train: " + Path("data/train.jsonl.gz") + ": no such file"),
                          HasSubstr("data/validation.jsonl.gz is empty: one document a line"),
                          HasSubstr("data/test.jsonl.gz is a folder: one file of documents")));
}

}  // namespace
}  // namespace lorikeet::spec
