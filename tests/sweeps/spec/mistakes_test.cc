#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sweeps/spec/fixture.h"

namespace lorikeet::spec {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Mistakes, TheGoodFileHasNone) { EXPECT_THAT(MistakesOf(GoodFile()), ElementsAre()); }

struct Case {
  const char* from;
  const char* to;
  const char* message;  // the one line, without the file's name
};

// Each spoils the good file in one place and must be answered by exactly this line.
class OneMistake : public ::testing::TestWithParam<Case> {};

TEST_P(OneMistake, IsSaidWithItsPlaceAndWhatWouldBeRight) {
  EXPECT_THAT(MistakesOf(With(GetParam().from, GetParam().to)),
              ElementsAre(std::string("/sweeps/s.yaml:") + GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Keys, OneMistake,
    ::testing::Values(
        Case{"rank: [1, 8]", "rnak: [1, 8]", "37:10: arms.lora.rnak: unknown key; did you mean 'rank'?"},
        Case{"evaluate:", "evalute:", "27:1: evalute: unknown key; did you mean 'evaluate'?"},
        Case{"  lead: {", "  led: {", "39:3: arms.led: unknown key; did you mean 'lead'?"},
        Case{"id: id}", "idd: id}", "8:47: data.fields.idd: unknown key; did you mean 'id'?"},
        Case{"test: 400}", "tset: 400}", "12:41: data.limit.tset: unknown key; did you mean 'test'?"},
        Case{"eps: 1e-6", "epsilon: 1e-6",
             "17:68: train.optimizer.epsilon: unknown key: one of name, weight_decay, betas, eps, "
             "relative_step or "
             "scale_parameter"},
        Case{"zero_shot: {}", "zero_shot: {epochs: 3}",
             "41:15: arms.zero_shot.epochs: unknown key: this takes none, {}"},
        Case{"sentences: [3, 10]", "sentences: 3, learning_rate: 0.1",
             "39:24: arms.lead.learning_rate: unknown key: one of sentences"},
        Case{"rank: [1, 8]", "r: 1, rank: 8", "37:10: arms.lora.r: unknown key; did you mean 'rank'?"},
        Case{"rank: [1, 8]", "rank: 1, 8",
             "37:19: arms.lora.8: a number where a key stands: several values are a list in [ and ]"},
        Case{"  keep: last", "  keep: last\n  keep: best",
             "25:3: train.keep: a second time (first in line 24): each key once"},
        Case{"seeds: [3, 1]", "seeds: [3, 1]\nseeds: [2]",
             "43:1: seeds: a second time (first in line 42): each key once"},
        Case{"rank: [1, 8]", "rank: [1, 8], rank: 4",
             "37:24: arms.lora.rank: a second time (first in line 37): each key once"},
        Case{"  beams: 4", "  beams: 4\n  margin: 0",
             "29:11: evaluate.margin: 0: ROUGE points, above 0 and at most 100"},
        Case{"  beams: 4", "  beams: 4\n  primary: rouge3",
             "29:12: evaluate.primary: rouge3: rouge1, rouge2, rougeL or rougeLsum; did you mean 'rouge1'?"},
        Case{"baseline: full", "baseline: full\ntune: {axes: [rank]}",
             "44:1: tune.seeds: missing: a list of seeds that are not in 'seeds', such as [101]"},
        Case{"lora: {rank", "lora: {<<: {rank: 2}, rank",
             "37:10: arms.lora.<<: YAML's merge keys are not supported: the keys written out, or a whole "
             "value as *alias"},
        Case{"lora: {rank", "lora: {[a]: 2, rank", "37:10: arms.lora: [a] as a key: a key is a plain word"}));

INSTANTIATE_TEST_SUITE_P(
    Missing, OneMistake,
    ::testing::Values(
        Case{"sweep: study ", "", "2:1: sweep: missing: the sweep's name, such as pubmed-lora"},
        Case{"model: models/t5\n", "", "1:1: model: missing: a Hugging Face directory"},
        Case{"seeds: [3, 1]\n", "", "1:1: seeds: missing: a list, such as [1, 2, 3]"},
        Case{"  validation: data/validation.jsonl.gz\n", "",
             "3:1: data.validation: missing: no validation data: a file of documents, or {from_train: 0.05} "
             "to hold out a "
             "share of train"},
        Case{"data/validation.jsonl.gz", "{}",
             "6:15: data.validation.from_train: missing: the share of train that is held out, such as 0.05"},
        Case{"  test: /data/test.jsonl.gz\n", "",
             "3:1: data.test: missing: a file of documents to score, such as test.jsonl.gz"},
        Case{"  train: data/train.jsonl.gz\n", "",
             "3:1: data.train: missing: a file of documents, such as train.jsonl.gz"},
        Case{"name: adamw, ", "", "17:14: train.optimizer.name: missing: adamw or adafactor"},
        Case{"rank: [1, 8], ", "",
             "37:3: arms.lora.rank: missing: the rank of the update, such as 8, or an axis, such as [2, 4, "
             "8]"},
        Case{"tokens: [5, 20], ", "",
             "40:3: arms.prompt.tokens: missing: how many prompt tokens are trained, such as 20, or an axis, "
             "such as [5, 20]"},
        Case{"full: {learning_rate: 1.0e-4}", "full: {}",
             "38:3: arms.full.learning_rate: missing: such as 1.0e-3, here or in train"},
        Case{"init: random", "init: text",
             "40:3: arms.prompt.init_text: missing: the text that `init: text` starts from"}));

INSTANTIATE_TEST_SUITE_P(
    Values, OneMistake,
    ::testing::Values(
        Case{"rank: [1, 8]", "rank: [0, 8]", "37:17: arms.lora.rank: 0: at least 1"},
        Case{"rank: [1, 8]", "rank: -4", "37:16: arms.lora.rank: -4: at least 1"},
        Case{"rank: [1, 8]", "rank: []", "37:16: arms.lora.rank: []: an axis with at least one value"},
        Case{"rank: [1, 8]", "rank: [8, 1, 8]",
             "37:23: arms.lora.rank: 8: each value of an axis once (it stands in line 37 too)"},
        Case{"rank: [1, 8]", "rank: [1, [8]]", "37:20: arms.lora.rank: [8]: a whole number, at least 1"},
        Case{"rank: [1, 8]", "rank: 8.0", "37:16: arms.lora.rank: 8.0: a whole number, at least 1"},
        Case{"rank: [1, 8]", "rank: \"8\"",
             "37:16: arms.lora.rank: \"8\": a whole number, at least 1, without quotes"},
        Case{"rank: [1, 8]", "rank: eight", "37:16: arms.lora.rank: eight: a whole number, at least 1"},
        Case{"rank: [1, 8]", "rank: {a: 1}", "37:16: arms.lora.rank: a mapping: a whole number, at least 1"},
        Case{"rank: [1, 8]", "rank: ", "37:10: arms.lora.rank: empty: a whole number, at least 1"},
        Case{"rank: [1, 8]", "rank: !!int 8",
             "37:16: arms.lora.rank: a YAML tag (tag:yaml.org,2002:int) is not supported: the plain value "
             "without it"},
        Case{"rank: [1, 8]", "rank: 99999999999999999999",
             "37:16: arms.lora.rank: 99999999999999999999: at most 65536"},
        Case{"rank: [1, 8]", "rank: -99999999999999999999",
             "37:16: arms.lora.rank: -99999999999999999999: at least 1"},
        Case{"epochs: 3\n", "epochs: [1, 2]\n",
             "14:11: train.epochs: [1, 2]: one value: lists are axes, and stand inside an arm only"},
        Case{"epochs: 3\n", "epochs: 3\n  steps: 5\n", "15:10: train: both epochs and steps: one of them"},
        Case{"alpha_over_rank: 2", "alpha_over_rank: 2, alpha: 16",
             "37:51: arms.lora: both alpha and alpha_over_rank: one of them"},
        Case{"targets: [[q, v], [q, k, v, o]]", "targets: q",
             "37:53: arms.lora.targets: q: a list of modules, such as [q, v], of q, k, v, o, wi, wi_0, wi_1, "
             "wo"},
        Case{"[q, k, v, o]", "[q, k, q]", "37:69: arms.lora.targets: q: each module once"},
        Case{"[q, k, v, o]", "[q, wi_2]",
             "37:66: arms.lora.targets: wi_2: q, k, v, o, wi, wi_0, wi_1 or wo; did you mean 'wi_0'?"},
        Case{"dropout: 0.05", "dropout: 1", "37:86: arms.lora.dropout: 1: at least 0 and below 1"},
        Case{"learning_rate: 1.0e-4", "learning_rate: .inf",
             "38:25: arms.full.learning_rate: .inf: a finite number above 0"},
        Case{"learning_rate: 1.0e-4", "learning_rate: nan",
             "38:25: arms.full.learning_rate: nan: a finite number above 0"},
        Case{"learning_rate: 1.0e-4", "learning_rate: 1e999",
             "38:25: arms.full.learning_rate: 1e999: a number above 0 that a double can hold"},
        Case{"learning_rate: 1.0e-4", "learning_rate: 0", "38:25: arms.full.learning_rate: 0: above 0"},
        Case{"learning_rate: 1.0e-4", "learning_rate: fast",
             "38:25: arms.full.learning_rate: fast: a number above 0"},
        Case{"precision: bf16", "precision: fp16",
             "20:14: train.precision: fp16: T5's activations overflow in half precision (its largest number "
             "is "
             "65504): bf16 or fp32"},
        Case{"precision: bf16", "precision: bf61",
             "20:14: train.precision: bf61: fp32 or bf16; did you mean 'bf16'?"},
        Case{"validate_every: 50", "validate_every: epochs",
             "23:19: train.validate_every: epochs: epoch, or a whole number of steps"},
        Case{"validate_every: 50", "validate_every: 0", "23:19: train.validate_every: 0: at least 1"},
        Case{"micro_batch_size: 4", "micro_batch_size: 32",
             "16:21: train.micro_batch_size: 32: at most batch_size, 16"},
        Case{"betas: [0.9, 0.98]", "betas: [0.9]",
             "17:55: train.optimizer.betas: [0.9]: two numbers, such as [0.9, 0.999]"},
        Case{"eps: 1e-6", "relative_step: true",
             "17:68: train.optimizer.relative_step: adamw has no such setting; it is adafactor's"},
        Case{"early_stopping: true", "early_stopping: maybe",
             "33:19: evaluate.early_stopping: maybe: true, false or never"},
        Case{"min_new_tokens: 8", "min_new_tokens: 200",
             "30:19: evaluate.min_new_tokens: 200: at most max_new_tokens, 128"},
        Case{"format: auto", "format: csv", "4:11: data.format: csv: auto, jsonl or cohan"},
        Case{"target: abstract", "target: article",
             "8:37: data.fields.target: article: another key than the other field's"},
        Case{"data/validation.jsonl.gz", "{from_train: 1.5}",
             "6:28: data.validation.from_train: 1.5: above 0 and below 1"},
        Case{"data/validation.jsonl.gz", "{from_train: 0}",
             "6:28: data.validation.from_train: 0: above 0 and below 1"},
        Case{"model: models/t5", "model: [a]", "2:8: model: [a]: a Hugging Face directory"},
        Case{"model: models/t5", "model: ~", "2:1: model: empty: a Hugging Face directory"},
        Case{"model: models/t5", "model: ~/t5", "2:8: model: ~/t5: ~ is not expanded; write ${HOME}/t5"},
        Case{"seeds: [3, 1]", "seeds: 5", "42:8: seeds: 5: a list with at least one seed, such as [1, 2, 3]"},
        Case{"seeds: [3, 1]", "seeds: []",
             "42:8: seeds: []: a list with at least one seed, such as [1, 2, 3]"},
        Case{"seeds: [3, 1]", "seeds: [3, 3]", "42:12: seeds: 3: each seed once (it stands in line 42 too)"},
        Case{"seeds: [3, 1]", "seeds: [-1]", "42:9: seeds: -1: at least 0"},
        Case{"seeds: [3, 1]", "seeds: [9223372036854775808]",
             "42:9: seeds: 9223372036854775808: at most 9223372036854775807"},
        Case{"memory: 10GiB", "memory: 10",
             "44:30: resources.memory: 10: a size with its unit, such as 10GiB or 500MB"},
        Case{"memory: 10GiB", "memory: 10GIB",
             "44:30: resources.memory: 10GIB: a size with its unit, such as 10GiB or 500MB; did you mean "
             "'10GiB'?"},
        Case{"memory: 10GiB", "memory: 0B", "44:30: resources.memory: 0B: at least 1B"},
        Case{"gpus: 1", "gpus: 5000", "44:19: resources.gpus: 5000: at most 1024"},
        Case{"gpus: 1", "gpus: -1", "44:19: resources.gpus: -1: at least 0"},
        Case{"backoff: 1m30s", "backoff: 30",
             "45:31: retry.backoff: 30: a duration with its unit, such as 30s, 5m, 6h or 1h30m; did you mean "
             "30s?"},
        Case{"attempts: 5", "attempts: 0", "45:19: retry.attempts: 0: at least 1"},
        Case{"baseline: full", "priority: 101", "43:11: priority: 101: at most 100"},
        Case{"baseline: full", "priority: -101", "43:11: priority: -101: at least -100"},
        Case{"baseline: full", "priorty: 1", "43:1: priorty: unknown key; did you mean 'priority'?"},
        Case{"baseline: full", "max_running: 0", "43:14: max_running: 0: at least 1"},
        Case{"baseline: full", "keep: best",
             "43:1: keep: best: a mapping of checkpoints, artifacts and logs, such as {artifacts: 30d}; "
             "which weights a "
             "trial keeps is said by train.keep"},
        Case{"baseline: full", "keep: {artefacts: 30d}",
             "43:8: keep.artefacts: unknown key; did you mean 'artifacts'?"},
        Case{"baseline: full", "keep: {artifacts: 30}",
             "43:19: keep.artifacts: 30: forever, or a time after the sweep's end, such as 30d or 12h"},
        Case{"baseline: full", "keep: {logs: for ever}",
             "43:14: keep.logs: for ever: forever, or a time after the sweep's end, such as 30d or 12h; did "
             "you mean "
             "'forever'?"},
        Case{"threads: 2", "labels: a100",
             "44:45: resources.labels: a100: a mapping of labels that workers have, such as {gpu: a100}"},
        Case{"threads: 2", "labels: {gpu: a 100}",
             "44:51: resources.labels.gpu: a 100: letters, digits, '.', '_', '-' and '/', a letter or digit "
             "first, at "
             "most 63 characters"},
        Case{"threads: 2", "labels: {'g=u': a100}",
             "44:46: resources.labels: \"g=u\": a label's name is letters, digits, '.', '_', '-' and '/', a "
             "letter or "
             "digit first, at most 63 characters"},
        Case{"threads: 2", "labels: {gpu: a100, gpu: v100}",
             "44:57: resources.labels.gpu: a second time: each label once"},
        Case{"threads: 2", "label: {gpu: a100}",
             "44:37: resources.label: unknown key; did you mean 'labels'?"},
        Case{"attempts: 5", "interruptions: -1", "45:24: retry.interruptions: -1: at least 0"},
        Case{"attempts: 5", "kinds: {crashd: never}",
             "45:17: retry.kinds.crashd: unknown key; did you mean 'crashed'?"},
        Case{"attempts: 5", "kinds: {hangs: never}",
             "45:17: retry.kinds.hangs: unknown key: one of crashed, oom or timed_out"},
        Case{"attempts: 5", "kinds: {diverged: {attempts: 2}}",
             "45:17: retry.kinds.diverged: fails the same way each time, and is never tried again: leave it "
             "out"},
        Case{"attempts: 5", "kinds: {bad_input: never}",
             "45:17: retry.kinds.bad_input: fails the same way each time, and is never tried again: leave it "
             "out"},
        Case{"attempts: 5", "kinds: {lost: never}",
             "45:17: retry.kinds.lost: an interruption, not a failure: retry.interruptions says how many a "
             "trial "
             "may have"},
        Case{"attempts: 5", "kinds: {cancelled: never}",
             "45:17: retry.kinds.cancelled: a person's doing, and only a person undoes it, with sweepctl "
             "retry: "
             "leave it out"},
        Case{"attempts: 5", "kinds: {oom: nver}",
             "45:22: retry.kinds.oom: nver: never, or a mapping of attempts and backoff, such as {attempts: "
             "2, "
             "backoff: 10s}; did you mean 'never'?"},
        Case{"attempts: 5", "kinds: {oom: {backoff: 10}}",
             "45:32: retry.kinds.oom.backoff: 10: a duration with its unit, such as 30s, 5m, 6h or 1h30m; "
             "did you "
             "mean 10s?"},
        Case{"attempts: 5", "kinds: {oom: {atempts: 3}}",
             "45:23: retry.kinds.oom.atempts: unknown key; did you mean 'attempts'?"},
        Case{"attempts: 5", "kinds: never",
             "45:16: retry.kinds: never: a mapping of keys to values (crashed, oom or timed_out)"},
        Case{"time_limit: 6h", "time_limit: 6 hours",
             "46:13: time_limit: 6 hours: a duration with its unit, such as 30s, 5m, 6h or 1h30m"},
        Case{"time_limit: 6h", "time_limit: 10ms", "46:13: time_limit: 10ms: at least 1000ms"},
        Case{"init: random", "init: random, init_text: hello",
             "40:54: arms.prompt.init_text: read with `init: text` only: add that, or leave this out"},
        Case{"sweep: study", "sweep: a b",
             "1:8: sweep: a b: letters, digits, '.', '_' and '-', a letter or digit first, at most 100 "
             "characters"},
        Case{"sweep: study", "sweep: ../x",
             "1:8: sweep: ../x: letters, digits, '.', '_' and '-', a letter or digit first, at most 100 "
             "characters"},
        Case{"sweep: study", "sweep: s-4k2v9x0m1c3p",
             "1:8: sweep: s-4k2v9x0m1c3p: a name that does not look like a sweep's id"}));

INSTANTIATE_TEST_SUITE_P(
    Baselines, OneMistake,
    ::testing::Values(
        Case{"baseline: full", "baseline: ful",
             "43:11: baseline: ful: an arm of this file (lora, full, lead, prompt, zero_shot); did you mean "
             "'full'?"},
        Case{"baseline: full", "baseline: lora",
             "43:11: baseline: lora: the arm lora has 4 configurations, and a baseline is one: one value on "
             "each of its axes, or one configuration by its name, such as 'lora rank=1 targets=q,v'"},
        Case{"baseline: full", "baseline: lora rank=8 targets=q,w",
             "43:11: baseline: lora rank=8 targets=q,w: a configuration of lora, such as 'lora rank=1 "
             "targets=q,v'; did you mean 'lora rank=8 targets=q,v'?"},
        Case{"full: {learning_rate: 1.0e-4}", "full: {learning_rate: [1.0e-4, 1.0e-3]}",
             "43:11: baseline: full: the arm full has 2 configurations, and a baseline is one: one value on "
             "each of its axes, or one configuration by its name, such as 'full learning_rate=0.0001'"}));

INSTANTIATE_TEST_SUITE_P(
    Yaml, OneMistake,
    ::testing::Values(
        Case{"  train: data/", "\ttrain: data/",
             "5:1: a tab before the line's first word: YAML is indented by spaces"},
        Case{"time_limit: 6h\n", "time_limit: 6h\n---\nsweep: b\n",
             "48:1: a second YAML document: one sweep a file"},
        Case{"model: models/t5", "model: *nothing", "2:8: not YAML: the referenced anchor is not defined"},
        Case{"model: models/t5", "model: a: b",
             "2:9: not YAML: illegal map value: one `key: value` a line; a text with ': ' in it in quotes"},
        Case{"model: models/t5", "model: \xFF", "2:1: not UTF-8 text: a sweep file is YAML in UTF-8"}));

TEST(Mistakes, AllAreSaidAtOnceInTheOrderOfTheFile) {
  std::string yaml = GoodFile();
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"sweep: study", "sweep: a b"},
                                                        {"epochs: 3", "epochs: none"},
                                                        {"beams: 4", "beans: 4"},
                                                        {"rank: [1, 8]", "rank: [0, 8]"},
                                                        {"tokens: [5, 20]", "tokens: []"},
                                                        {"seeds: [3, 1]", "seeds: [3, 3]"},
                                                        {"baseline: full", "baseline: ful"},
                                                        {"6h", "6"}}) {
    yaml = Replaced(yaml, from, to);
  }
  EXPECT_THAT(MistakesOf(yaml),
              ElementsAre(HasSubstr(":1:8: sweep: a b"), HasSubstr(":14:11: train.epochs: none"),
                          HasSubstr(":28:3: evaluate.beans: unknown key; did you mean 'beams'?"),
                          HasSubstr(":37:17: arms.lora.rank: 0"), HasSubstr(":40:20: arms.prompt.tokens: []"),
                          HasSubstr(":42:12: seeds: 3"), HasSubstr(":43:11: baseline: ful"),
                          HasSubstr(":46:13: time_limit: 6: a duration")));
}

TEST(Mistakes, NoArmToCompareWith) {
  EXPECT_THAT(MistakesOf(Replaced(With("  full: {learning_rate: 1.0e-4}\n", ""), "baseline: full\n", "")),
              ElementsAre(HasSubstr(
                  ":36:1: arms: no arm full, which is the baseline unless the file says otherwise: add it, "
                  "or name another, such as baseline: lora")));
  EXPECT_THAT(MistakesOf(Replaced(With("full: {learning_rate: 1.0e-4}", "full: {learning_rate: [0.1, 0.2]}"),
                                  "baseline: full\n", "")),
              ElementsAre(HasSubstr(":38:3: baseline: the arm full has 2 configurations")));
}

TEST(Mistakes, HowLongAndHowFastMustBeSaid) {
  EXPECT_THAT(MistakesOf(With("  epochs: 3\n", "")),
              ElementsAre(HasSubstr(":36:3: arms.lora.epochs: missing"),
                          HasSubstr(":37:3: arms.full.epochs: missing")));
  EXPECT_THAT(
      MistakesOf(With("full: {learning_rate: 1.0e-4}",
                      "full: {learning_rate: 0.1, optimizer: {name: adafactor, relative_step: true}}")),
      ElementsAre(HasSubstr(":38:25: arms.full.learning_rate: Adafactor with relative_step makes its own")));
}

TEST(Mistakes, CombinationsAreFoundOnceMade) {
  EXPECT_THAT(
      MistakesOf(With("full: {learning_rate: 1.0e-4}", "full: {learning_rate: 0.1, batch_size: [2, 16]}")),
      ElementsAre(HasSubstr("arms.full.micro_batch_size: 4: at most batch_size, 2"),
                  HasSubstr(":43:11: baseline: full: the arm full has 2")));
  EXPECT_THAT(
      MistakesOf(With("targets: [[q, v], [q, k, v, o]]",
                      "optimizer: {name: [adamw, adafactor], relative_step: true}, targets: [q]")),
      ElementsAre(HasSubstr(":37:3: arms.lora: 'lora rank=1 optimizer=adamw': train.optimizer.relative_step"),
                  HasSubstr(":37:3: arms.lora: 'lora rank=1 optimizer=adafactor': train.learning_rate"),
                  HasSubstr("'lora rank=8 optimizer=adamw'"),
                  HasSubstr("'lora rank=8 optimizer=adafactor'")));
}

TEST(Mistakes, NotAMappingAtAll) {
  EXPECT_THAT(MistakesOf(""), ElementsAre(HasSubstr(":1:1: empty")));
  EXPECT_THAT(MistakesOf("# nothing\n"), ElementsAre(HasSubstr(":1:1: empty")));
  EXPECT_THAT(MistakesOf("~"), ElementsAre(HasSubstr(":1:1: empty")));
  EXPECT_THAT(MistakesOf("[1, 2]"), ElementsAre(HasSubstr(":1:1: the file: [1, 2]: a mapping")));
  EXPECT_THAT(MistakesOf("hello"), ElementsAre(HasSubstr(":1:1: the file: hello: a mapping")));
  EXPECT_THAT(MistakesOf(std::string("a: b\0c", 6)), ElementsAre(HasSubstr(":1:5: a NUL byte")));
  EXPECT_THAT(MistakesOf(std::string(2 << 20, '#')),
              ElementsAre(HasSubstr("2097152 bytes: a sweep file has at most")));
  EXPECT_THAT(MistakesOf(std::string(5000, '[')), ElementsAre(HasSubstr("nested too deep")));
  EXPECT_THAT(MistakesOf(With("data:\n", "data: none\nevaluate_: 1\nx:\n")).at(0),
              HasSubstr("data: none: a mapping of keys"));
}

TEST(Mistakes, OfAnAliasedValueOnce) {
  EXPECT_THAT(MistakesOf(Replaced(With("train: 2000", "train: &n 0"), "test: 400", "test: *n")),
              ElementsAre(HasSubstr(":12:18: data.limit.train: 0: at least 1"),
                          HasSubstr("data.limit.test: 0: at least 1")));
}

TEST(Mistakes, ValuesAreShownShortAndPrintable) {
  const std::vector<std::string> mistakes =
      MistakesOf(With("sweep: study", "sweep: \"\\x1b[31m" + std::string(1000, 'x') + "\""));
  ASSERT_EQ(mistakes.size(), 1U);
  EXPECT_LT(mistakes[0].size(), 300U);
  EXPECT_EQ(mistakes[0].find('\x1b'), std::string::npos);
}

// Each level ten times the one below: reading it element by element would not end.
TEST(Mistakes, ABillionLaughs) {
  std::string yaml = "x0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string below = "*a" + std::to_string(i - 1);
    yaml += "x" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + below;
    for (int j = 0; j < 9; ++j) yaml += ", " + below;
    yaml += "]\n";
  }
  yaml += Replaced(With("rank: [1, 8]", "rank: *a29"), "seeds: [3, 1]", "seeds: *a29");
  EXPECT_EQ(MistakesOf(yaml).size(),
            30U + 1 + 1);  // the unknown keys; rank's and seeds' elements have one place
}

}  // namespace
}  // namespace lorikeet::spec
