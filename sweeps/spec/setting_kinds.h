// How one key's value becomes a setting of a trial, by the kind of value. Inside this folder's settings
// alone.
//
// Immutable; thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "sweeps/spec/declared.h"
#include "sweeps/spec/quantity.h"
#include "sweeps/spec/reader.h"
#include "sweeps/spec/settings.h"

namespace lorikeet::spec {

inline constexpr const char* kNotSet = "not set";

inline std::string Text(const std::string& value) { return value; }
inline std::string Text(std::int64_t value) { return std::to_string(value); }
inline std::string Text(double value) { return FormatDecimal(value); }
inline std::string Text(bool value) { return value ? "true" : "false"; }
template <typename T>
std::string Text(const std::optional<T>& value) {
  return value ? Text(*value) : kNotSet;
}

// `field` gives the member of a trial, const or not.
template <typename Field>
std::function<std::string(const Trial&)> ShowField(Field field) {
  return [field](const Trial& trial) { return Text(field(trial)); };
}

template <typename Field, typename T>
Setting Assign(Field field, const T& value) {
  return {Text(value), [field, value](Trial& trial) { field(trial) = value; }};
}

template <typename Field>
Key Count(const Declared& declared, Field field) {
  return {declared.name, declared,
          [=](const Value& value) -> std::optional<Setting> {
            const std::optional<std::int64_t> read = ReadInteger(value, declared.type);
            return read ? std::optional(Assign(field, *read)) : std::nullopt;
          },
          ShowField(field)};
}

template <typename Field>
Key Decimal(const Declared& declared, Field field) {
  return {declared.name, declared,
          [=](const Value& value) -> std::optional<Setting> {
            const std::optional<double> read = ReadNumber(value, declared.type);
            return read ? std::optional(Assign(field, *read)) : std::nullopt;
          },
          ShowField(field)};
}

template <typename Field>
Key Choice(const Declared& declared, Field field) {
  return {declared.name, declared,
          [=](const Value& value) -> std::optional<Setting> {
            const std::optional<std::string> read = ReadChoice(value, declared.type);
            return read ? std::optional(Assign(field, *read)) : std::nullopt;
          },
          ShowField(field)};
}

template <typename Field>
Key Switch(const Declared& declared, Field field) {
  return {declared.name, declared,
          [field](const Value& value) -> std::optional<Setting> {
            const std::optional<bool> read = ReadBool(value);
            return read ? std::optional(Assign(field, *read)) : std::nullopt;
          },
          ShowField(field)};
}

// A trial's member, for both const and changeable trials.
#define FIELD(member) ([](auto& trial) -> auto& { return trial.member; })

}  // namespace lorikeet::spec
