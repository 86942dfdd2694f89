// Every file of sweeps/examples is a sweep that this version reads, on a machine that has none of the files
// it names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "common/files.h"
#include "sweeps/spec/schema.h"
#include "sweeps/spec/spec.h"
#include "sweeps/spec/tables.h"
#include "tests/paths.h"

namespace lorikeet::spec {
namespace {

namespace fs = std::filesystem;
const fs::path kFolder = fs::path(kSourceDir) / "sweeps/examples";

StatusOr<Sweep> Example(const std::string& name, const std::map<std::string, std::string>& variables = {}) {
  const std::string file = (kFolder / name).string();
  ASSIGN_OR_RETURN(const std::string yaml, ReadFile(file));
  ParseOptions options;
  options.file = file;
  options.environment = [&](const std::string& variable) -> std::optional<std::string> {
    const auto found = variables.find(variable);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  return ParseSweep(yaml, options);
}

std::vector<std::string> Axis(const Sweep& sweep, const std::string& arm, const std::string& axis) {
  std::vector<std::string> values;
  for (const Configuration& configuration : sweep.configurations) {
    for (const AxisValue& value : configuration.axes) {
      if (configuration.arm == arm && value.axis == axis) values.push_back(value.value);
    }
  }
  return values;
}

TEST(Examples, AllParse) {
  int files = 0;
  std::set<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    const StatusOr<Sweep> sweep = Example(entry.path().filename().string());
    ASSERT_TRUE(sweep.ok()) << sweep.status();
    EXPECT_TRUE(names.insert(sweep->name).second) << sweep->name << ": two examples of one name";
    for (const PlannedTrial& trial : ExpandTrials(*sweep))
      EXPECT_TRUE(Validate(TrialOf(*sweep, trial)).ok()) << trial.name;
  }
  EXPECT_GE(files, 5);
}

TEST(Examples, TheDemoShowsEveryArm) {
  const StatusOr<Sweep> demo = Example("demo.yaml");
  ASSERT_TRUE(demo.ok()) << demo.status();
  std::set<std::string> arms;
  for (const Configuration& configuration : demo->configurations) arms.insert(configuration.arm);
  EXPECT_EQ(arms, (std::set<std::string>{"full", "lora", "prompt", "zero_shot", "lead"}));
  EXPECT_GE(Axis(*demo, "lora", "rank").size(), 2U);
  EXPECT_GE(Axis(*demo, "prompt", "tokens").size(), 2U);
  EXPECT_EQ(demo->seeds.size(), 3U);
  const DataSettings& data = demo->configurations.at(0).trial.data;
  for (const std::string& file : {data.train, data.validation, data.test})
    EXPECT_TRUE(fs::exists(file)) << file;
}

TEST(Examples, TheStudiesHaveThePublishedShape) {
  for (const std::string size : {"small", "base", "large"}) {
    const StatusOr<Sweep> study = Example("flan-t5-" + size + ".yaml");
    ASSERT_TRUE(study.ok()) << study.status();
    EXPECT_THAT(Axis(*study, "lora", "rank"), ::testing::ElementsAre("1", "2", "4", "8", "16", "32", "64"));
    EXPECT_THAT(Axis(*study, "prompt", "tokens"), ::testing::ElementsAre("5", "10", "20", "50", "100"));
    EXPECT_EQ(study->baseline, "full");
    EXPECT_EQ(study->seeds.size(), 5U);
    EXPECT_EQ(study->resources.gpus, 1);
    EXPECT_EQ(TrialCount(*study), (1 + 7 + 5) * 5 + 3);
    EXPECT_EQ(study->configurations.at(0).trial.train.precision, "bf16");
    EXPECT_EQ(study->configurations.at(0).trial.evaluate.beams, 4);
  }
}

TEST(Examples, PathsCanBeSet) {
  const StatusOr<Sweep> tiny =
      Example("pubmed-tiny.yaml", {{"PUBMED", "/corpus"}, {"MODEL", "/models/mine"}});
  ASSERT_TRUE(tiny.ok()) << tiny.status();
  EXPECT_EQ(tiny->configurations.at(0).trial.model, "/models/mine");
  EXPECT_EQ(tiny->configurations.at(0).trial.data.train, "/corpus/train.jsonl.gz");
  const StatusOr<Sweep> unset = Example("pubmed-tiny.yaml");
  ASSERT_TRUE(unset.ok()) << unset.status();
  EXPECT_EQ(unset->configurations.at(0).trial.model, (kFolder / "pubmed-base").string());
}

// The text of the next fenced block after `from`, which moves behind it.
std::string NextBlock(const std::string& page, std::size_t& from) {
  const std::size_t fence = page.find("```", from);
  const std::size_t start = page.find('\n', fence) + 1;
  const std::size_t end = page.find("```", start);
  if (fence == std::string::npos || end == std::string::npos) return "";
  from = end + 3;
  return page.substr(start, end - start);
}

TEST(SweepFilePage, SaysWhatTheProgramSays) {
  const StatusOr<std::string> page = ReadFile(std::string(kSourceDir) + "/docs/sweep-file.md");
  ASSERT_TRUE(page.ok()) << page.status();
  const ParseOptions options{.file = "study.yaml", .environment = {}};
  std::size_t at = 0;
  const StatusOr<Sweep> good = ParseSweep(NextBlock(*page, at), options);
  ASSERT_TRUE(good.ok()) << good.status();
  EXPECT_EQ(good->configurations.size(), 15U);
  EXPECT_EQ(TrialCount(*good), 63);

  at = page->find("## Mistakes");
  ASSERT_NE(at, std::string::npos);
  const std::string wrong = NextBlock(*page, at), mistakes = NextBlock(*page, at);
  EXPECT_EQ(Message(ParseSweep(wrong, options).status()) + "\n", mistakes);
}

// The text between a table's marks; nothing where the page has not got them.
std::string TableIn(const std::string& page, const std::string& id) {
  const std::string begin = fmt::format("<!-- keys:{} -->\n", id),
                    end = fmt::format("<!-- /keys:{} -->\n", id);
  const std::size_t from = page.find(begin), to = page.find(end);
  if (from == std::string::npos || to == std::string::npos) return "";
  return page.substr(from + begin.size(), to - from - begin.size());
}

// Printed anew by `sweepctl schema --format markdown`.
TEST(SweepFilePage, HasTheTablesOfWhatIsDeclared) {
  const StatusOr<std::string> page = ReadFile(std::string(kSourceDir) + "/docs/sweep-file.md");
  ASSERT_TRUE(page.ok()) << page.status();
  const std::vector<KeyTable> tables = KeyTables();
  EXPECT_GE(tables.size(), 8U);
  for (const KeyTable& table : tables) EXPECT_EQ(TableIn(*page, table.id), table.text) << table.id;
  std::size_t marks = 0;
  for (std::size_t at = 0; (at = page->find("<!-- keys:", at)) != std::string::npos; ++at) ++marks;
  EXPECT_EQ(marks, tables.size());
}

TEST(SweepFilePage, HasTheSchemaBesideIt) {
  const StatusOr<std::string> schema = ReadFile(std::string(kSourceDir) + "/docs/sweep-file.schema.json");
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_EQ(*schema, SweepFileSchema()) << "sweepctl schema > docs/sweep-file.schema.json";
}

}  // namespace
}  // namespace lorikeet::spec
