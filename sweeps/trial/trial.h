// One trial's settings: what the sweep file's expansion, the coordinator and the trainer all mean by it.
//
// A trial is a configuration (one point of an arm's grid) with one seed. The same structure is what
// `sweep-trainer train --trial FILE.json` reads. Plain values, no I/O. Paths are absolute, or relative to the
// process that reads them. Field names are those of the sweep file (docs/sweep-file.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"

namespace lorikeet {

enum class Method { kFull, kLora, kPrompt, kZeroShot, kLead };

// "full", "lora", "prompt", "zero_shot", "lead": the names of the arms.
std::string MethodName(Method method);
StatusOr<Method> ParseMethod(const std::string& name);
// Whether the method trains anything; zero_shot and lead are references, run once whatever the seeds.
inline bool Trains(Method method) {
  return method == Method::kFull || method == Method::kLora || method == Method::kPrompt;
}

struct LoraSettings {
  std::int64_t rank = 8;
  double alpha = 16;                              // the update is scaled by alpha / rank
  std::vector<std::string> targets = {"q", "v"};  // of q k v o wi wi_0 wi_1 wo
  double dropout = 0;  // on the input of lora_A only, beside the base model's own dropout
  // A PEFT directory to start from, in place of a fresh adapter; empty: none. With one, a rank or alpha of 0
  // and no targets mean the adapter's own.
  std::string adapter = {};
  friend bool operator==(const LoraSettings&, const LoraSettings&) = default;
};

struct PromptSettings {
  std::int64_t tokens = 20;
  std::string init = "vocabulary";  // random, vocabulary or text
  std::string init_text;            // with init: text
  std::string adapter = {};         // as LoraSettings': with one, tokens may be 0, and init is not read
  friend bool operator==(const PromptSettings&, const PromptSettings&) = default;
};

// Why precision: fp16 is refused wherever it is asked for.
inline constexpr const char* kWhyNotFp16 =
    "T5's activations overflow in half precision (its largest number is 65504): bf16 or fp32";

struct LeadSettings {
  std::int64_t sentences = 3;
  friend bool operator==(const LeadSettings&, const LeadSettings&) = default;
};

struct DataSettings {
  std::string format = "auto";  // auto, jsonl or cohan
  std::string train;
  std::string validation;            // empty with from_train
  double validation_from_train = 0;  // share of train held out when `validation` is empty, in (0, 1)
  std::string test;
  std::string source_field = "article";
  std::string target_field = "abstract";
  std::string id_field = "id";
  std::string source_prefix;
  std::int64_t max_source_tokens = 1024;  // prompt tokens come on top
  std::int64_t max_target_tokens = 256;
  std::optional<std::int64_t> limit_train, limit_validation, limit_test;  // the first N documents
  friend bool operator==(const DataSettings&, const DataSettings&) = default;
};

struct OptimizerSettings {
  std::string name = "adamw";  // or adafactor
  double weight_decay = 0;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;        // AdamW
  bool relative_step = false, scale_parameter = false;  // Adafactor
  friend bool operator==(const OptimizerSettings&, const OptimizerSettings&) = default;
};

struct TrainSettings {
  std::optional<std::int64_t> epochs;  // exactly one of epochs and steps
  std::optional<std::int64_t> steps;
  std::int64_t batch_size = 16;                  // the effective batch, in documents
  std::optional<std::int64_t> micro_batch_size;  // unset: the batch, halved when memory runs out
  OptimizerSettings optimizer;
  std::optional<double> learning_rate;  // needed unless Adafactor has relative_step
  std::string schedule = "linear";      // constant, linear or cosine
  std::int64_t warmup_steps = 0;
  std::string precision = "fp32";       // or bf16
  std::optional<double> dropout;        // overrides the base's dropout_rate
  bool gradient_checkpointing = false;  // blocks are run again for their gradients: slower, far less memory
  double gradient_clip = 1.0;           // global norm; 0 turns it off
  std::optional<std::int64_t> validate_every_steps;  // unset: every epoch
  std::string keep = "best";                         // or last
  std::string keep_by = "validation_loss";           // or validation_rouge1
  std::optional<std::int64_t> patience;              // validations without a gain
  friend bool operator==(const TrainSettings&, const TrainSettings&) = default;
};

struct EvaluateSettings {
  std::int64_t beams = 1;
  std::int64_t max_new_tokens = 256;
  std::int64_t min_new_tokens = 0;
  double length_penalty = 1.0;
  std::int64_t no_repeat_ngram_size = 0;
  std::string early_stopping = "false";  // true, false or never, as transformers' GenerationConfig means it
  std::int64_t batch_size = 16;
  std::string sentence_split = "auto";  // or newline
  friend bool operator==(const EvaluateSettings&, const EvaluateSettings&) = default;
};

struct ResourceSettings {
  std::int64_t gpus = 0;                     // 0: one slot of any kind
  std::optional<std::int64_t> memory_bytes;  // of the GPU, or of the process on CPUs
  std::optional<std::int64_t> threads;
  friend bool operator==(const ResourceSettings&, const ResourceSettings&) = default;
};

struct Trial {
  std::string sweep;          // the sweep's name
  std::string configuration;  // "lora rank=8 learning_rate=0.001": method and axes, without the seed
  Method method = Method::kFull;
  std::int64_t seed = 0;  // initialisation, data order, dropout; 0 for the references
  std::string model;      // a Hugging Face directory
  DataSettings data;
  TrainSettings train;
  EvaluateSettings evaluate;
  LoraSettings lora;      // read with Method::kLora
  PromptSettings prompt;  // read with Method::kPrompt
  LeadSettings lead;      // read with Method::kLead
  ResourceSettings resources;
  std::optional<double> time_limit_seconds;  // of an attempt
  friend bool operator==(const Trial&, const Trial&) = default;
};

// The PEFT directory that the trial starts from; empty where there is none.
const std::string& StartAdapter(const Trial& trial);

// JSON, one object, keys in a fixed order, the method's own settings only. The same trial gives the same
// text.
std::string ToJson(const Trial& trial);

// Reads what ToJson writes. Refuses an unknown key, a wrong type or an impossible value by its name
// ("train.batch_size: 0: at least 1").
StatusOr<Trial> TrialFromJson(const std::string& text);

// What TrialFromJson checks, for a trial made otherwise: every value in its range. Every mistake, one a line.
Status Validate(const Trial& trial);

}  // namespace lorikeet
