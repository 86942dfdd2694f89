// adapter: DIR in an arm: what it means, and the mistakes.
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
using ::testing::SizeIs;

constexpr const char* kLora =
    "lora: {rank: [1, 8], alpha_over_rank: 2, targets: [[q, v], [q, k, v, o]], dropout: 0.05, learning_rate: "
    "1.0e-3}";
constexpr const char* kPrompt = "prompt: {tokens: [5, 20], init: random, epochs: 10, learning_rate: 0.3}";

std::string WithLora(const std::string& keys) {
  return With(kLora, "lora: {learning_rate: 1.0e-3, " + keys + "}");
}
std::string WithPrompt(const std::string& keys) {
  return With(kPrompt, "prompt: {learning_rate: 0.3, " + keys + "}");
}

std::vector<Configuration> ArmOf(const std::string& yaml, const std::string& arm) {
  const StatusOr<Sweep> sweep = Parse(yaml, {{"KEPT", "/kept"}});
  EXPECT_TRUE(sweep.ok()) << sweep.status();
  std::vector<Configuration> found;
  if (!sweep.ok()) return found;
  for (const Configuration& one : sweep->configurations) {
    if (one.arm == arm) found.push_back(one);
  }
  return found;
}

std::string SettingsOf(const Configuration& configuration) {
  std::string text;
  for (const auto& setting : configuration.settings) text += setting.axis + "=" + setting.value + " ";
  return text;
}

TEST(Adapter, IsPartOfTheNameWithOneValueToo) {
  const auto found = ArmOf(WithLora("adapter: warm"), "lora");
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].name, "lora adapter=warm");
  EXPECT_EQ(found[0].trial.lora.adapter, "/sweeps/warm");
  EXPECT_EQ(found[0].trial.lora.rank, 0);
  EXPECT_EQ(found[0].trial.lora.alpha, 0);
  EXPECT_THAT(found[0].trial.lora.targets, IsEmpty());
  // What is the adapter's is not guessed at.
  EXPECT_EQ(SettingsOf(found[0]), "adapter=/sweeps/warm epochs=3 learning_rate=0.001 ");
}

TEST(Adapter, IsAnAxis) {
  const auto found = ArmOf(WithLora("adapter: [a, \"${KEPT}/b\"], rank: [2, 4]"), "lora");
  ASSERT_THAT(found, SizeIs(4));
  EXPECT_EQ(found[0].name, "lora adapter=a rank=2");
  EXPECT_EQ(found[3].name, "lora adapter=${KEPT}/b rank=4");
  EXPECT_EQ(found[3].trial.lora.adapter, "/kept/b");
  EXPECT_EQ(found[3].trial.lora.rank, 4);
}

TEST(Adapter, OfAPrompt) {
  const auto found = ArmOf(WithPrompt("adapter: warm"), "prompt");
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].name, "prompt adapter=warm");
  EXPECT_EQ(found[0].trial.prompt.adapter, "/sweeps/warm");
  EXPECT_EQ(found[0].trial.prompt.tokens, 0);
  EXPECT_EQ(SettingsOf(found[0]), "adapter=/sweeps/warm epochs=3 learning_rate=0.3 ");
}

TEST(Adapter, IsPartOfTheFingerprint) {
  const auto fingerprint = [](const std::string& yaml) { return Parse(yaml)->fingerprint; };
  const std::string one = fingerprint(WithLora("adapter: a"));
  EXPECT_EQ(one, fingerprint(WithLora("adapter: ./a")));
  EXPECT_NE(one, fingerprint(WithLora("adapter: b")));
  EXPECT_NE(one, fingerprint(WithLora("adapter: a, rank: 8")));
}

TEST(Adapter, MistakesThatTheFileShows) {
  EXPECT_THAT(MistakesOf(WithLora("adapter: warm, alpha_over_rank: 2")),
              ElementsAre(HasSubstr("arms.lora.alpha_over_rank: of which rank?")));
  EXPECT_THAT(MistakesOf(WithLora("adapter: warm, alpha_over_rank: 2, rank: 4")), IsEmpty());
  EXPECT_THAT(MistakesOf(WithPrompt("adapter: warm, init: random")),
              ElementsAre(HasSubstr("arms.prompt.init: the prompt starts from its adapter: leave it out")));
  EXPECT_THAT(MistakesOf(WithLora("adapter: ~/warm")),
              ElementsAre(HasSubstr("arms.lora.adapter: ~/warm: ~ is not")));
  EXPECT_THAT(MistakesOf(WithLora("rank: 2, adapter: []")),
              ElementsAre(HasSubstr("an axis with at least one")));
  EXPECT_THAT(MistakesOf(With("full: {", "full: {adapter: warm, ")),
              ElementsAre(HasSubstr("arms.full.adapter: unknown key")));
  EXPECT_THAT(MistakesOf(WithLora("dropout: 0.1")), ElementsAre(HasSubstr("arms.lora.rank: missing")));
}

class AdapterFiles : public SpecFolder {
 protected:
  void SetUp() override {
    SpecFolder::SetUp();
    fs::create_directories(folder_ / "warm");
    Write("warm/adapter_model.safetensors", "x");
    WriteConfig(R"({"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["v", "q"]})");
  }
  void WriteConfig(const std::string& text) { Write("warm/adapter_config.json", text); }
};

TEST_F(AdapterFiles, OneThatFits) {
  EXPECT_THAT(Check(WithLora("adapter: warm")), IsEmpty());
  EXPECT_THAT(Check(WithLora("adapter: warm, rank: 4, alpha: 8, targets: [q, v]")), IsEmpty());
  EXPECT_THAT(Check(WithLora("adapter: warm, rank: 4, alpha_over_rank: 2")), IsEmpty());
}

TEST_F(AdapterFiles, OneThatDoesNotFit) {
  EXPECT_THAT(Check(WithLora("adapter: warm, rank: [4, 5]")),
              ElementsAre(HasSubstr("'lora adapter=warm rank=5': rank: 5: the adapter " +
                                    (folder_ / "warm").string() + " has 4: leave it out, or say the same")));
  EXPECT_THAT(Check(WithLora("adapter: warm, alpha: 3")), ElementsAre(HasSubstr("alpha: 3.0: the adapter")));
  EXPECT_THAT(Check(WithLora("adapter: warm, targets: [q]")),
              ElementsAre(HasSubstr("targets: [\"q\"]: the adapter")));
  EXPECT_THAT(Check(WithPrompt("adapter: warm")),
              ElementsAre(HasSubstr("is of peft_type 'LORA': this arm starts from a PROMPT_TUNING")));
  WriteConfig(R"({"peft_type": "PROMPT_TUNING", "num_virtual_tokens": 5})");
  EXPECT_THAT(Check(WithPrompt("adapter: warm, tokens: 5")), IsEmpty());
  EXPECT_THAT(Check(WithPrompt("adapter: warm, tokens: 6")),
              ElementsAre(HasSubstr("tokens: 6: the adapter")));
}

TEST_F(AdapterFiles, OneThatIsNotThere) {
  EXPECT_THAT(Check(WithLora("adapter: cold")),
              ElementsAre(HasSubstr("cold: no such folder: a PEFT directory")));
  fs::remove(folder_ / "warm/adapter_model.safetensors");
  fs::remove(folder_ / "warm/adapter_config.json");
  EXPECT_THAT(Check(WithLora("adapter: warm")), ElementsAre(HasSubstr("has no adapter_config.json"),
                                                            HasSubstr("has no adapter_model.safetensors")));
  WriteConfig("not json");
  EXPECT_THAT(Check(WithLora("adapter: warm")),
              ElementsAre(HasSubstr("is not a JSON object"), HasSubstr("has no adapter_model.safetensors")));
}

}  // namespace
}  // namespace lorikeet::spec
