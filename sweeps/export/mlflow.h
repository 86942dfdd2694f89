// A sweep's trials as runs of an MLflow server, through its REST API (2.0).
//
// A run carries its trial's id and what the trial had come to as tags. A trial whose run is there as it is
// now is passed over; one whose run is older, or was cut off half-way, gets a new run, and the old one is
// deleted (MLflow keeps deleted runs until its own gc). Errors say what the server answered. Not thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"
#include "sweeps/export/lines.h"

namespace lorikeet::exporting {

struct MlflowOptions {
  std::string url;             // http://HOST:PORT, https://…, with a path before it where there is one
  std::string token;           // MLFLOW_TRACKING_TOKEN: sent over https, or to this machine
  std::string user, password;  // MLFLOW_TRACKING_USERNAME, _PASSWORD: likewise
};

class Mlflow {
 public:
  // InvalidArgument for a URL that is none, or one that a secret must not go to.
  static StatusOr<std::unique_ptr<Mlflow>> Create(const MlflowOptions& options);
  ~Mlflow();
  Mlflow(const Mlflow&) = delete;
  Mlflow& operator=(const Mlflow&) = delete;

  // The lines of sweeps/report/runs.cc, in their order.
  Status Take(const Json& line);
  Status Finish();

  const std::string& experiment() const { return experiment_; }
  const std::string& experiment_id() const { return experiment_id_; }
  std::int64_t written() const { return written_; }
  std::int64_t passed_over() const { return passed_over_; }
  std::int64_t not_numbers() const { return not_numbers_; }  // points that MLflow has no value for

 private:
  class Http;
  explicit Mlflow(std::unique_ptr<Http> http);

  Status BeginExperiment(const Json& sweep);
  Status BeginRun(const Json& run);
  Status EndRun();
  // Whether the trial's run is there as it is now; deletes those that are not.
  StatusOr<bool> IsThere(const std::string& trial, const std::string& state);
  Status LogParams(const Json& run);
  Status Points(const Json& line);
  Status AddMetric(const std::string& name, double value, std::int64_t step, std::int64_t milliseconds);
  Status SendMetrics();

  const std::unique_ptr<Http> http_;
  std::string experiment_, experiment_id_;
  // ---- of the run under way
  Json run_;
  std::string run_id_;  // empty: there is none, or it is passed over
  Json metrics_ = Json::array();
  // ---- for whoever asks
  std::int64_t written_ = 0, passed_over_ = 0, not_numbers_ = 0;
};

}  // namespace lorikeet::exporting
