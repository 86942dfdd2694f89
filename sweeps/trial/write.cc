#include <nlohmann/json.hpp>
#include <utility>

#include "sweeps/trial/fields.h"
#include "sweeps/trial/trial.h"

namespace lorikeet {
namespace {

using Json = nlohmann::ordered_json;

// Fills one JSON object; optional settings that are unset are left out.
class Writer {
 public:
  explicit Writer(Json& object) : object_(object) {}

  template <typename T>
  void operator()(const char* key, const T& value) {
    object_[key] = value;
  }
  template <typename T>
  void operator()(const char* key, const std::optional<T>& value) {
    if (value) object_[key] = *value;
  }
  void operator()(const char* key, const Method& method) { object_[key] = MethodName(method); }

  template <typename T>
  void Extra(const char* key, const T& value) {
    if (value != T{}) object_[key] = value;
  }

  template <typename Walk>
  void Object(const char* key, const Walk& walk) {
    Json section = Json::object();
    Writer writer(section);
    walk(writer);
    object_[key] = std::move(section);
  }
  void Validation(const char* key, const DataSettings& data) {
    if (data.validation.empty() && data.validation_from_train != 0) {
      object_[key] = Json{{"from_train", data.validation_from_train}};
    } else {
      object_[key] = data.validation;
    }
  }
  void Betas(const char* key, const OptimizerSettings& optimizer) {
    object_[key] = Json::array({optimizer.beta1, optimizer.beta2});
  }
  void ValidateEvery(const char* key, const TrainSettings& train) {
    if (train.validate_every_steps) {
      object_[key] = *train.validate_every_steps;
    } else {
      object_[key] = "epoch";
    }
  }
  void EarlyStopping(const char* key, const EvaluateSettings& evaluate) {
    if (evaluate.early_stopping == "true" || evaluate.early_stopping == "false") {
      object_[key] = evaluate.early_stopping == "true";
    } else {
      object_[key] = evaluate.early_stopping;
    }
  }

 private:
  Json& object_;
};

}  // namespace

std::string ToJson(const Trial& trial) {
  Json object = Json::object();
  Writer writer(object);
  trial::WalkTrial(writer, trial);
  // Validate refuses what is not UTF-8; here it must not throw.
  return object.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace lorikeet
