// What is declared of each key is what the reader does: values that a declaration allows are taken, others
// refused, and a default that is written out changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "sweeps/spec/keys.h"
#include "tests/sweeps/spec/fixture.h"

namespace lorikeet::spec {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

// The smallest file that has every section; what the keys under test need beside them stands there too.
const Json& Smallest() {
  static const Json& file = *new Json(Json::parse(R"({
    "sweep": "study", "model": "m", "seeds": [1], "time_limit": "1h",
    "data": {"train": "a", "validation": "b", "test": "c", "fields": {}, "limit": {}},
    "train": {"steps": 5, "learning_rate": 0.1, "optimizer": {"name": "adamw"}},
    "evaluate": {"max_new_tokens": 256}, "resources": {}, "retry": {"kinds": {"crashed": {}}}, "keep": {},
    "arms": {"full": {}, "lora": {"rank": 8}, "prompt": {"tokens": 5}, "zero_shot": {}, "lead": {}}})"));
  return file;
}

// What a section wants of the rest of the file.
Json FileFor(const Json::json_pointer& at) {
  Json file = Smallest();
  if (at.to_string().starts_with("/tune")) {
    file["arms"]["full"]["learning_rate"] = {0.1, 0.2};
    file["tune"] = {{"axes", {"learning_rate"}}, {"seeds", {101}}};
  }
  return file;
}

// JSON is YAML. A key that excludes another takes its place; a value may need a companion.
StatusOr<Sweep> ParseWith(const Json::json_pointer& at, const Json& value) {
  Json file = FileFor(at);
  file[at] = value;
  Json& section = file[at.parent_pointer()];
  const std::string& key = at.back();
  const auto has_not = [&](const char* name) { section.erase(name); };
  if (key == "epochs") has_not("steps");
  if (key == "init_text") section["init"] = "text";
  if (key == "init" && (value == "text" || value == Json::array({"text"})))
    section["init_text"] = "Summarize";
  if (key == "relative_step" || key == "scale_parameter") section["name"] = "adafactor";
  if (key == "relative_step" && value == true) file["train"].erase("learning_rate");
  if (key == "baseline") file["arms"]["full"]["learning_rate"] = 0.1;
  if (key == "batch_size" && !at.to_string().starts_with("/evaluate")) section["micro_batch_size"] = 1;
  if (key == "micro_batch_size") section["batch_size"] = kMostCount;
  if (key == "min_new_tokens") section["max_new_tokens"] = kMostCount;
  if (key == "max_new_tokens") section["min_new_tokens"] = 0;
  if (key == "source") section["target"] = "another";
  if (key == "target") section["source"] = "another";
  if (key == "adapter") has_not(at.to_string().starts_with("/arms/lora") ? "rank" : "tokens");
  return Parse(file.dump());
}

struct Samples {
  std::vector<Json> good, bad;
};

void AddSamples(const Type& type, Samples& samples) {
  const auto good = [&](Json value) { samples.good.push_back(std::move(value)); };
  const auto bad = [&](Json value) { samples.bad.push_back(std::move(value)); };
  switch (type.of) {
    case Type::Of::kWhole:
      good(type.low);
      good(type.high);
      if (type.low > std::numeric_limits<std::int64_t>::min()) bad(type.low - 1);
      if (type.high < std::numeric_limits<std::int64_t>::max()) bad(type.high + 1);
      for (Json value : {Json(1.5), Json("8"), Json(true), Json("many")}) bad(value);
      break;
    case Type::Of::kNumber: {
      const Range& range = type.range;
      if (range.low > std::numeric_limits<double>::lowest()) {
        (range.low_allowed ? samples.good : samples.bad).emplace_back(range.low);
        bad(range.low - 1);
      }
      if (range.high < std::numeric_limits<double>::max()) {
        (range.high_allowed ? samples.good : samples.bad).emplace_back(range.high);
        bad(range.high + 1);
      }
      good(0.25);
      for (Json value : {Json("0.25"), Json(true), Json("fast")}) bad(value);
      break;
    }
    case Type::Of::kSwitch:
      good(true);
      good(false);
      for (Json value : {Json("true"), Json(1), Json("yes")}) bad(value);
      break;
    case Type::Of::kChoice:
      for (const std::string& choice : type.choices) good(choice);
      for (Json value : {Json("none of them"), Json(8), Json("")}) bad(value);
      break;
    case Type::Of::kText:
      good("words");
      bad("");
      break;
    case Type::Of::kMaybeText:
      for (Json value : {Json("words"), Json(""), Json()}) good(value);
      break;
    case Type::Of::kAxis:
      good("learning_rate");
      for (Json value : {Json(""), Json("beams"), Json(8)}) bad(value);
      break;
    case Type::Of::kPath:
      good("folder/file");
      for (Json value : {Json(""), Json("~/file"), Json("${UNSET}/file")}) bad(value);
      break;
    case Type::Of::kName:
      good("a.name-1");
      for (Json value : {Json("a name"), Json("-x"), Json("s-4k2v9x0m1c3p"), Json(std::string(101, 'x'))})
        bad(value);
      break;
    case Type::Of::kRow:
      for (Json value : {Json("full"), Json("lora")}) good(value);
      for (Json value : {Json("ful"), Json("lora rank=9")}) bad(value);
      break;
    case Type::Of::kDuration:
      for (Json value : {Json("1d2h3m4s5ms"), Json("90s")}) good(value);
      good(fmt::format("{}ms", type.shortest.count()));
      if (type.shortest.count() > 0) bad(fmt::format("{}ms", type.shortest.count() - 1));
      for (Json value : {Json(30), Json("30"), Json("1s2m"), Json("soon"), Json("")}) bad(value);
      break;
    case Type::Of::kSize:
      for (Json value : {Json("1B"), Json("1.5 GiB"), Json("500MB")}) good(value);
      for (Json value : {Json(10), Json("10"), Json("0B"), Json("10 gigabytes")}) bad(value);
      break;
    case Type::Of::kList: {
      Samples elements;
      AddSamples(type.parts[0], elements);
      const Json& one = elements.good.front();
      Json list = Json::array();
      for (std::size_t i = 0; i < type.least; ++i) list.push_back(one);
      good(list);
      list.erase(list.begin());
      bad(list);
      if (type.most > 0) bad(Json(type.most + 1, one));
      if (type.unique) bad(Json(2, one));
      for (const Json& element : elements.bad) bad(Json(std::max<std::size_t>(type.least, 1), element));
      bad("no list");
      break;
    }
    case Type::Of::kLabels:
      for (Json value : {Json::object(), Json(), Json{{"zone", "x/y.z_1-2"}}}) good(value);
      for (Json value : {Json("gpu"), Json{{"a b", "c"}}, Json{{"a", "b c"}}, Json{{"a", ""}}}) bad(value);
      break;
    case Type::Of::kMapping:
      for (Json value : {Json("words"), Json(1), Json::array({1}), Json{{"no_such_key", 1}}}) bad(value);
      break;
    case Type::Of::kEither: {
      // What the one refuses the other may take.
      for (const Type& part : type.parts) {
        Samples of_part;
        AddSamples(part, of_part);
        samples.good.insert(samples.good.end(), of_part.good.begin(), of_part.good.end());
      }
      bad(Json{{"no_such_key", 1}});
      bad("");
      break;
    }
  }
  for (Json value : {Json{{"a", Json{{"b", 1}}}}, Json::array({Json::array({Json::array({1})})})}) bad(value);
}

std::string Dotted(const Json::json_pointer& at) {
  std::string text = at.to_string().substr(1);
  std::replace(text.begin(), text.end(), '/', '.');
  return text;
}

// A mistake at the key, whatever it says.
void ExpectRefused(const Json::json_pointer& at, const Json& value) {
  const StatusOr<Sweep> sweep = ParseWith(at, value);
  ASSERT_FALSE(sweep.ok()) << Dotted(at) << ": " << value;
  EXPECT_THAT(Message(sweep.status()), HasSubstr(Dotted(at))) << value;
}

void ExpectTaken(const Json::json_pointer& at, const Json& value) {
  const StatusOr<Sweep> sweep = ParseWith(at, value);
  EXPECT_TRUE(sweep.ok()) << Dotted(at) << ": " << value << ": " << sweep.status();
}

// Everything that a file comes to, but for its text and fingerprint.
bool SameMeaning(const Sweep& a, const Sweep& b) {
  if (a.configurations.size() != b.configurations.size()) return false;
  for (std::size_t i = 0; i < a.configurations.size(); ++i) {
    if (a.configurations[i].trial != b.configurations[i].trial) return false;
  }
  return a.seeds == b.seeds && a.baseline == b.baseline && a.retry == b.retry && a.verdict == b.verdict &&
         a.tune == b.tune && a.keep == b.keep && a.priority == b.priority && a.max_running == b.max_running &&
         a.labels == b.labels;
}

// The value that a default's text is.
Json ValueOf(const std::string& text) {
  if (text == "[q, v]") return Json::array({"q", "v"});
  const Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json(text) : value;
}

void ExpectDefault(const Json::json_pointer& at, const Default& otherwise) {
  Json without = FileFor(at);
  without[at.parent_pointer()].erase(at.back());
  if (at.back() == "max_new_tokens") without["evaluate"]["min_new_tokens"] = 0;
  if (at.back() == "relative_step" || at.back() == "scale_parameter")
    without["train"]["optimizer"]["name"] = "adafactor";
  if (otherwise.needed) {
    EXPECT_THAT(Message(Parse(without.dump()).status()), HasSubstr(Dotted(at) + ": missing")) << at;
    return;
  }
  if (!otherwise.literal || ValueOf(otherwise.text) == Json::object()) return;
  Json with = without;
  with[at] = ValueOf(otherwise.text);
  const StatusOr<Sweep> one = Parse(without.dump()), other = Parse(with.dump());
  ASSERT_TRUE(one.ok() && other.ok()) << at << one.status() << other.status();
  EXPECT_TRUE(SameMeaning(*one, *other))
      << Dotted(at) << " is not " << otherwise.text << " where it is left out";
}

class Drive {
 public:
  // Whether lists of values may stand for values.
  void Keys(const spec::Keys& keys, const Json::json_pointer& at, bool axes) {
    for (const Declared& key : keys) {
      const Json::json_pointer here = at / key.name;
      ExpectDefault(here, key.otherwise);
      Values(key, here, axes);
      if (key.type.of == Type::Of::kMapping && &key.type.keys() != &ArmsKeys())
        Keys(key.type.keys(), here, axes);
    }
  }
  int values() const { return values_; }

 private:
  void Values(const Declared& key, const Json::json_pointer& at, bool axes) {
    Samples samples;
    AddSamples(key.type, samples);
    for (const Json& value : samples.good) {
      ++values_;
      ExpectTaken(at, value);
      const bool is_list = value.is_array() || key.type.of == Type::Of::kMapping;
      if (is_list && key.type.of != Type::Of::kList) continue;
      if (axes && key.name != "init_text") ExpectTaken(at, Json::array({value}));
      if (!axes && !is_list && key.name != "seeds") ExpectRefused(at, Json::array({value}));
    }
    for (const Json& value : samples.bad) {
      ++values_;
      ExpectRefused(at, value);
      if (axes && !value.is_array()) ExpectRefused(at, Json::array({value}));
    }
  }

  int values_ = 0;
};

TEST(Declared, IsWhatTheFileAndItsSectionsAreReadBy) {
  Drive drive;
  drive.Keys(FileKeys(), Json::json_pointer(), false);
  drive.Keys(OptimizerMappingKeys(), Json::json_pointer("/train/optimizer"), false);
  drive.Keys(KindKeys(), Json::json_pointer("/retry/kinds/crashed"), false);
  EXPECT_GT(drive.values(), 300);
}

TEST(Declared, IsWhatArmsAreReadBy) {
  Drive drive;
  for (const Method method : kMethods) {
    const Json::json_pointer at = Json::json_pointer("/arms") / MethodName(method);
    drive.Keys(OwnKeys(method), at, true);
    if (method == Method::kFull) drive.Keys(TrainSectionKeys(), at, true);
  }
  EXPECT_GT(drive.values(), 200);
}

// How many complaints there are of a declaration of `evaluate` that `spoil` has changed.
int ComplaintsOf(const std::function<void(Keys&)>& spoil) {
  Keys keys = EvaluateKeys();
  spoil(keys);
  ::testing::TestPartResultArray complaints;
  ::testing::ScopedFakeTestPartResultReporter reporter(
      ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &complaints);
  Drive().Keys(keys, Json::json_pointer("/evaluate"), false);
  return complaints.size();
}

TEST(Declared, ThisTestBites) {
  EXPECT_EQ(ComplaintsOf([](Keys&) {}), 0);
  EXPECT_GT(ComplaintsOf([](Keys& keys) { keys[0].type.low = 2; }), 0);
  EXPECT_GT(ComplaintsOf([](Keys& keys) { keys[0].type.high = 5; }), 0);
  EXPECT_GT(ComplaintsOf([](Keys& keys) { keys[0].name = "beam"; }), 0);
  EXPECT_GT(ComplaintsOf([](Keys& keys) { keys[0].otherwise = Is("4"); }), 0);
  EXPECT_GT(ComplaintsOf([](Keys& keys) { keys[0].otherwise = Needed(); }), 0);
  EXPECT_GT(ComplaintsOf([](Keys& keys) { keys[0].type = Plain(Type::Of::kText); }), 0);
}

TEST(Declared, EachKeyOnceAndWithAMeaning) {
  for (const Keys* keys :
       {&FileKeys(), &DataKeys(), &TrainSectionKeys(), &OptimizerMappingKeys(), &EvaluateKeys(), &ArmsKeys(),
        &TuneKeys(), &ResourceKeys(), &RetryKeys(), &KindsKeys(), &KindKeys(), &KeepKeys()}) {
    std::vector<std::string> names = NamesOf(*keys);
    std::sort(names.begin(), names.end());
    EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
    for (const Declared& key : *keys) {
      EXPECT_FALSE(key.meaning.empty()) << key.name;
      EXPECT_EQ(key.meaning.find_first_of("|\n"), std::string::npos) << key.name << ": a cell of a table";
    }
  }
}

}  // namespace
}  // namespace lorikeet::spec
