#include "sweeps/report/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace lorikeet::report {
namespace {

// The code point at `i`, which moves behind it; bytes that are no UTF-8 count one each.
char32_t Next(const std::string& text, std::size_t& i) {
  const auto lead = static_cast<unsigned char>(text[i++]);
  const std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
  if (more == 0 || text.size() - i < more) return lead;
  char32_t point = lead & (0x3F >> more);
  for (std::size_t k = 0; k < more; ++k)
    point = (point << 6) | (static_cast<unsigned char>(text[i++]) & 0x3F);
  return point;
}

// Unicode's combining marks and East Asian wide characters, in the ranges that names may be expected to hold.
std::size_t Width(char32_t c) {
  constexpr std::array<std::pair<char32_t, char32_t>, 5> kNone = {
      {{0x300, 0x36F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}}};
  constexpr std::array<std::pair<char32_t, char32_t>, 8> kWide = {{{0x1100, 0x115F},
                                                                   {0x2E80, 0xA4CF},
                                                                   {0xAC00, 0xD7A3},
                                                                   {0xF900, 0xFAFF},
                                                                   {0xFE30, 0xFE6F},
                                                                   {0xFF00, 0xFF60},
                                                                   {0x1F300, 0x1FAFF},
                                                                   {0x20000, 0x3FFFD}}};
  const auto in = [c](const auto& range) { return c >= range.first && c <= range.second; };
  if (std::any_of(kNone.begin(), kNone.end(), in)) return 0;
  return std::any_of(kWide.begin(), kWide.end(), in) ? 2 : 1;
}

}  // namespace

std::string Signed(double value, int digits) {
  std::string text = fmt::format("{:.{}f}", std::abs(value), digits);
  if (text.find_first_not_of("0.") == std::string::npos) return text;
  return (value < 0 ? "−" : "+") + text;
}

std::string MeanSdText(const MeanSd& value, int digits) {
  if (!value.mean) return kAbsent;
  return value.sd ? fmt::format("{:.{}f} ± {:.{}f}", *value.mean, digits, *value.sd, digits)
                  : fmt::format("{:.{}f}", *value.mean, digits);
}

std::string Percent(double share) {
  const double percent = 100 * share;
  if (percent >= 9.95) return fmt::format("{:.0f} %", percent);
  // The digits after the point that leave two which count.
  const int digits = percent > 0 ? std::min(12, 1 - static_cast<int>(std::floor(std::log10(percent)))) : 0;
  std::string text = fmt::format("{:.{}f}", percent, digits);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text + " %";
}

std::string Duration(double seconds) {
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  const std::int64_t minutes = (whole + 30) / 60;
  return fmt::format("{} h {:02} min", minutes / 60, minutes % 60);
}

std::string Grouped(std::int64_t value) {
  std::string text = std::to_string(value);
  const std::size_t first = value < 0 ? 1 : 0;
  for (std::size_t i = text.size(); i > first + 3;) {
    i -= 3;
    text.insert(i, ",");
  }
  return text;
}

std::string SeedsText(const Row& row) {
  if (row.seeds >= row.planned) return std::to_string(row.seeds);
  std::string text = fmt::format("{}/{}", row.seeds, row.planned);
  for (const std::string& failure : row.failures) text += ", " + failure;
  if (row.running > 0) text += fmt::format(", {} running", row.running);
  return text;
}

std::size_t DisplayWidth(const std::string& text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) width += Width(Next(text, i));
  return width;
}

std::string Printable(const std::string& text) {
  std::string clean = text;
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return clean;
}

std::string MetricLabel(const std::string& metric) {
  const bool own = metric == "rouge1" || metric == "rouge2" || metric == "rougeL" || metric == "rougeLsum";
  return own ? "ROUGE-" + metric.substr(5) : Printable(metric);
}

std::string IntervalText(double low, double high, int digits) {
  const auto end = [digits](double value) {
    std::string text = fmt::format("{:.{}f}", std::abs(value), digits);
    return (value < 0 && text.find_first_not_of("0.") != std::string::npos ? "−" : "") + text;
  };
  return fmt::format("[{}, {}]", end(low), end(high));
}

std::string IntervalText(const Comparison& comparison) {
  return IntervalText(*comparison.low, *comparison.high, 2);
}

std::string PText(double value) {
  return value < 0.001 ? "< 0.001" : fmt::format("{:.{}f}", value, value < 0.0995 ? 3 : 2);
}

std::string Bytes(std::int64_t value) {
  if (value < 1000) return fmt::format("{} B", value);
  double scaled = static_cast<double>(value);
  const char* unit = "";
  for (const char* next : {"kB", "MB", "GB", "TB"}) {
    if (scaled < 999.5) break;
    scaled /= 1000;
    unit = next;
  }
  return fmt::format("{:.{}f} {}", scaled, scaled < 9.95 ? 1 : 0, unit);
}

}  // namespace lorikeet::report
