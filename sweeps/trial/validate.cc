#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <set>

#include "common/json.h"
#include "common/nearest.h"
#include "sweeps/trial/trial.h"

namespace lorikeet {
namespace {

// Counts stay where products of a few of them, and the trainer's 32-bit sizes, cannot overflow.
constexpr std::int64_t kMostOfAnything = std::numeric_limits<std::int32_t>::max();

class Checker {
 public:
  void Say(const std::string& path, const std::string& what) { mistakes_.push_back(path + ": " + what); }

  void AtLeast(const std::string& path, std::int64_t value, std::int64_t least) {
    if (value < least) Say(path, fmt::format("{}: at least {}", value, least));
    if (value > kMostOfAnything) Say(path, fmt::format("{}: at most {}", value, kMostOfAnything));
  }
  void AtLeast(const std::string& path, const std::optional<std::int64_t>& value, std::int64_t least) {
    if (value) AtLeast(path, *value, least);
  }
  void Positive(const std::string& path, double value) {
    if (!std::isfinite(value) || value <= 0) Say(path, fmt::format("{}: more than 0, and finite", value));
  }
  void NotNegative(const std::string& path, double value) {
    if (!std::isfinite(value) || value < 0) Say(path, fmt::format("{}: at least 0, and finite", value));
  }
  void Share(const std::string& path, double value) {  // 0 <= value < 1
    if (!(value >= 0 && value < 1)) Say(path, fmt::format("{}: at least 0 and less than 1", value));
  }
  void OneOf(const std::string& path, const std::string& value, const std::vector<std::string>& choices) {
    if (std::find(choices.begin(), choices.end(), value) != choices.end()) return;
    const std::string& last = choices.back();
    const std::string others = fmt::format("{}", fmt::join(choices.begin(), choices.end() - 1, ", "));
    Say(path, fmt::format("'{}': {} or {}{}", value, others, last, DidYouMean(value, choices)));
  }
  void Text(const std::string& path, const std::string& value) {
    if (!IsUtf8(value)) Say(path, "is not valid UTF-8");
  }
  void Needed(const std::string& path, const std::string& value, const std::string& what) {
    if (value.empty()) Say(path, "missing: " + what);
    Text(path, value);
  }

  Status Outcome() const {
    if (mistakes_.empty()) return absl::OkStatus();
    return InvalidArgument("{}", fmt::join(mistakes_, "\n"));
  }

 private:
  std::vector<std::string> mistakes_;
};

void CheckData(Checker& check, const DataSettings& data, Method method) {
  check.OneOf("data.format", data.format, {"auto", "jsonl", "cohan"});
  const bool held_out = data.validation_from_train != 0;
  if (Trains(method) || held_out) check.Needed("data.train", data.train, "the file to train on");
  if (!data.validation.empty() && held_out) {
    check.Say("data.validation", "a file and from_train: one of the two");
  } else if (data.validation.empty() && !held_out) {
    check.Say("data.validation", "missing: a file, or {from_train: 0.05}");
  } else if (held_out && !(data.validation_from_train > 0 && data.validation_from_train < 1)) {
    check.Say("data.validation.from_train",
              fmt::format("{}: more than 0 and less than 1", data.validation_from_train));
  }
  check.Text("data.validation", data.validation);
  check.Needed("data.test", data.test, "the file to test on");
  check.Needed("data.fields.source", data.source_field, "the article's key");
  check.Needed("data.fields.target", data.target_field, "the abstract's key");
  check.Needed("data.fields.id", data.id_field, "the id's key");
  if (data.source_field == data.target_field) {
    check.Say("data.fields.target", fmt::format("'{}': is the source's key too", data.target_field));
  }
  check.Text("data.source_prefix", data.source_prefix);
  check.AtLeast("data.max_source_tokens", data.max_source_tokens, 1);
  check.AtLeast("data.max_target_tokens", data.max_target_tokens, 1);
  check.AtLeast("data.limit.train", data.limit_train, 1);
  check.AtLeast("data.limit.validation", data.limit_validation, 1);
  check.AtLeast("data.limit.test", data.limit_test, 1);
}

void CheckOptimizer(Checker& check, const TrainSettings& train, Method method) {
  const OptimizerSettings& optimizer = train.optimizer;
  check.OneOf("train.optimizer.name", optimizer.name, {"adamw", "adafactor"});
  check.NotNegative("train.optimizer.weight_decay", optimizer.weight_decay);
  check.Share("train.optimizer.betas", optimizer.beta1);
  check.Share("train.optimizer.betas", optimizer.beta2);
  check.Positive("train.optimizer.eps", optimizer.eps);
  const bool adafactor = optimizer.name == "adafactor";
  if (optimizer.relative_step && !adafactor) {
    check.Say("train.optimizer.relative_step",
              fmt::format("belongs to adafactor, not to {}", optimizer.name));
  }
  if (optimizer.scale_parameter && !adafactor) {
    check.Say("train.optimizer.scale_parameter",
              fmt::format("belongs to adafactor, not to {}", optimizer.name));
  }
  if (train.learning_rate) {
    check.Positive("train.learning_rate", *train.learning_rate);
    if (adafactor && optimizer.relative_step) {
      check.Say("train.learning_rate",
                "adafactor with relative_step finds its own: leave one of the two out");
    }
  } else if (Trains(method) && !(adafactor && optimizer.relative_step)) {
    check.Say("train.learning_rate", "missing: a number such as 0.001");
  }
}

void CheckTrain(Checker& check, const TrainSettings& train, Method method) {
  if (train.epochs && train.steps) {
    check.Say("train.epochs", "epochs and steps are both given: exactly one of them");
  } else if (Trains(method) && !train.epochs && !train.steps) {
    check.Say("train.epochs", "missing: exactly one of epochs and steps");
  }
  check.AtLeast("train.epochs", train.epochs, 1);
  check.AtLeast("train.steps", train.steps, 1);
  check.AtLeast("train.batch_size", train.batch_size, 1);
  check.AtLeast("train.micro_batch_size", train.micro_batch_size, 1);
  if (train.micro_batch_size && *train.micro_batch_size > train.batch_size) {
    check.Say("train.micro_batch_size",
              fmt::format("{}: at most batch_size, which is {}", *train.micro_batch_size, train.batch_size));
  }
  CheckOptimizer(check, train, method);
  check.OneOf("train.schedule", train.schedule, {"constant", "linear", "cosine"});
  check.AtLeast("train.warmup_steps", train.warmup_steps, 0);
  if (train.precision == "fp16") {
    check.Say("train.precision", fmt::format("'fp16': {}", kWhyNotFp16));
  } else {
    check.OneOf("train.precision", train.precision, {"fp32", "bf16"});
  }
  if (train.dropout) check.Share("train.dropout", *train.dropout);
  check.NotNegative("train.gradient_clip", train.gradient_clip);
  check.AtLeast("train.validate_every", train.validate_every_steps, 1);
  check.OneOf("train.keep", train.keep, {"best", "last"});
  check.OneOf("train.keep_by", train.keep_by, {"validation_loss", "validation_rouge1"});
  check.AtLeast("train.patience", train.patience, 1);
}

void CheckEvaluate(Checker& check, const EvaluateSettings& evaluate) {
  check.AtLeast("evaluate.beams", evaluate.beams, 1);
  check.AtLeast("evaluate.max_new_tokens", evaluate.max_new_tokens, 1);
  check.AtLeast("evaluate.min_new_tokens", evaluate.min_new_tokens, 0);
  if (evaluate.min_new_tokens > evaluate.max_new_tokens) {
    check.Say("evaluate.min_new_tokens", fmt::format("{}: at most max_new_tokens, which is {}",
                                                     evaluate.min_new_tokens, evaluate.max_new_tokens));
  }
  if (!std::isfinite(evaluate.length_penalty)) {
    check.Say("evaluate.length_penalty", fmt::format("{}: must be finite", evaluate.length_penalty));
  }
  check.AtLeast("evaluate.no_repeat_ngram_size", evaluate.no_repeat_ngram_size, 0);
  check.OneOf("evaluate.early_stopping", evaluate.early_stopping, {"true", "false", "never"});
  check.AtLeast("evaluate.batch_size", evaluate.batch_size, 1);
  check.OneOf("evaluate.sentence_split", evaluate.sentence_split, {"auto", "newline"});
}

void CheckLora(Checker& check, const LoraSettings& lora) {
  const bool given = !lora.adapter.empty();  // what is not said is the adapter's then
  check.Text("lora.adapter", lora.adapter);
  check.AtLeast("lora.rank", lora.rank, given ? 0 : 1);
  if (!given || lora.alpha != 0) check.Positive("lora.alpha", lora.alpha);
  if (lora.targets.empty() && !given)
    check.Say("lora.targets", "empty: at least one of q, k, v, o, wi, wi_0, wi_1, wo");
  std::set<std::string> seen;
  for (const std::string& target : lora.targets) {
    check.OneOf("lora.targets", target, {"q", "k", "v", "o", "wi", "wi_0", "wi_1", "wo"});
    if (!seen.insert(target).second) check.Say("lora.targets", fmt::format("'{}': stands twice", target));
  }
  check.Share("lora.dropout", lora.dropout);
}

void CheckPrompt(Checker& check, const PromptSettings& prompt) {
  check.Text("prompt.adapter", prompt.adapter);
  check.AtLeast("prompt.tokens", prompt.tokens, prompt.adapter.empty() ? 1 : 0);
  check.OneOf("prompt.init", prompt.init, {"random", "vocabulary", "text"});
  if (prompt.init == "text") {
    check.Needed("prompt.init_text", prompt.init_text, "the text to start from, with init: text");
  } else if (!prompt.init_text.empty()) {
    check.Say("prompt.init_text", fmt::format("is read with init: text only, and init is {}", prompt.init));
  }
}

}  // namespace

Status Validate(const Trial& trial) {
  Checker check;
  check.Text("sweep", trial.sweep);
  check.Text("configuration", trial.configuration);
  if (trial.seed < 0) check.Say("seed", fmt::format("{}: at least 0", trial.seed));
  if (trial.method == Method::kLead) {
    check.Text("model", trial.model);
  } else {
    check.Needed("model", trial.model, "a Hugging Face directory");
  }
  CheckData(check, trial.data, trial.method);
  CheckTrain(check, trial.train, trial.method);
  CheckEvaluate(check, trial.evaluate);
  if (trial.method == Method::kLora) CheckLora(check, trial.lora);
  if (trial.method == Method::kPrompt) CheckPrompt(check, trial.prompt);
  if (trial.method == Method::kLead) check.AtLeast("lead.sentences", trial.lead.sentences, 1);
  check.AtLeast("resources.gpus", trial.resources.gpus, 0);
  if (trial.resources.memory_bytes && *trial.resources.memory_bytes < 1) {
    check.Say("resources.memory_bytes", fmt::format("{}: at least 1", *trial.resources.memory_bytes));
  }
  check.AtLeast("resources.threads", trial.resources.threads, 1);
  if (trial.time_limit_seconds) check.Positive("time_limit_seconds", *trial.time_limit_seconds);
  return check.Outcome();
}

}  // namespace lorikeet
