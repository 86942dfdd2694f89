// What leaves a database as text for people: a recipe, a paragraph, two trials side by side, a model card.
#include <gmock/gmock.h>

#include <regex>

#include "extract_fixture.h"

namespace lorikeet::report {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class TellTest : public ExtractTest {
 protected:
  // All but lead have results.
  void FinishAll() {
    double score = 0.40;
    for (const char* trial : {"full-1", "full-2", "lora-1", "lora-2"}) {
      Attempt(trial, 1);
      core::Result result = store::MakeResult(score);
      if (std::string(trial).rfind("full", 0) == 0) {
        result.trainable_parameters = 76'961'152;
        result.trainable_share = 1;
      }
      Finish(trial, 1, {score, 0.5, score + 0.02}, result);
      score += 0.02;
    }
  }
};

TEST_F(TellTest, ReproduceIsAScriptThatEndsInTheCommand) {
  FinishAll();
  const auto text = All(Ask("reproduce", "lora-1"));
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_THAT(*text, StartsWith("#!/bin/sh\n# 'name of lora-1' of sweep demo (lora-1), pending\n"));
  EXPECT_THAT(*text, HasSubstr("#   micro-batch   4\n"));
  EXPECT_THAT(*text, HasSubstr("#   documents     data\n"));
  EXPECT_THAT(*text, HasSubstr("#   ROUGE-1       0.44"));
  // What it really ran with is in the file that it is run again from.
  EXPECT_THAT(*text, HasSubstr("\"micro_batch_size\": 4"));
  EXPECT_THAT(*text, HasSubstr("\"threads\": 1"));
  EXPECT_TRUE(
      text->ends_with("\nEND_OF_TRIAL\nsweep-trainer train --trial lora-1.json --out lora-1 --device cpu\n"))
      << *text;
  ExtractRequest json = Ask("reproduce", "demo/name of lora-1");
  json.json = true;
  const auto parsed = nlohmann::json::parse(*All(json));
  EXPECT_EQ(parsed["settings"]["seed"], 1);
  EXPECT_THAT(parsed["command"].get<std::vector<std::string>>(), ::testing::Contains("lora-1.json"));
}

TEST_F(TellTest, ATrialWithoutResultHasARecipeThatSaysSo) {
  EXPECT_THAT(*All(Ask("reproduce", "lora-2")), HasSubstr("# It has no result: it is pending.\n"));
}

TEST_F(TellTest, NothingOfADatabaseBecomesACommand) {
  SQLite::Database database(folder_.database(), SQLite::OPEN_READWRITE);
  ASSERT_TRUE(Write([&](store::Transaction& t) {
                core::Trial trial = store::MakeTrial("t;rm -rf ~\n$(id)", "s-1", lora_, 9, 9);
                trial.name = "evil\nrm -rf /\nEND_OF_TRIAL";
                return t.InsertTrial(trial);
              }).ok());
  database.exec(
      "UPDATE configurations SET trial = json_set(trial, '$.model', 'x' || char(10) || 'END_OF_TRIAL' || "
      "char(10) || 'rm')");
  const std::string text = *All(Ask("reproduce", "evil\nrm -rf /\nEND_OF_TRIAL"));
  EXPECT_THAT(
      text,
      HasSubstr("sweep-trainer train --trial t-rm--rf-----id-.json --out t-rm--rf-----id- --device cpu\n"));
  EXPECT_THAT(text, Not(HasSubstr("\nrm")));
  std::size_t ends = 0;
  for (std::size_t at = 0; (at = text.find("\nEND_OF_TRIAL\n", at)) != std::string::npos; ++at) ++ends;
  EXPECT_EQ(ends, 1u);
}

TEST_F(TellTest, NamesThatAreNoneGetTheNearest) {
  EXPECT_THAT(Message(All(Ask("reproduce", "name of lora-3")).status()),
              HasSubstr("did you mean 'name of lora-1'?"));
  EXPECT_THAT(Message(All(Ask("reproduce", "demo/nam of lead")).status()),
              HasSubstr("did you mean 'name of lead'?"));
  EXPECT_THAT(Message(All(Ask("reproduce", "demo")).status()),
              HasSubstr("'demo' is a sweep; name one of its trials"));
  ASSERT_TRUE(Write([&](store::Transaction& t) -> Status {
                RETURN_IF_ERROR(t.InsertSweep(store::MakeSweep("s-2", "other")));
                core::Configuration full = store::MakeConfiguration("s-2", 0, "full", "full");
                ASSIGN_OR_RETURN(const std::int64_t id, t.InsertConfiguration(full));
                core::Trial trial = store::MakeTrial("other-1", "s-2", id, 0, 1);
                trial.name = "name of full-1";
                return t.InsertTrial(trial);
              }).ok());
  const Status two = All(Ask("reproduce", "name of full-1")).status();
  EXPECT_EQ(store::CodeOf(two), "INVALID_ARGUMENT");
  EXPECT_THAT(Message(two), HasSubstr("say which: 'demo/name of full-1', 'other/name of full-1'"));
}

TEST_F(TellTest, MethodsSayWhatIsRecorded) {
  FinishAll();
  const auto text = All(Ask("methods", "demo"));
  ASSERT_TRUE(text.ok()) << text.status();
  for (const char* words : {
           "The base model is flan-t5-small (76,961,152 parameters).",
           "It was trained on 100 documents of train.jsonl, with 40 documents of validation.jsonl for "
           "validation, and scored on "
           "40 documents of test.jsonl; which corpus these files are of is not recorded.",
           "1 document without an article or an abstract was left out.",
           "given with the prefix \"summarize: \" and cut after 1024 tokens where they are longer (50 % of "
           "the test articles)",
           "by full fine-tuning (a learning rate of 0.001); by LoRA of rank 8 on the projections q and v, "
           "alpha 2 times the "
           "rank, with dropout 0.05 on its input (a learning rate of 0.01).",
           "the article's first 3 sentences",
           "Training used AdamW (betas 0.9 and 0.999, epsilon 1e-08, weight decay 0), 3 epochs, batches of "
           "16 documents",
           "The weights with the best validation loss were kept.",
           "Of 5 trials, 4 have a result.",
           "by beam search with 4 beams, at most 256 new tokens (12 % of the test summaries reached that), "
           "length penalty 1, "
           "early stopping false, no 3-gram twice.",
           "No test of significance is recorded.",
       })
    EXPECT_THAT(*text, HasSubstr(words));
}

TEST_F(TellTest, MethodsOfASweepThatHasNotBegunInventNothing) {
  const std::string text = *All(Ask("methods", "demo"));
  EXPECT_THAT(text, HasSubstr("It was trained on documents of train.jsonl"));
  EXPECT_THAT(text, HasSubstr("Of 5 trials, 0 have a result."));
  for (const char* unknown :
       {"parameters)", "were left out", "Trials ran on", "of the test articles", "SHA-256"})
    EXPECT_THAT(text, Not(HasSubstr(unknown)));
}

TEST_F(TellTest, MethodsNameTheTestThatWasMade) {
  FinishAll();
  ASSERT_TRUE(Write([&](store::Transaction& t) {
                core::Comparison comparison;
                comparison.sweep_id = "s-1";
                comparison.configuration_id = lora_;
                comparison.baseline_id = full_;
                comparison.metric = "rouge1";
                comparison.p_value = 0.01;
                return t.PutComparison(comparison);
              }).ok());
  SQLite::Database(folder_.database(), SQLite::OPEN_READWRITE)
      .exec("UPDATE sweeps SET family = 1, margin = 0.5");
  EXPECT_THAT(
      *All(Ask("methods", "demo")),
      HasSubstr(
          "Differences to full were tested on ROUGE-1, with the documents paired and the seeds independent: "
          "Student's t with Satterthwaite's degrees of freedom, two-sided, p-values corrected by Holm's "
          "method "
          "over the 1 trained configurations; differences within 0.5 ROUGE points count as equivalent."));
}

TEST_F(TellTest, DiffShowsWhatDiffersAndWhereMost) {
  FinishAll();
  ExtractRequest request = Ask("diff", "full-1");
  request.other = "lora-2";
  request.documents = 2;
  const auto text = All(request);
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_THAT(
      *text,
      StartsWith("A: 'name of full-1' of sweep demo (full-1)\nB: 'name of lora-2' of sweep demo (lora-2)\n"));
  EXPECT_THAT(*text, HasSubstr("  train.learning_rate  0.001  0.01\n"));
  EXPECT_THAT(*text, HasSubstr("  seed                 1      2\n"));
  EXPECT_THAT(*text, Not(HasSubstr("warmup_steps")));
  EXPECT_TRUE(std::regex_search(*text, std::regex(R"(\n  ROUGE-1 +40\.00 +46\.00  \+6\.00\n)"))) << *text;
  EXPECT_THAT(
      *text,
      HasSubstr("The 2 documents of test whose ROUGE-1 changed most\n\nd2: ROUGE-1 42.00 and 48.00, +6.00\n"
                "  reference: a reference of d2\n"));
  EXPECT_THAT(*text, HasSubstr("A: full-1 on d2"));
  EXPECT_THAT(*text, HasSubstr("| B: lora-2 on d2\n"));
  EXPECT_THAT(*text, Not(HasSubstr("d1:")));  // did not change
}

TEST_F(TellTest, DiffKeepsToTheWidthAndToText) {
  summary_ = "\x1b[31mred\x1b[0m " + std::string(200, 'w') + " 日本語の要約文です 日本語の要約文です " +
             std::string(50, 'z');
  FinishAll();
  ExtractRequest request = Ask("diff", "full-1");
  request.other = "lora-1";
  request.columns = 60;
  const std::string text = *All(request);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  std::istringstream lines(text.substr(text.find("changed most")));
  for (std::string line; std::getline(lines, line);) {
    std::size_t width = 0;  // wide characters take two
    for (const unsigned char c : line) width += (c & 0xC0) == 0x80 ? 0 : c >= 0xE0 ? 2 : 1;
    EXPECT_LE(width, 60u) << line;
  }
}

TEST_F(TellTest, DiffRefusesWhatCannotBeCompared) {
  FinishAll();
  ExtractRequest request = Ask("diff", "full-1");
  request.other = "full-1";
  EXPECT_THAT(Message(All(request).status()), HasSubstr("name two trials"));
  request.other = "lead";
  EXPECT_EQ(store::CodeOf(All(request).status()), "FAILED_PRECONDITION");
  request.other = "lora-1";
  request.columns = 5;
  EXPECT_EQ(store::CodeOf(All(request).status()), "INVALID_ARGUMENT");
  request.columns = 80;
  request.documents = -1;
  EXPECT_EQ(store::CodeOf(All(request).status()), "INVALID_ARGUMENT");
}

TEST_F(TellTest, DiffSaysWhereTheDocumentsAreOthers) {
  FinishAll();
  SQLite::Database(folder_.database(), SQLite::OPEN_READWRITE)
      .exec("UPDATE results SET data_fingerprint = 'x' WHERE seed = 2");
  ExtractRequest request = Ask("diff", "full-1");
  request.other = "full-2";
  EXPECT_THAT(*All(request),
              HasSubstr("They are of different documents: their scores cannot be compared.\n"));
}

TEST_F(TellTest, ACardIsOfTheAdapterThatIsBestOnValidation) {
  FinishAll();
  // Another one is worse on validation, though not on test.
  ASSERT_TRUE(Write([&](store::Transaction& t) -> Status {
                core::Configuration other = store::MakeConfiguration("s-1", 3, "lora rank=2", "lora");
                other.trial = TrialFile("lora", R"("learning_rate": 0.01)", R"(, "lora": {"rank": 2})");
                ASSIGN_OR_RETURN(const std::int64_t id, t.InsertConfiguration(other));
                return t.InsertTrial(store::MakeTrial("other-1", "s-1", id, 9, 1));
              }).ok());
  Attempt("other-1", 1);
  core::Result worse = store::MakeResult(0.9);
  worse.validation.rouge.rouge1 = 0.1;
  Finish("other-1", 1, {0.9}, worse);
  const auto text = All(Ask("card", "demo"));
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_THAT(
      *text,
      StartsWith("---\nbase_model: \"flan-t5-small\"\nlibrary_name: peft\npipeline_tag: summarization\n"));
  EXPECT_THAT(*text, HasSubstr("- name: \"demo, name of lora-2\"\n"));
  EXPECT_THAT(*text, HasSubstr("      name: ROUGE-1\n      value: 46.0000\n"));
  EXPECT_THAT(*text, HasSubstr("lora rank=8** |"));
  EXPECT_THAT(*text, HasSubstr("tokenizer(\"summarize: \" + article, truncation=True, max_length=1024"));
  EXPECT_THAT(*text, HasSubstr("the seed with the best validation ROUGE-1"));
  EXPECT_THAT(*text, Not(HasSubstr("/data/")));  // where files lay is nobody's business
  EXPECT_THAT(*text, Not(HasSubstr("/models/")));
  ExtractRequest request = Ask("card", "demo");
  request.other = "name of lora-1";
  request.base_model = "google/flan-t5-small";
  EXPECT_THAT(*All(request),
              AllOf(HasSubstr("base_model: \"google/flan-t5-small\"\n"), HasSubstr("value: 44.0000\n"),
                    Not(HasSubstr("the seed with the best")), Not(HasSubstr("what the hub calls it"))));
  request.json = true;
  const auto json = nlohmann::json::parse(*All(request));
  EXPECT_EQ(json["trial_id"], "lora-1");
  EXPECT_TRUE(json["files"].is_null());
}

TEST_F(TellTest, ACardNeedsSomethingThatWasTrained) {
  EXPECT_THAT(Message(All(Ask("card", "demo")).status()),
              HasSubstr("no LoRA or prompt trial of sweep demo has a result yet"));
  Attempt("lead", 1);
  Finish("lead", 1, {0.1}, store::MakeResult(0.1));
  ExtractRequest request = Ask("card", "demo");
  request.other = "lead";
  EXPECT_THAT(Message(All(request).status()), HasSubstr("trains nothing"));
}

TEST_F(TellTest, SettingsOfAnotherShapeAreNoCrash) {
  FinishAll();
  ExtractRequest diff = Ask("diff", "full-1");
  diff.other = "lora-1";
  for (const char* trial :
       {"{}", "[]", "5", "no JSON", R"({"data": 5, "train": [], "evaluate": "x", "lora": null})",
        R"({"data": {"validation": {"from_train": "x"}}, "train": {"optimizer": {"betas": 1}}})"}) {
    SQLite::Database database(folder_.database(), SQLite::OPEN_READWRITE);
    SQLite::Statement update(database, "UPDATE configurations SET trial = ?");
    update.bind(1, trial);
    update.exec();
    for (const ExtractRequest& request : {Ask("reproduce", "lora-1"), Ask("methods", "demo"),
                                          Ask("card", "demo"), Ask("runs", "demo"), diff}) {
      const auto text = All(request);
      EXPECT_TRUE(text.ok() ? !text->empty() : !Message(text.status()).empty()) << request.what;
    }
  }
}

TEST_F(TellTest, ANameCannotBreakOutOfTheCard) {
  FinishAll();
  SQLite::Database database(folder_.database(), SQLite::OPEN_READWRITE);
  database.exec(
      "UPDATE trials SET name = 'x\"' || char(10) || 'evil: true' || char(10) || '---' WHERE id = 'lora-2'");
  database.exec(
      "UPDATE configurations SET trial = json_set(trial, '$.model', '/m/a`b' || char(10) || '```')");
  const std::string text = *All(Ask("card", "demo"));
  EXPECT_THAT(text, HasSubstr("- name: \"demo, x\\\"?evil: true?---\"\n"));
  EXPECT_THAT(text, Not(HasSubstr("\nevil")));
  EXPECT_THAT(text, HasSubstr("A LoRA adapter of `a'b?'''` for"));
}

}  // namespace
}  // namespace lorikeet::report
