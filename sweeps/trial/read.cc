#include <cstdint>
#include <limits>
#include <utility>

#include "common/json.h"
#include "common/nearest.h"
#include "sweeps/trial/fields.h"
#include "sweeps/trial/trial.h"

namespace lorikeet {
namespace {

using Json = nlohmann::json;

// Reads one JSON object key by key; what is wrong goes to `mistakes`, all of it. A key that is absent leaves
// the default.
class Reader {
 public:
  Reader(const Json& object, std::string path, std::vector<std::string>& mistakes)
      : object_(object), path_(std::move(path)), mistakes_(mistakes) {}

  void operator()(const char* key, std::string& value) { Take(key, "a string", &Json::is_string, value); }
  void operator()(const char* key, bool& value) { Take(key, "true or false", &Json::is_boolean, value); }
  void operator()(const char* key, double& value) { Take(key, "a number", &Json::is_number, value); }
  void operator()(const char* key, std::int64_t& value) {
    const Json* found = Find(key);
    if (found != nullptr) Whole(*found, key, value);
  }
  void operator()(const char* key, std::vector<std::string>& value) {
    const Json* found = Find(key);
    if (found == nullptr) return;
    bool good = found->is_array();
    for (std::size_t i = 0; good && i < found->size(); ++i) good = (*found)[i].is_string();
    if (!good) return Mistake(key, *found, "a list of strings");
    value = found->get<std::vector<std::string>>();
  }
  void operator()(const char* key, Method& value) {
    std::string name;
    (*this)(key, name);
    if (!object_.contains(key))
      return mistakes_.push_back(Path(key) + ": missing: full, lora, prompt, zero_shot or lead");
    if (!object_[key].is_string()) return;
    const auto method = ParseMethod(name);
    if (method.ok()) {
      value = *method;
    } else {
      mistakes_.push_back(Path(key) + ": " + Message(method.status()));
    }
  }
  template <typename T>
  void operator()(const char* key, std::optional<T>& value) {
    if (!object_.contains(key)) {
      known_.emplace_back(key);
      return;
    }
    T read{};
    const std::size_t before = mistakes_.size();
    (*this)(key, read);
    if (mistakes_.size() == before) value = read;
  }

  template <typename T>
  void Extra(const char* key, T& value) {
    (*this)(key, value);
  }

  template <typename Walk>
  void Object(const char* key, const Walk& walk) {
    const Json* found = Find(key);
    if (found == nullptr) return;
    if (!found->is_object()) return Mistake(key, *found, "an object");
    Reader reader(*found, Path(key), mistakes_);
    walk(reader);
    reader.RefuseUnknown();
  }
  void Validation(const char* key, DataSettings& data) {
    const Json* found = Find(key);
    if (found == nullptr) return;
    if (found->is_string()) {
      data.validation = found->get<std::string>();
    } else if (found->is_object()) {
      Object(key, [&](Reader& reader) { reader("from_train", data.validation_from_train); });
    } else {
      Mistake(key, *found, "a path, or {\"from_train\": 0.05}");
    }
  }
  void Betas(const char* key, OptimizerSettings& optimizer) {
    const Json* found = Find(key);
    if (found == nullptr) return;
    if (!found->is_array() || found->size() != 2 || !(*found)[0].is_number() || !(*found)[1].is_number()) {
      return Mistake(key, *found, "a list of two numbers");
    }
    optimizer.beta1 = (*found)[0].get<double>();
    optimizer.beta2 = (*found)[1].get<double>();
  }
  void ValidateEvery(const char* key, TrainSettings& train) {
    const Json* found = Find(key);
    if (found == nullptr || *found == "epoch") return;
    std::int64_t steps = 0;
    if (!found->is_number_integer()) return Mistake(key, *found, "\"epoch\", or a number of steps");
    if (Whole(*found, key, steps)) train.validate_every_steps = steps;
  }
  void EarlyStopping(const char* key, EvaluateSettings& evaluate) {
    const Json* found = Find(key);
    if (found == nullptr) return;
    if (found->is_boolean()) {
      evaluate.early_stopping = found->get<bool>() ? "true" : "false";
    } else if (*found == "never") {
      evaluate.early_stopping = "never";
    } else {
      Mistake(key, *found, "true, false or \"never\"");
    }
  }

  void RefuseUnknown() {
    for (const auto& [key, value] : object_.items()) {
      bool known = false;
      for (const std::string& name : known_) known = known || name == key;
      if (!known) mistakes_.push_back(Path(key) + ": unknown key" + DidYouMean(key, known_));
    }
  }

 private:
  std::string Path(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

  const Json* Find(const char* key) {
    known_.emplace_back(key);
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }
  void Mistake(const char* key, const Json& found, const std::string& wanted) {
    std::string shown = found.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (shown.size() > 60) shown = JsonKind(found);
    mistakes_.push_back(fmt::format("{}: {}: must be {}", Path(key), shown, wanted));
  }
  template <typename T>
  void Take(const char* key, const char* wanted, bool (Json::*is)() const noexcept, T& value) {
    const Json* found = Find(key);
    if (found == nullptr) return;
    if (!(found->*is)()) return Mistake(key, *found, wanted);
    value = found->get<T>();
  }
  bool Whole(const Json& found, const char* key, std::int64_t& value) {
    const bool fits =
        found.is_number_integer() &&
        (!found.is_number_unsigned() ||
         found.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
    if (fits) {
      value = found.get<std::int64_t>();
    } else {
      Mistake(key, found, "a whole number");
    }
    return fits;
  }

  const Json& object_;
  std::string path_;
  std::vector<std::string>& mistakes_;
  std::vector<std::string> known_;
};

// With an adapter to start from, what is not said is the adapter's, not the default.
void UnsetForAdapter(const Json& object, Trial& trial) {
  if (StartAdapter(trial).empty()) return;
  const Json& section = object.at(MethodName(trial.method));
  if (trial.method == Method::kLora) {
    if (!section.contains("rank")) trial.lora.rank = 0;
    if (!section.contains("alpha")) trial.lora.alpha = 0;
    if (!section.contains("targets")) trial.lora.targets.clear();
  } else if (!section.contains("tokens")) {
    trial.prompt.tokens = 0;
  }
}

std::string PathOf(const std::string& mistake) { return mistake.substr(0, mistake.find(": ")); }

}  // namespace

StatusOr<Trial> TrialFromJson(const std::string& text) {
  ASSIGN_OR_RETURN(const Json object, ParseJson(text));
  if (!object.is_object()) return InvalidArgument("a trial is a JSON object, this is {}", JsonKind(object));
  Trial trial;
  std::vector<std::string> mistakes;
  Reader reader(object, "", mistakes);
  trial::WalkTrial(reader, trial);
  reader.RefuseUnknown();
  UnsetForAdapter(object, trial);
  // A value of the wrong type left its default, of which nothing needs saying; all else is checked in the
  // same go.
  const std::size_t of_types = mistakes.size();
  const std::string ranges = Message(Validate(trial));
  for (std::size_t begin = 0; begin < ranges.size();) {
    const std::size_t end = std::min(ranges.find('\n', begin), ranges.size());
    const std::string mistake = ranges.substr(begin, end - begin);
    bool told = false;
    for (std::size_t i = 0; i < of_types; ++i) told = told || PathOf(mistakes[i]) == PathOf(mistake);
    if (!told) mistakes.push_back(mistake);
    begin = end + 1;
  }
  if (mistakes.empty()) return trial;
  return InvalidArgument("{}", fmt::join(mistakes, "\n"));
}

}  // namespace lorikeet
