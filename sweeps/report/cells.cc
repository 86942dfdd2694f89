#include "sweeps/report/cells.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

namespace lorikeet::report {
namespace {

template <typename T, typename Format>
std::string Or(const std::optional<T>& value, const Format& format) {
  return value ? format(*value) : kAbsent;
}

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

std::string Signed(double value) {
  std::string text = fmt::format("{:.2f}", std::abs(value));
  if (text == "0.00") return text;
  return (value < 0 ? "−" : "+") + text;
}

std::string MeanSdText(const MeanSd& value) {
  if (!value.mean) return kAbsent;
  return value.sd ? fmt::format("{:.2f} ± {:.2f}", *value.mean, *value.sd)
                  : fmt::format("{:.2f}", *value.mean);
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

Cells MakeCells(const Table& table) {
  Cells cells;
  cells.heading = {"configuration", "seeds",     "ROUGE-1", "ROUGE-2",    "ROUGE-L",        "ROUGE-Lsum",
                   "Δ ROUGE-1",     "trainable", "share",   "train time", "generated tok/s"};
  for (const Row& row : table.rows) {
    // A reference trains nothing: its 0 would read as a training of no time.
    const bool trains = !row.reference && row.train_seconds;
    cells.rows.push_back({
        Printable(row.configuration) + (row.baseline ? " (baseline)" : ""),
        SeedsText(row),
        MeanSdText(row.rouge1),
        MeanSdText(row.rouge2),
        MeanSdText(row.rougeL),
        MeanSdText(row.rougeLsum),
        row.baseline ? kAbsent : Or(row.difference_rouge1, Signed),
        Or(row.trainable_parameters, Grouped),
        Or(row.trainable_share, Percent),
        trains ? Duration(*row.train_seconds) : kAbsent,
        row.generated_tokens_per_second.value_or(0) > 0
            ? Grouped(std::llround(*row.generated_tokens_per_second))
            : kAbsent,
    });
  }
  return cells;
}

std::vector<std::string> Legend(const Table& table) {
  std::vector<std::string> lines = {
      fmt::format("ROUGE F1 in percent on the test split, mean ± standard deviation over seeds; Δ is the "
                  "difference to {}.",
                  table.baseline.empty() ? "the baseline" : Printable(table.baseline))};
  std::set<std::string> models;
  std::vector<std::string> mixed;
  for (const Row& row : table.rows) {
    if (row.seeds == 0) continue;
    if (row.device_model) {
      models.insert(Printable(*row.device_model));
    } else {
      mixed.push_back(Printable(row.configuration));
    }
  }
  if (models.size() == 1) {
    lines.push_back(fmt::format("Times and speeds were measured on {}.", *models.begin()));
  } else if (models.size() > 1) {
    lines.push_back(
        fmt::format("Times and speeds come from several device models ({}): rows differ for that reason too.",
                    fmt::join(models, "; ")));
  }
  if (!mixed.empty()) {
    lines.push_back(
        fmt::format("No times for {}: the seeds ran on several device models.", fmt::join(mixed, ", ")));
  }
  return lines;
}

std::string Title(const Table& table) {
  std::string text = fmt::format("{}: {}, {} of {} trials succeeded", Printable(table.sweep), table.state,
                                 table.succeeded, table.trials);
  if (table.failed > 0) text += fmt::format(", {} failed", table.failed);
  return text;
}

}  // namespace lorikeet::report
