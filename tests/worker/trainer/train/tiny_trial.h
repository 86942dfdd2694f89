// A tiny model with tiny data on disk, and a trial over them.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/files.h"
#include "sweeps/trial/trial.h"
#include "tests/paths.h"
#include "worker/text/tokenizer.h"
#include "worker/trainer/model/t5.h"
#include "worker/trainer/train/device.h"
#include "worker/trainer/train/trial_run.h"

namespace lorikeet::trainer {

class TinyTrial : public testing::Test {
 protected:
  void SetUp() override {
    SetUpCompute(1);
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    directory_ =
        std::filesystem::path(testing::TempDir()) / (std::string("lorikeet-") + info->test_suite_name() +
                                                     "-" + info->name() + "-" + std::to_string(getpid()));
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    SaveModel(Path("model"), 0);
    WriteData("train.jsonl", 0, 10);
    WriteData("validation.jsonl", 100, 4);
    WriteData("test.jsonl", 200, 5);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string Path(const std::string& name) const { return (directory_ / name).string(); }

  // `missing_rows`: how many rows the embedding is too small by.
  static void SaveModel(const std::string& directory, std::int64_t missing_rows) {
    const std::string tokenizer = std::string(kTestsDir) + "/worker/text/tiny_t5";
    T5Config config;
    config.vocab_size = text::Tokenizer::Load(tokenizer).value()->vocabulary_size() - missing_rows;
    config.d_model = 16;
    config.d_kv = 4;
    config.d_ff = 24;
    config.num_heads = 2;
    config.num_layers = 2;
    config.num_decoder_layers = 1;
    config.gated = true;
    config.activation = "gelu_new";
    const auto model = T5::Initialize(config, 3, LoadOptions{});
    ASSERT_TRUE(model->Save(directory, tokenizer).ok());
  }

  void WriteData(const std::string& name, int first, int count) const {
    std::ofstream file(Path(name));
    for (int i = first; i < first + count; ++i) {
      const std::string word = i % 2 == 0 ? "pain" : "fever";
      std::string article = "patient " + std::to_string(i) + " had " + word + " .";
      for (int k = 0; k < i % 4; ++k) article += " the " + word + " was treated quickly .";
      file << nlohmann::json{{"id", fmt::format("d{}", i)},
                             {"article", article},
                             {"abstract", "patient with " + word + (i % 3 == 0 ? " was treated ." : " .")}}
                  .dump()
           << "\n";
    }
  }

  Trial MakeTrial(Method method) const {
    Trial trial;
    trial.sweep = "tiny";
    trial.configuration = MethodName(method);
    trial.method = method;
    trial.seed = 5;
    trial.model = Path("model");
    trial.data.train = Path("train.jsonl");
    trial.data.validation = Path("validation.jsonl");
    trial.data.test = Path("test.jsonl");
    trial.data.max_source_tokens = 32;
    trial.data.max_target_tokens = 16;
    trial.train.epochs = 3;
    trial.train.batch_size = 4;
    trial.train.learning_rate = 0.01;
    trial.train.warmup_steps = 1;
    trial.evaluate.max_new_tokens = 6;
    trial.evaluate.batch_size = 2;
    trial.lora.rank = 2;
    trial.lora.alpha = 4;
    trial.lora.dropout = 0.1;
    trial.prompt.tokens = 3;
    trial.lead.sentences = 1;
    return trial;
  }

  TrialRunOptions Options(const Trial& trial, const std::string& out) const {
    TrialRunOptions options;
    options.trial = trial;
    options.directory = Path(out);
    std::filesystem::create_directories(options.directory);
    return options;
  }

  // Runs and keeps what was sent.
  struct Run {
    StatusOr<TrialEnd> end = TrialEnd::kDone;
    std::vector<protocol::Event> events;

    template <typename Event>
    std::vector<Event> All() const {
      std::vector<Event> found;
      for (const auto& event : events) {
        if (const auto* one = std::get_if<Event>(&event)) found.push_back(*one);
      }
      return found;
    }
    std::vector<double> Metrics(const std::string& name) const {
      std::vector<double> values;
      for (const auto& metric : All<protocol::Metric>()) {
        if (metric.name == name) values.push_back(metric.value);
      }
      return values;
    }
    protocol::Result result() const {
      const auto results = All<protocol::Result>();
      if (results.size() != 1) throw std::runtime_error("no result: " + Message(end.status()));
      return results[0];
    }
  };

  static Run RunOf(const TrialRunOptions& options) { return RunUntil(options, -1, false); }

  // Stops after `steps` steps: asked to, or as if killed there.
  static Run RunUntil(const TrialRunOptions& options, std::int64_t steps, bool killed) {
    Run run;
    std::int64_t done = -1;
    TrialHooks hooks;
    hooks.send = [&](const protocol::Event& event) {
      run.events.push_back(event);
      const auto* metric = std::get_if<protocol::Metric>(&event);
      if (metric != nullptr && metric->name == "gradient_norm") done = metric->step;
      if (killed && done == steps && std::holds_alternative<protocol::CheckpointSaved>(event)) {
        throw std::runtime_error("killed");
      }
    };
    hooks.stop = [&] { return !killed && steps >= 0 && done >= steps; };
    run.end = RunTrial(options, hooks);
    return run;
  }

  std::filesystem::path directory_;
};

}  // namespace lorikeet::trainer
