#include <optional>
#include <string_view>

#include "sweeps/report/cells.h"
#include "sweeps/report/chosen.h"
#include "sweeps/report/render.h"

namespace lorikeet::report {
namespace {

constexpr const char* kBoldMeans = "Bold: the best of its arm on validation.";

std::string EscapeMarkdown(const std::string& text) {
  std::string escaped;
  for (const char c : Printable(text)) {
    if (std::string_view("\\`*_[]<>|#~&").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string MarkdownRow(const std::vector<std::string>& cells, bool bold) {
  std::string line = "|";
  for (const std::string& cell : cells) {
    const std::string escaped = EscapeMarkdown(cell);
    line += bold ? " **" + escaped + "** |" : " " + escaped + " |";
  }
  return line + "\n";
}

// Puts `to` for every `from`.
void Replace(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

std::string EscapeLatex(const std::string& text) {
  std::string escaped;
  for (const char c : Printable(text)) {
    switch (c) {
      case '\\':
        escaped += "\\textbackslash{}";
        break;
      case '~':
        escaped += "\\textasciitilde{}";
        break;
      case '^':
        escaped += "\\textasciicircum{}";
        break;
      case '<':
      case '>':
      case '|':
        escaped += std::string("$") + (c == '|' ? "\\vert" : std::string(1, c)) + "$";
        break;
      default:
        if (std::string_view("&%$#_{}").find(c) != std::string_view::npos) escaped += '\\';
        escaped += c;
    }
  }
  Replace(escaped, "±", "$\\pm$");
  Replace(escaped, "−", "$-$");
  Replace(escaped, "–", "--");
  Replace(escaped, "Δ", "$\\Delta$");
  Replace(escaped, "†", "$^{\\dagger}$");
  Replace(escaped, "‡", "$^{\\ddagger}$");
  return escaped;
}

// The cell `significant` gets an asterisk.
std::string LatexRow(const std::vector<std::string>& cells, bool bold,
                     std::optional<std::size_t> significant) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string escaped = EscapeLatex(cells[i]);
    line += (i > 0 ? " & " : "") + (bold ? "\\textbf{" + escaped + "}" : escaped) +
            (significant == i ? "$^{*}$" : "");
  }
  return line + " \\\\\n";
}

}  // namespace

std::string RenderMarkdown(const Table& table) {
  const std::set<const Row*> chosen = ChosenRows(table);
  std::string text;
  for (const Cells& cells : Blocks(table)) {
    text += MarkdownRow(cells.heading, false) + "|";
    for (std::size_t i = 0; i < cells.heading.size(); ++i) text += i < cells.texts ? " --- |" : " ---: |";
    text += "\n";
    for (std::size_t i = 0; i < cells.rows.size(); ++i) {
      text += MarkdownRow(cells.rows[i], chosen.contains(cells.of[i]));
    }
    text += "\n";
  }
  for (const std::string& line : Legend(table)) text += EscapeMarkdown(line) + "\n";
  text += std::string(kBoldMeans) + "\n";
  if (!table.notes.empty()) text += "\n";
  for (const std::string& note : table.notes) text += "- " + EscapeMarkdown(note) + "\n";
  if (!table.answer.empty()) text += "\n" + EscapeMarkdown(table.answer) + "\n";
  return text;
}

std::string RenderLatex(const Table& table) {
  const std::set<const Row*> chosen = ChosenRows(table);
  std::string text = "% " + Title(table) + "; needs \\usepackage{booktabs}\n";
  for (const Cells& cells : Blocks(table)) {
    text += "\\begin{tabular}{" + std::string(cells.texts, 'l') +
            std::string(cells.heading.size() - cells.texts, 'r') + "}\n\\toprule\n" +
            LatexRow(cells.heading, false, std::nullopt) + "\\midrule\n";
    for (std::size_t i = 0; i < cells.rows.size(); ++i) {
      const Row* const row = cells.of[i];
      const bool significant = row != nullptr && row->comparison.p_corrected.value_or(1) < 0.05;
      text += LatexRow(cells.rows[i], chosen.contains(row), significant ? cells.difference : std::nullopt);
    }
    text += "\\bottomrule\n\\end{tabular}\n\n";
  }
  for (const std::string& line : Legend(table)) text += EscapeLatex(line) + "\n";
  text += std::string(kBoldMeans) + " An asterisk: p below 0.05.\n";
  for (const std::string& note : table.notes) text += EscapeLatex(note) + "\n";
  if (!table.answer.empty()) text += "\n" + EscapeLatex(table.answer) + "\n";
  return text;
}

}  // namespace lorikeet::report
