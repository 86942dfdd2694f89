#include "coordinator/web/api/series_json.h"

#include <utility>

namespace lorikeet::web {
namespace {

Json ScoreJson(const report::Score& score) {
  return {{"seeds", score.seeds},
          {"mean", OrNull(score.mean)},
          {"sd", OrNull(score.sd)},
          {"low", OrNull(score.low)},
          {"high", OrNull(score.high)},
          {"lowest", OrNull(score.lowest)},
          {"highest", OrNull(score.highest)}};
}

Json CurveJson(const report::Curve& curve) {
  Json steps = Json::array(), values = Json::array();
  for (const report::CurvePoint& point : curve.points) {
    steps.push_back(point.step);
    values.push_back(point.value);
  }
  return {{"trial", curve.trial_id},    {"name", curve.trial},
          {"state", curve.state},       {"seed", curve.seed},
          {"steps", std::move(steps)},  {"values", std::move(values)},
          {"reported", curve.reported}, {"not_numbers", curve.not_numbers}};
}

}  // namespace

Json ToJson(const report::Sensitivity& sensitivity) {
  Json json = {{"metric", sensitivity.metric},
               {"baseline", sensitivity.baseline},
               {"baseline_score", ScoreJson(sensitivity.baseline_score)}};
  json["lines"] = Json::array();
  for (const report::SensitivityLine& line : sensitivity.lines) {
    Json points = Json::array();
    for (const report::SensitivityPoint& point : line.points) {
      points.push_back(
          {{"value", point.value}, {"number", OrNull(point.number)}, {"score", ScoreJson(point.score)}});
    }
    json["lines"].push_back(
        {{"arm", line.arm}, {"axis", line.axis}, {"held", line.held}, {"points", std::move(points)}});
  }
  return json;
}

Json ToJson(const report::Curves& curves) {
  Json json = {{"metric", curves.metric},
               {"metrics", curves.metrics},
               {"trials", curves.trials},
               {"reported", curves.reported}};
  json["groups"] = Json::array();
  for (const report::CurveGroup& group : curves.groups) {
    Json seeds = Json::array();
    for (const report::Curve& curve : group.seeds) seeds.push_back(CurveJson(curve));
    json["groups"].push_back({{"arm", group.arm},
                              {"configuration", group.configuration},
                              {"baseline", group.baseline},
                              {"seeds", std::move(seeds)}});
  }
  return json;
}

Json ToJson(const report::Pareto& pareto) {
  Json json = {{"metric", pareto.metric},
               {"device_models", pareto.device_models},
               {"benchmark_device_model", pareto.benchmark_device_model}};
  json["panels"] = Json::array();
  for (const report::ParetoPanel& panel : pareto.panels) {
    Json points = Json::array();
    for (const report::ParetoPoint& point : panel.points) {
      points.push_back({{"arm", point.arm},
                        {"configuration", point.configuration},
                        {"baseline", point.baseline},
                        {"reference", point.reference},
                        {"score", ScoreJson(point.score)},
                        {"cost", OrNull(point.cost)},
                        {"front", point.front}});
    }
    json["panels"].push_back({{"name", panel.cost.name},
                              {"label", panel.cost.label},
                              {"unit", panel.cost.unit},
                              {"more_is_better", panel.cost.more_is_better},
                              {"points", std::move(points)}});
  }
  return json;
}

}  // namespace lorikeet::web
