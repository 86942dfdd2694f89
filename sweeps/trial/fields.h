// Every setting of a trial with the key it has in JSON: one list for writing and reading, so that they cannot
// part.
//
// A visitor has operator()(key, member) for plain members, Extra(key, member) for those that are written only
// where they are set (so that trials without them keep the text, and the fingerprint, that they had before
// the key was known), Object(key, walk) for a section, and one function for each of the four settings that
// JSON words otherwise than the struct does. Internal to sweeps/trial.
#pragma once

#include "sweeps/trial/trial.h"

namespace lorikeet::trial {

// `Settings` is a struct of trial.h, const when writing.
template <typename Visitor, typename Settings>
void WalkData(Visitor& visit, Settings& data) {
  visit("format", data.format);
  visit("train", data.train);
  visit.Validation("validation", data);  // a path, or {"from_train": 0.05}
  visit("test", data.test);
  visit.Object("fields", [&](auto& fields) {
    fields("source", data.source_field);
    fields("target", data.target_field);
    fields("id", data.id_field);
  });
  visit("source_prefix", data.source_prefix);
  visit("max_source_tokens", data.max_source_tokens);
  visit("max_target_tokens", data.max_target_tokens);
  visit.Object("limit", [&](auto& limit) {
    limit("train", data.limit_train);
    limit("validation", data.limit_validation);
    limit("test", data.limit_test);
  });
}

template <typename Visitor, typename Settings>
void WalkTrain(Visitor& visit, Settings& train) {
  visit("epochs", train.epochs);
  visit("steps", train.steps);
  visit("batch_size", train.batch_size);
  visit("micro_batch_size", train.micro_batch_size);
  visit.Object("optimizer", [&](auto& optimizer) {
    optimizer("name", train.optimizer.name);
    optimizer("weight_decay", train.optimizer.weight_decay);
    optimizer.Betas("betas", train.optimizer);  // [beta1, beta2]
    optimizer("eps", train.optimizer.eps);
    optimizer("relative_step", train.optimizer.relative_step);
    optimizer("scale_parameter", train.optimizer.scale_parameter);
  });
  visit("learning_rate", train.learning_rate);
  visit("schedule", train.schedule);
  visit("warmup_steps", train.warmup_steps);
  visit("precision", train.precision);
  visit("dropout", train.dropout);
  visit.Extra("gradient_checkpointing", train.gradient_checkpointing);
  visit("gradient_clip", train.gradient_clip);
  visit.ValidateEvery("validate_every", train);  // "epoch", or a number of steps
  visit("keep", train.keep);
  visit("keep_by", train.keep_by);
  visit("patience", train.patience);
}

template <typename Visitor, typename Settings>
void WalkEvaluate(Visitor& visit, Settings& evaluate) {
  visit("beams", evaluate.beams);
  visit("max_new_tokens", evaluate.max_new_tokens);
  visit("min_new_tokens", evaluate.min_new_tokens);
  visit("length_penalty", evaluate.length_penalty);
  visit("no_repeat_ngram_size", evaluate.no_repeat_ngram_size);
  visit.EarlyStopping("early_stopping", evaluate);  // true, false or "never"
  visit("batch_size", evaluate.batch_size);
  visit("sentence_split", evaluate.sentence_split);
}

// The method's own section; none with full and zero_shot.
template <typename Visitor, typename Settings>
void WalkMethod(Visitor& visit, Settings& trial) {
  if (trial.method == Method::kLora) {
    visit.Object("lora", [&](auto& lora) {
      lora("rank", trial.lora.rank);
      lora("alpha", trial.lora.alpha);
      lora("targets", trial.lora.targets);
      lora("dropout", trial.lora.dropout);
      lora.Extra("adapter", trial.lora.adapter);
    });
  } else if (trial.method == Method::kPrompt) {
    visit.Object("prompt", [&](auto& prompt) {
      prompt("tokens", trial.prompt.tokens);
      prompt("init", trial.prompt.init);
      prompt("init_text", trial.prompt.init_text);
      prompt.Extra("adapter", trial.prompt.adapter);
    });
  } else if (trial.method == Method::kLead) {
    visit.Object("lead", [&](auto& lead) { lead("sentences", trial.lead.sentences); });
  }
}

template <typename Visitor, typename Settings>
void WalkTrial(Visitor& visit, Settings& trial) {
  visit("sweep", trial.sweep);
  visit("configuration", trial.configuration);
  visit("method", trial.method);
  visit("seed", trial.seed);
  visit("model", trial.model);
  visit.Object("data", [&](auto& data) { WalkData(data, trial.data); });
  visit.Object("train", [&](auto& train) { WalkTrain(train, trial.train); });
  visit.Object("evaluate", [&](auto& evaluate) { WalkEvaluate(evaluate, trial.evaluate); });
  WalkMethod(visit, trial);
  visit.Object("resources", [&](auto& resources) {
    resources("gpus", trial.resources.gpus);
    resources("memory_bytes", trial.resources.memory_bytes);
    resources("threads", trial.resources.threads);
  });
  visit("time_limit_seconds", trial.time_limit_seconds);
}

}  // namespace lorikeet::trial
