#include "sweeps/trial/trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

namespace lorikeet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Trial Good(Method method = Method::kLora) {
  Trial trial;
  trial.sweep = "demo";
  trial.configuration = "lora rank=8";
  trial.method = method;
  trial.seed = 3;
  trial.model = "/models/t5";
  trial.data.train = "train.jsonl";
  trial.data.validation = "validation.jsonl";
  trial.data.test = "test.jsonl";
  trial.train.epochs = 2;
  trial.train.learning_rate = 1e-3;
  return trial;
}

Trial EverythingSet(Method method) {
  Trial trial = Good(method);
  trial.seed = 9'007'199'254'740'993;  // past a double's whole numbers
  trial.data = {.format = "cohan",
                .train = "/data/é \"quoted\"\\.gz",
                .validation = "",
                .validation_from_train = 0.05,
                .test = "t",
                .source_field = "a",
                .target_field = "b",
                .id_field = "c",
                .source_prefix = "summarize: ",
                .max_source_tokens = 7,
                .max_target_tokens = 8,
                .limit_train = 1,
                .limit_validation = 2,
                .limit_test = 3};
  trial.train.epochs.reset();
  trial.train.steps = 5;
  trial.train.batch_size = 6;
  trial.train.micro_batch_size = 4;
  trial.train.optimizer = {.name = "adafactor",
                           .weight_decay = 0.1,
                           .beta1 = 0.8,
                           .beta2 = 0.99,
                           .eps = 1e-6,
                           .relative_step = false,
                           .scale_parameter = true};
  trial.train.learning_rate = 0.1 + 0.2;
  trial.train.schedule = "cosine";
  trial.train.warmup_steps = 9;
  trial.train.precision = "bf16";
  trial.train.dropout = 0.0;
  trial.train.gradient_clip = 0;
  trial.train.gradient_checkpointing = true;
  trial.train.validate_every_steps = 11;
  trial.train.keep = "last";
  trial.train.keep_by = "validation_rouge1";
  trial.train.patience = 2;
  trial.evaluate = {.beams = 4,
                    .max_new_tokens = 20,
                    .min_new_tokens = 5,
                    .length_penalty = -1.5,
                    .no_repeat_ngram_size = 3,
                    .early_stopping = "never",
                    .batch_size = 2,
                    .sentence_split = "newline"};
  trial.resources = {.gpus = 1, .memory_bytes = 10LL << 30, .threads = 2};
  trial.time_limit_seconds = 0.5;
  if (method == Method::kLora)
    trial.lora = {.rank = 4, .alpha = 3.5, .targets = {"wi_0", "o"}, .dropout = 0.05, .adapter = "/a"};
  if (method == Method::kPrompt)
    trial.prompt = {.tokens = 5, .init = "text", .init_text = "Summarize ☃", .adapter = "/b"};
  if (method == Method::kLead) trial.lead.sentences = 10;
  return trial;
}

constexpr Method kMethods[] = {Method::kFull, Method::kLora, Method::kPrompt, Method::kZeroShot,
                               Method::kLead};

std::string Mistakes(const std::function<void(Trial&)>& spoil, Method method = Method::kLora) {
  Trial trial = Good(method);
  spoil(trial);
  const Status status = Validate(trial);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  return Message(status);
}

// The good trial's JSON with `from` replaced by `to`.
std::string Refusal(const std::string& from, const std::string& to, Method method = Method::kLora) {
  std::string text = ToJson(Good(method));
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from << " in " << text;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  const auto trial = TrialFromJson(text);
  EXPECT_TRUE(absl::IsInvalidArgument(trial.status())) << text;
  return Message(trial.status());
}

// The refusal of a whole text.
std::string RefusalOf(const std::string& text) {
  const auto trial = TrialFromJson(text);
  return trial.ok() ? "" : Message(trial.status());
}

TEST(TrialTest, NamesOfMethodsGoBothWays) {
  for (const Method method : kMethods) EXPECT_EQ(*ParseMethod(MethodName(method)), method);
  EXPECT_EQ(Message(ParseMethod("zeroshot").status()),
            "'zeroshot': full, lora, prompt, zero_shot or lead; did you mean 'zero_shot'?");
}

TEST(TrialTest, RoundTrips) {
  for (const Method method : kMethods) {
    for (const Trial& trial : {Good(method), EverythingSet(method)}) {
      const std::string text = ToJson(trial);
      const auto read = TrialFromJson(text);
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_EQ(*read, trial) << text;
      EXPECT_EQ(ToJson(*read), text);
    }
  }
  Trial trial = Good();
  trial.evaluate.early_stopping = "true";
  EXPECT_EQ(*TrialFromJson(ToJson(trial)), trial);
}

TEST(TrialTest, OnlyTheMethodsOwnSettingsAreWritten) {
  EXPECT_THAT(ToJson(Good(Method::kLora)), AllOf(HasSubstr("\"lora\": {"), Not(HasSubstr("\"prompt\": {"))));
  EXPECT_THAT(ToJson(Good(Method::kFull)),
              AllOf(Not(HasSubstr("\"lora\": {")), Not(HasSubstr("\"lead\": {"))));
}

// Sweeps are known by a hash of this text: a key that came later must not change it where it is not used.
TEST(TrialTest, LaterKeysAreWrittenOnlyWhereTheyAreSet) {
  for (const Method method : kMethods) {
    EXPECT_THAT(ToJson(Good(method)),
                AllOf(Not(HasSubstr("gradient_checkpointing")), Not(HasSubstr("adapter"))));
  }
  EXPECT_THAT(ToJson(EverythingSet(Method::kPrompt)),
              AllOf(HasSubstr("\"gradient_checkpointing\": true"), HasSubstr("\"adapter\": \"/b\"")));
}

TEST(TrialTest, WithAnAdapterWhatIsNotSaidIsTheAdapters) {
  std::string text = ToJson(Good(Method::kLora));
  text.replace(text.find("\"lora\": {"), 9, "\"lora\": {\"adapter\": \"/kept\"}, \"x\": {");
  text = text.substr(0, text.find("\"x\": {")) + text.substr(text.find("\"resources\""));
  const auto lora = TrialFromJson(text);
  ASSERT_TRUE(lora.ok()) << lora.status() << text;
  EXPECT_EQ(StartAdapter(*lora), "/kept");
  EXPECT_EQ(lora->lora.rank, 0);
  EXPECT_EQ(lora->lora.alpha, 0);
  EXPECT_TRUE(lora->lora.targets.empty());
  EXPECT_EQ(*TrialFromJson(ToJson(*lora)), *lora);
  Trial full = *lora;
  full.method = Method::kFull;
  EXPECT_EQ(StartAdapter(full), "");
  // Without one they are needed as ever.
  Trial bare = *lora;
  bare.lora.adapter.clear();
  EXPECT_THAT(Message(Validate(bare)), AllOf(HasSubstr("lora.rank: 0: at least 1"),
                                             HasSubstr("lora.alpha: 0"), HasSubstr("lora.targets: empty")));
  Trial prompt = Good(Method::kPrompt);
  prompt.prompt.tokens = 0;
  EXPECT_FALSE(Validate(prompt).ok());
  prompt.prompt.adapter = "/kept";
  EXPECT_TRUE(Validate(prompt).ok());
}

TEST(TrialTest, AbsentKeysKeepTheirDefaults) {
  const auto trial =
      TrialFromJson(R"({"method": "full", "model": "m", "train": {"steps": 1, "learning_rate": 1},
                                       "data": {"train": "a", "validation": {"from_train": 0.1}, "test": "b"}})");
  ASSERT_TRUE(trial.ok()) << trial.status();
  EXPECT_EQ(trial->train.batch_size, 16);
  EXPECT_EQ(trial->train.epochs, std::nullopt);
  EXPECT_EQ(trial->train.steps, 1);
  EXPECT_EQ(trial->data.validation_from_train, 0.1);
}

TEST(TrialTest, UnknownKeysAreNamedWithTheNearest) {
  EXPECT_EQ(Refusal("\"batch_size\": 16,", "\"batch_size\": 16, \"bathc_sizes\": 1,"),
            "train.bathc_sizes: unknown key; did you mean 'batch_size'?");
  EXPECT_EQ(Refusal("\"seed\": 3", "\"seed\": 3, \"zzz\": 1"), "zzz: unknown key");
  EXPECT_EQ(Refusal("\"rank\"", "\"rnak\""), "lora.rnak: unknown key; did you mean 'rank'?");
  // Another method's section is not read, so it must not stand there.
  EXPECT_EQ(Refusal("\"lora\": {", "\"prompt\": {}, \"lora\": {"), "prompt: unknown key");
}

TEST(TrialTest, WrongTypesAreNamed) {
  EXPECT_EQ(Refusal("\"batch_size\": 16", "\"batch_size\": \"16\""),
            "train.batch_size: \"16\": must be a whole number");
  EXPECT_EQ(Refusal("\"batch_size\": 16", "\"batch_size\": 1.5"),
            "train.batch_size: 1.5: must be a whole number");
  EXPECT_EQ(Refusal("\"seed\": 3", "\"seed\": 18446744073709551615"),
            "seed: 18446744073709551615: must be a whole number");
  EXPECT_EQ(Refusal("\"seed\": 3", "\"seed\": null"), "seed: null: must be a whole number");
  EXPECT_EQ(Refusal("\"alpha\": 16.0", "\"alpha\": true"), "lora.alpha: true: must be a number");
  EXPECT_EQ(Refusal("\"/models/t5\"", "[\"m\"]"), "model: [\"m\"]: must be a string");
}

TEST(TrialTest, BrokenJsonIsRefused) {
  EXPECT_THAT(Refusal("\"seed\": 3,", "\"seed\": 3, \"seed\": 4,"), HasSubstr("'seed' stands twice"));
  EXPECT_THAT(Refusal("\"seed\": 3,", "\"seed\": ,"), HasSubstr("broken JSON: parse error at line 5"));
  EXPECT_THAT(RefusalOf("[]"), HasSubstr("a JSON object, this is a list"));
  EXPECT_THAT(RefusalOf(""), HasSubstr("broken JSON"));
}

TEST(TrialTest, MethodIsNeeded) {
  EXPECT_THAT(RefusalOf("{}"), HasSubstr("method: missing: full, lora, prompt, zero_shot or lead"));
  EXPECT_THAT(Refusal("\"lora\",", "\"LoRA\","), HasSubstr("method: 'LoRA': full, lora"));
}

TEST(TrialTest, SpecialFormsAreChecked) {
  EXPECT_EQ(Refusal("\"validation.jsonl\"", "3"),
            "data.validation: 3: must be a path, or {\"from_train\": 0.05}");
  EXPECT_EQ(Refusal("\"validation.jsonl\"", "{\"from_trian\": 0.1}"),
            "data.validation.from_trian: unknown key; did you mean 'from_train'?\n"
            "data.validation: missing: a file, or {from_train: 0.05}");
  EXPECT_EQ(Refusal("\"epoch\"", "\"step\""),
            "train.validate_every: \"step\": must be \"epoch\", or a number of steps");
  EXPECT_EQ(Refusal("\"epoch\"", "0"), "train.validate_every: 0: at least 1");
  EXPECT_EQ(Refusal("\"early_stopping\": false", "\"early_stopping\": \"maybe\""),
            "evaluate.early_stopping: \"maybe\": must be true, false or \"never\"");
  EXPECT_EQ(Refusal("\"betas\": [\n        0.9,", "\"betas\": [0.9, 0.9,"),
            "train.optimizer.betas: [0.9,0.9,0.999]: must be a list of two numbers");
}

TEST(TrialTest, EveryMistakeIsNamedNotOnlyTheFirst) {
  EXPECT_EQ(
      Refusal("\"batch_size\": 16,\n    \"optimizer\"", "\"batch_size\": 0, \"kepe\": 1,\n    \"optimizer\""),
      "train.kepe: unknown key; did you mean 'keep'?\ntrain.batch_size: 0: at least 1");
  EXPECT_EQ(
      Mistakes([](Trial& t) {
        t.train.batch_size = 0;
        t.lora.rank = 0;
        t.model.clear();
      }),
      "model: missing: a Hugging Face directory\ntrain.batch_size: 0: at least 1\nlora.rank: 0: at least 1");
}

struct Case {
  std::string expected;
  std::function<void(Trial&)> spoil;
  Method method = Method::kLora;
};

TEST(TrialTest, ValuesOutOfRange) {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  const Case cases[] = {
      {"seed: -1: at least 0", [](Trial& t) { t.seed = -1; }},
      {"data.format: 'json': auto, jsonl or cohan; did you mean 'jsonl'?",
       [](Trial& t) { t.data.format = "json"; }},
      {"data.train: missing: the file to train on", [](Trial& t) { t.data.train.clear(); }},
      {"data.test: missing: the file to test on", [](Trial& t) { t.data.test.clear(); }},
      {"data.validation: missing: a file, or {from_train: 0.05}",
       [](Trial& t) { t.data.validation.clear(); }},
      {"data.validation: a file and from_train: one of the two",
       [](Trial& t) { t.data.validation_from_train = 0.1; }},
      {"data.validation.from_train: 1: more than 0 and less than 1",
       [](Trial& t) {
         t.data.validation.clear();
         t.data.validation_from_train = 1;
       }},
      {"data.validation.from_train: nan: more than 0 and less than 1",
       [&](Trial& t) {
         t.data.validation.clear();
         t.data.validation_from_train = nan;
       }},
      {"data.fields.target: 'article': is the source's key too",
       [](Trial& t) { t.data.target_field = "article"; }},
      {"data.limit.test: 0: at least 1", [](Trial& t) { t.data.limit_test = 0; }},
      {"data.max_source_tokens: 0: at least 1", [](Trial& t) { t.data.max_source_tokens = 0; }},
      {"data.source_prefix: is not valid UTF-8", [](Trial& t) { t.data.source_prefix = "\xff"; }},
      {"train.epochs: missing: exactly one of epochs and steps", [](Trial& t) { t.train.epochs.reset(); }},
      {"train.epochs: epochs and steps are both given: exactly one of them",
       [](Trial& t) { t.train.steps = 3; }},
      {"train.epochs: 0: at least 1", [](Trial& t) { t.train.epochs = 0; }},
      {"train.batch_size: 2147483648: at most 2147483647", [](Trial& t) { t.train.batch_size = 1LL << 31; }},
      {"train.micro_batch_size: 17: at most batch_size, which is 16",
       [](Trial& t) { t.train.micro_batch_size = 17; }},
      {"train.optimizer.name: 'adam': adamw or adafactor; did you mean 'adamw'?",
       [](Trial& t) { t.train.optimizer.name = "adam"; }},
      {"train.optimizer.betas: 1: at least 0 and less than 1", [](Trial& t) { t.train.optimizer.beta2 = 1; }},
      {"train.optimizer.eps: 0: more than 0, and finite", [](Trial& t) { t.train.optimizer.eps = 0; }},
      {"train.optimizer.relative_step: belongs to adafactor, not to adamw",
       [](Trial& t) { t.train.optimizer.relative_step = true; }},
      {"train.learning_rate: missing: a number such as 0.001",
       [](Trial& t) { t.train.learning_rate.reset(); }},
      {"train.learning_rate: inf: more than 0, and finite",
       [&](Trial& t) { t.train.learning_rate = infinity; }},
      {"train.learning_rate: adafactor with relative_step finds its own: leave one of the two out",
       [](Trial& t) { t.train.optimizer = {.name = "adafactor", .relative_step = true}; }},
      {"train.schedule: 'linaer': constant, linear or cosine; did you mean 'linear'?",
       [](Trial& t) { t.train.schedule = "linaer"; }},
      {"train.warmup_steps: -1: at least 0", [](Trial& t) { t.train.warmup_steps = -1; }},
      {"train.precision: 'fp61': fp32 or bf16", [](Trial& t) { t.train.precision = "fp61"; }},
      {"train.precision: 'fp16': T5's activations overflow in half precision (its largest number is 65504): "
       "bf16 "
       "or fp32",
       [](Trial& t) { t.train.precision = "fp16"; }},
      {"train.dropout: 1: at least 0 and less than 1", [](Trial& t) { t.train.dropout = 1; }},
      {"train.dropout: nan: at least 0 and less than 1", [&](Trial& t) { t.train.dropout = nan; }},
      {"train.gradient_clip: -1: at least 0, and finite", [](Trial& t) { t.train.gradient_clip = -1; }},
      {"train.keep: 'worst': best or last", [](Trial& t) { t.train.keep = "worst"; }},
      {"train.keep_by: 'rouge': validation_loss or validation_rouge1",
       [](Trial& t) { t.train.keep_by = "rouge"; }},
      {"train.patience: 0: at least 1", [](Trial& t) { t.train.patience = 0; }},
      {"evaluate.beams: 0: at least 1", [](Trial& t) { t.evaluate.beams = 0; }},
      {"evaluate.min_new_tokens: 300: at most max_new_tokens, which is 256",
       [](Trial& t) { t.evaluate.min_new_tokens = 300; }},
      {"evaluate.length_penalty: nan: must be finite", [&](Trial& t) { t.evaluate.length_penalty = nan; }},
      {"evaluate.sentence_split: 'nltk': auto or newline",
       [](Trial& t) { t.evaluate.sentence_split = "nltk"; }},
      {"lora.rank: 0: at least 1", [](Trial& t) { t.lora.rank = 0; }},
      {"lora.alpha: 0: more than 0, and finite", [](Trial& t) { t.lora.alpha = 0; }},
      {"lora.targets: empty: at least one of q, k, v, o, wi, wi_0, wi_1, wo",
       [](Trial& t) { t.lora.targets.clear(); }},
      {"lora.targets: 'wi_2': q, k, v, o, wi, wi_0, wi_1 or wo; did you mean 'wi_0'?",
       [](Trial& t) { t.lora.targets = {"wi_2"}; }},
      {"lora.targets: 'q': stands twice",
       [](Trial& t) {
         t.lora.targets = {"q", "q"};
       }},
      {"lora.dropout: -0.1: at least 0 and less than 1", [](Trial& t) { t.lora.dropout = -0.1; }},
      {"prompt.tokens: 0: at least 1", [](Trial& t) { t.prompt.tokens = 0; }, Method::kPrompt},
      {"prompt.init_text: missing: the text to start from, with init: text",
       [](Trial& t) { t.prompt.init = "text"; }, Method::kPrompt},
      {"prompt.init_text: is read with init: text only, and init is vocabulary",
       [](Trial& t) { t.prompt.init_text = "x"; }, Method::kPrompt},
      {"lead.sentences: 0: at least 1", [](Trial& t) { t.lead.sentences = 0; }, Method::kLead},
      {"resources.gpus: -1: at least 0", [](Trial& t) { t.resources.gpus = -1; }},
      {"resources.memory_bytes: 0: at least 1", [](Trial& t) { t.resources.memory_bytes = 0; }},
      {"time_limit_seconds: 0: more than 0, and finite", [](Trial& t) { t.time_limit_seconds = 0; }},
  };
  for (const Case& c : cases) EXPECT_EQ(Mistakes(c.spoil, c.method), c.expected);
}

TEST(TrialTest, ReferencesNeedNothingToTrainWith) {
  for (const Method method : {Method::kZeroShot, Method::kLead}) {
    Trial trial = Good(method);
    trial.train.epochs.reset();
    trial.train.learning_rate.reset();
    trial.data.train.clear();
    trial.seed = 0;
    EXPECT_TRUE(Validate(trial).ok()) << Validate(trial);
    trial.data.validation.clear();
    trial.data.validation_from_train = 0.1;
    EXPECT_EQ(Message(Validate(trial)), "data.train: missing: the file to train on");
  }
}

}  // namespace
}  // namespace lorikeet
