// Calls of MLflow's REST API. Internal to sweeps/export.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sweeps/export/mlflow.h"

namespace lorikeet::exporting {

// One connection, kept open. Each call ends within a minute. Unavailable where nobody answers; else what the
// server says, with its words.
class Mlflow::Http {
 public:
  static StatusOr<std::unique_ptr<Http>> Create(const MlflowOptions& options);
  ~Http();
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  StatusOr<Json> Post(const std::string& call, const Json& request);
  // A GET of what `key` names; nothing where the server has no such thing.
  StatusOr<std::optional<Json>> Find(const std::string& call, const std::string& key,
                                     const std::string& value);

 private:
  struct Impl;
  explicit Http(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace lorikeet::exporting
