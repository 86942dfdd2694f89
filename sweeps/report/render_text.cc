#include <algorithm>

#include "sweeps/report/cells.h"
#include "sweeps/report/chosen.h"
#include "sweeps/report/render.h"

namespace lorikeet::report {
namespace {

constexpr const char* kBold = "\x1b[1m";
constexpr const char* kGreen = "\x1b[32m";
constexpr const char* kPlain = "\x1b[0m";

class Columns {
 public:
  explicit Columns(const Cells& cells) : texts_(cells.texts) {
    for (const std::string& cell : cells.heading) widths_.push_back(DisplayWidth(cell));
    for (const auto& row : cells.rows) {
      for (std::size_t i = 0; i < row.size(); ++i) widths_[i] = std::max(widths_[i], DisplayWidth(row[i]));
    }
  }
  // Texts from the left, numbers from the right; two spaces between.
  std::string Line(const std::vector<std::string>& row) const {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths_[i] - DisplayWidth(row[i]), ' ');
      if (i > 0) line += "  ";
      line += i < texts_ ? row[i] + padding : padding + row[i];
    }
    return line.substr(0, line.find_last_not_of(' ') + 1);
  }
  std::string Rule() const {
    std::string line;
    for (std::size_t i = 0; i < widths_.size(); ++i)
      line += (i > 0 ? "  " : "") + std::string(widths_[i], '-');
    return line;
  }

 private:
  const std::size_t texts_;
  std::vector<std::size_t> widths_;
};

}  // namespace

std::string RenderText(const Table& table, bool colour) {
  const std::set<const Row*> chosen = ChosenRows(table);
  std::string text = Title(table) + "\n";
  for (const Cells& cells : Blocks(table)) {
    const Columns columns(cells);
    text += "\n" + columns.Line(cells.heading) + "\n" + columns.Rule() + "\n";
    for (std::size_t i = 0; i < cells.rows.size(); ++i) {
      const Row* const row = cells.of[i];
      const char* style = !colour || row == nullptr ? ""
                          : row->baseline           ? kBold
                          : chosen.contains(row)    ? kGreen
                                                    : "";
      text += style + columns.Line(cells.rows[i]) + (*style != '\0' ? kPlain : "") + "\n";
    }
  }
  text += "\n";
  for (const std::string& line : Legend(table)) text += line + "\n";
  if (colour) text += "Bold: the baseline. Green: the best of its arm on validation.\n";
  for (const std::string& note : table.notes) text += "Note: " + Printable(note) + "\n";
  if (!table.answer.empty()) text += "\n" + Printable(table.answer) + "\n";
  return text;
}

}  // namespace lorikeet::report
