// What was read of sweeps, made by hand.
#pragma once

#include <cmath>
#include <string>

#include "sweeps/report/series.h"

namespace lorikeet::plot {

inline report::SweepFacts MakeFacts() {
  report::SweepFacts facts;
  facts.name = "demo";
  facts.id = "s-1";
  facts.state = "finished";
  facts.trials = facts.succeeded = 12;
  facts.seeds = 3;
  facts.test_documents = 64;
  return facts;
}

inline report::Score MakeScore(double mean, double half = 0.5) {
  report::Score score;
  score.seeds = 3;
  score.mean = mean;
  score.sd = half / 2.48413771;
  score.low = mean - half;
  score.high = mean + half;
  return score;
}

// LoRA's ranks 1, 4, 16 at 40, 42, 44; the baseline at 43 ± 1.
inline report::Sensitivity MakeSensitivity(int lines = 1) {
  report::Sensitivity read;
  read.sweep = MakeFacts();
  read.metric = "rouge1";
  read.baseline = "full";
  read.baseline_score = MakeScore(43, 1);
  for (int i = 0; i < lines; ++i) {
    report::SensitivityLine line{.arm = "lora", .axis = "rank", .held = "", .points = {}};
    if (lines > 1) line.held = "learning_rate=" + std::to_string(i);
    for (const int rank : {1, 4, 16}) {
      line.points.push_back({.value = std::to_string(rank),
                             .number = rank,
                             .score = MakeScore(40 + std::log2(rank) + 0.1 * i)});
    }
    read.lines.push_back(line);
  }
  return read;
}

inline report::Curves MakeCurves(int configurations, int seeds, int steps = 50) {
  report::Curves read;
  read.sweep = MakeFacts();
  read.metric = "train_loss";
  read.metrics = {"train_loss"};
  for (int c = 0; c < configurations; ++c) {
    report::CurveGroup group;
    group.arm = c == 0 ? "full" : "lora";
    group.configuration = c == 0 ? "full" : "lora rank=" + std::to_string(c);
    group.baseline = c == 0;
    group.planned = seeds;
    for (int seed = 0; seed < seeds; ++seed) {
      report::Curve curve;
      curve.trial = group.configuration + " seed=" + std::to_string(seed);
      curve.seed = seed;
      for (int step = 1; step <= steps; ++step)
        curve.points.push_back(
            {.step = step, .value = 2 + 3 * std::exp(-step / 10.0) + 0.05 * c + 0.01 * seed});
      curve.reported = steps;
      group.seeds.push_back(curve);
    }
    if (seeds > 1) {
      for (const report::CurvePoint& point : group.seeds[0].points)
        group.mean.push_back({.step = point.step, .mean = point.value, .low = {}, .high = {}});
    }
    read.groups.push_back(group);
  }
  return read;
}

inline report::Pareto MakePareto() {
  report::Pareto read;
  read.sweep = MakeFacts();
  read.metric = "rouge1";
  read.device_models = {"CPU one"};
  for (const report::Cost& cost : report::Costs()) {
    report::ParetoPanel panel{.cost = cost, .points = {}};
    const auto add = [&](const char* arm, const char* name, double mean, std::optional<double> value,
                         bool front) {
      report::ParetoPoint point;
      point.arm = arm;
      point.configuration = name;
      point.baseline = std::string(arm) == "full";
      point.score = MakeScore(mean);
      point.cost = value;
      point.front = front;
      panel.points.push_back(point);
    };
    add("full", "full", 44, 1e6, true);
    add("lora", "lora rank=8", 43, 1e4, true);
    add("lora", "lora rank=2", 41, 2e4, false);
    add("lead", "lead", 38,
        std::string(cost.name) == "trainable_parameters" ? std::optional(0.0) : std::nullopt,
        std::string(cost.name) == "trainable_parameters");
    read.panels.push_back(panel);
  }
  return read;
}

}  // namespace lorikeet::plot
