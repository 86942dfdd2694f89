#include "sweeps/plot/scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sweeps/plot/text.h"

namespace lorikeet::plot {
namespace {

constexpr int kWantedTicks = 5;
constexpr std::size_t kMostValueTicks = 12;
constexpr double kAir = 0.05;  // of the span, at both ends

double Transformed(ScaleKind scale, double value) {
  switch (scale) {
    case ScaleKind::kLog2:
      return std::log2(value);
    case ScaleKind::kLog10:
      return std::log10(value);
    case ScaleKind::kLinear:
    case ScaleKind::kCategories:
      break;
  }
  return value;
}

// The step among 1, 2, 5 × 10^n that makes about so many of them.
double NiceStep(double span, int wanted) {
  const double raw = span / wanted, power = std::pow(10, std::floor(std::log10(raw)));
  for (const double times : {1.0, 2.0, 5.0}) {
    if (raw <= times * power * 1.15) return times * power;
  }
  return 10 * power;
}

// With as many decimals as the step has.
std::string TickText(double value, double step) {
  const double size = std::max(std::abs(value), step);
  if (size >= 1e4 || step < 1e-4) return NumberText(value, 6);
  const int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 6);
  const double shown = std::abs(value) < step * 1e-6 ? 0 : value;
  std::string text = fmt::format("{:.{}f}", shown, decimals);
  if (text[0] == '-') text = "\u2212" + text.substr(1);
  return text;
}

// Costs that lie near each other: evenly, in steps that are round in the unit that they are written in.
Axis NarrowCostAxis(const std::string& label, const std::string& unit, double low, double high) {
  Axis axis = LinearAxis(label, low, high);
  axis.low = std::max(axis.low, 0.0);
  double one = 1;
  if (unit == "B") {
    while (one * 1024 <= high) one *= 1024;
  } else if (unit == "s") {
    one = high >= 3600 ? 3600 : high >= 60 ? 60 : 1;
  }
  const double step = NiceStep((axis.high - axis.low) / one, kWantedTicks) * one;
  axis.ticks.clear();
  for (double index = std::ceil(axis.low / step - 1e-9); index * step <= axis.high + step * 1e-9; ++index)
    axis.ticks.push_back({.value = index * step, .text = QuantityText(index * step, unit)});
  return axis;
}

}  // namespace

double Place(const Axis& axis, double value) {
  const bool logarithmic = axis.scale == ScaleKind::kLog2 || axis.scale == ScaleKind::kLog10;
  if (logarithmic && !(value > 0)) return axis.zero ? kZeroShare / 2 : 0;
  const double low = Transformed(axis.scale, axis.low), high = Transformed(axis.scale, axis.high);
  const double share = (Transformed(axis.scale, value) - low) / (high - low);
  return axis.zero ? kZeroShare + share * (1 - kZeroShare) : share;
}

Axis LinearAxis(const std::string& label, double low, double high) {
  if (low > high) std::swap(low, high);
  if (!(high - low > 1e-12 * std::max(std::abs(low), std::abs(high)))) {
    const double half = low == 0 ? 1 : std::abs(low) * 0.05;
    low -= half;
    high += half;
  }
  Axis axis;
  axis.label = label;
  const double span = high - low;
  axis.low = low - kAir * span;
  axis.high = high + kAir * span;
  // No negative values where there are none.
  if (low >= 0 && axis.low < 0) axis.low = 0;
  const double step = NiceStep(axis.high - axis.low, kWantedTicks);
  for (double index = std::ceil(axis.low / step - 1e-9); index * step <= axis.high + step * 1e-9; ++index)
    axis.ticks.push_back({.value = index * step, .text = TickText(index * step, step)});
  return axis;
}

Axis CostAxis(const std::string& label, const std::string& unit, double low, double high, bool zero) {
  if (!zero && high < 3 * low) return NarrowCostAxis(label, unit, low, high);
  Axis axis;
  axis.label = label;
  axis.scale = ScaleKind::kLog10;
  axis.zero = zero;
  if (zero) axis.ticks.push_back({.value = 0, .text = "0"});
  const double air = std::max(std::pow(high / low, kAir), 1.15);
  axis.low = low / air;
  axis.high = high * air;
  // Binary prefixes want powers of two.
  const double decades = std::log10(axis.high) - std::log10(axis.low);
  const bool bytes = unit == "B";
  const double base = bytes ? 2 : 10;
  const double exponents = decades / std::log10(base);
  const int every = std::max(1, static_cast<int>(std::ceil(exponents / (kWantedTicks + 1))));
  std::vector<double> times = {1};
  if (!bytes && decades < 1) times = {1, 1.5, 2, 3, 4, 5, 7};
  if (!bytes && decades >= 1 && decades < 2) times = {1, 2, 5};
  if (bytes && exponents < 2) times = {1, 1.25, 1.5, 1.75};
  const auto first = static_cast<int>(std::floor(std::log(axis.low) / std::log(base)));
  for (int exponent = first; std::pow(base, exponent) <= axis.high; ++exponent) {
    if (exponent % every != 0) continue;
    for (const double time : times) {
      const double value = time * std::pow(base, exponent);
      if (value >= axis.low && value <= axis.high)
        axis.ticks.push_back({.value = value, .text = QuantityText(value, unit)});
    }
  }
  if (axis.ticks.size() < (zero ? 2U : 1U))
    axis.ticks.push_back({.value = low, .text = QuantityText(low, unit)});
  return axis;
}

Axis ValuesAxis(const std::string& label, const std::vector<Tick>& values, bool doubling) {
  const auto less = [](const Tick& a, const Tick& b) { return a.value < b.value; };
  const auto [least, most] = std::minmax_element(values.begin(), values.end(), less);
  const double low = least->value, high = most->value;
  Axis axis = LinearAxis(label, low, high);
  if (low > 0 && high / low >= 3) {
    axis.scale = doubling ? ScaleKind::kLog2 : ScaleKind::kLog10;
    const double air = std::pow(high / low, kAir);
    axis.low = low / air;
    axis.high = high * air;
  } else if (low > 0 && high == low) {
    axis.low = low / 2;
    axis.high = low * 2;
    axis.scale = ScaleKind::kLog2;
  }
  if (values.size() <= kMostValueTicks) {
    axis.ticks = values;
    std::sort(axis.ticks.begin(), axis.ticks.end(), less);
  } else if (axis.scale == ScaleKind::kLog10) {
    axis.ticks = CostAxis(label, "", low, high, false).ticks;
  } else if (axis.scale == ScaleKind::kLog2) {
    axis.ticks.clear();
    for (double value = std::exp2(std::ceil(std::log2(low) - 1e-9)); value <= high; value *= 2)
      axis.ticks.push_back({.value = value, .text = NumberText(value, 6)});
  }
  return axis;
}

Axis CategoriesAxis(const std::string& label, const std::vector<std::string>& names) {
  Axis axis;
  axis.label = label;
  axis.scale = ScaleKind::kCategories;
  axis.low = -0.5;
  axis.high = static_cast<double>(names.size()) - 0.5;
  for (std::size_t i = 0; i < names.size(); ++i)
    axis.ticks.push_back({.value = static_cast<double>(i), .text = names[i]});
  return axis;
}

}  // namespace lorikeet::plot
