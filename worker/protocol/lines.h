// Writing and strict reading of one JSON object a line, field by field. Internal to worker/protocol.
//
// Both visitors take the same calls, visit(key, member), so that one list of fields serves both ways.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"

namespace lorikeet::protocol {

// Fills one object in the order of the calls. Optional values that are unset become null.
class LineWriter {
 public:
  void operator()(const char* key, const std::string& value) { object_[key] = value; }
  void operator()(const char* key, std::int64_t value) { object_[key] = value; }
  void operator()(const char* key, bool value) { object_[key] = value; }
  void operator()(const char* key, double value);  // "nan", "inf", "-inf": JSON has no such numbers
  void operator()(const char* key, const std::optional<double>& value);
  template <typename Walk>
  void Object(const char* key, const Walk& walk) {
    LineWriter section;
    walk(section);
    object_[key] = std::move(section.object_);
  }
  void OneOf(const char* key, const std::string& value, const std::vector<std::string>&) {
    object_[key] = value;
  }

  // Without a newline; bytes that are not UTF-8 become U+FFFD.
  std::string Line() const;

 private:
  nlohmann::ordered_json object_ = nlohmann::ordered_json::object();
};

// Takes the values of one object; the first thing that is wrong is kept as the outcome, named by its key.
class LineReader {
 public:
  explicit LineReader(const nlohmann::json& object, std::string path = "")
      : object_(object), path_(std::move(path)) {}

  void operator()(const char* key, std::string& value);
  void operator()(const char* key, std::int64_t& value);
  void operator()(const char* key, bool& value);
  void operator()(const char* key, double& value);
  void operator()(const char* key, std::optional<double>& value);
  template <typename Walk>
  void Object(const char* key, const Walk& walk) {
    const nlohmann::json* found = Take(key);
    if (found == nullptr) return;
    if (!found->is_object()) return Refuse(key, *found, "an object");
    LineReader section(*found, Path(key) + ".");
    walk(section);
    const Status status = section.Outcome();
    if (outcome_.ok()) outcome_ = status;
  }
  // A string, and one of `choices`.
  void OneOf(const char* key, std::string& value, const std::vector<std::string>& choices);

  // What went wrong; also when keys are there that nobody asked for.
  Status Outcome() const;

 private:
  std::string Path(const std::string& key) const { return path_ + key; }
  const nlohmann::json* Take(const char* key);
  void Refuse(const char* key, const nlohmann::json& found, const std::string& wanted);
  bool ReadDouble(const nlohmann::json& found, double& value);

  const nlohmann::json& object_;
  std::string path_;
  std::vector<std::string> known_;
  Status outcome_;
};

// Parses a line of at most kLongestLine bytes to an object.
StatusOr<nlohmann::json> ParseLine(const std::string& line);

}  // namespace lorikeet::protocol
