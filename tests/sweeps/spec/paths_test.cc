#include "sweeps/spec/paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/sweeps/spec/fixture.h"

namespace lorikeet::spec {
namespace {

std::string TestPath(const std::string& path, const std::map<std::string, std::string>& variables = {}) {
  const StatusOr<Sweep> sweep = Parse(With("/data/test.jsonl.gz", "\"" + path + "\""), variables);
  return sweep.ok() ? sweep->configurations.at(0).trial.data.test : Message(sweep.status());
}

TEST(Paths, StartAtTheFilesFolder) {
  EXPECT_EQ(TestPath("test.jsonl"), "/sweeps/test.jsonl");
  EXPECT_EQ(TestPath("./a/../test.jsonl"), "/sweeps/test.jsonl");
  EXPECT_EQ(TestPath("../test.jsonl"), "/test.jsonl");
  EXPECT_EQ(TestPath("/a/b/"), "/a/b");
  const StatusOr<Sweep> here = ParseSweep(GoodFile(), {.file = "sub/s.yaml", .environment = {}});
  ASSERT_TRUE(here.ok());
  EXPECT_EQ(here->configurations[0].trial.model,
            (std::filesystem::current_path() / "sub/models/t5").string());
}

TEST(Paths, VariablesAreReplaced) {
  const std::map<std::string, std::string> set = {{"DATA", "/corpus"}, {"NAME_2", "x"}, {"EMPTY", ""}};
  EXPECT_EQ(TestPath("${DATA}/test.jsonl", set), "/corpus/test.jsonl");
  EXPECT_EQ(TestPath("${DATA}/${NAME_2}.jsonl", set), "/corpus/x.jsonl");
  EXPECT_EQ(TestPath("${DATA:-/else}/t", set), "/corpus/t");
  EXPECT_EQ(TestPath("${UNSET:-/else}/t", set), "/else/t");
  EXPECT_EQ(TestPath("${UNSET:-else}/t", set), "/sweeps/else/t");
  EXPECT_EQ(TestPath("${EMPTY:-/else}/t", set), "/else/t");
  EXPECT_EQ(TestPath("${EMPTY}t", set), "/sweeps/t");
  EXPECT_EQ(TestPath("$DATA/$", set), "/sweeps/$DATA/$");
  EXPECT_EQ(TestPath("${UNSET}/t", set),
            "/sweeps/s.yaml:7:9: data.test: \"${UNSET}/t\": the variable UNSET is not set: set it, or give a "
            "default, "
            "${UNSET:-default}");
  EXPECT_EQ(TestPath("${DATA/t", set),
            "/sweeps/s.yaml:7:9: data.test: \"${DATA/t\": '${' without its closing brace: ${NAME} or "
            "${NAME:-default}");
  EXPECT_EQ(TestPath("${1A}/t", set),
            "/sweeps/s.yaml:7:9: data.test: \"${1A}/t\": '${1A}' names no variable: ${NAME} or "
            "${NAME:-default}, of "
            "letters, digits and _");
  EXPECT_EQ(TestPath("${a\\nb}/t", set),
            "/sweeps/s.yaml:7:9: data.test: \"${a\\nb}/t\": '${a\\nb}' names no variable: ${NAME} or "
            "${NAME:-default}, of letters, digits and _")
      << "a mistake is one line";
  EXPECT_EQ(TestPath("${EMPTY}", set),
            "/sweeps/s.yaml:7:9: data.test: \"${EMPTY}\": empty once its variables are replaced: a file of "
            "documents, such "
            "as train.jsonl.gz");
}

TEST(Paths, VariablesStandInPathsOnly) {
  const StatusOr<Sweep> sweep = Parse(With("\"summarize: \"", "\"${HOME} \""));
  ASSERT_TRUE(sweep.ok());
  EXPECT_EQ(sweep->configurations[0].trial.data.source_prefix, "${HOME} ");
}

TEST(Paths, TheProcessEnvironment) {
  ASSERT_EQ(setenv("LORIKEET_SPEC_TEST", "value", 1), 0);
  EXPECT_EQ(ProcessEnvironment()("LORIKEET_SPEC_TEST"), "value");
  ASSERT_EQ(unsetenv("LORIKEET_SPEC_TEST"), 0);
  EXPECT_EQ(ProcessEnvironment()("LORIKEET_SPEC_TEST"), std::nullopt);
}

}  // namespace
}  // namespace lorikeet::spec
