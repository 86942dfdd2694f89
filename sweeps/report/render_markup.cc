#include <string_view>

#include "sweeps/report/cells.h"
#include "sweeps/report/render.h"

namespace lorikeet::report {
namespace {

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
  return escaped;
}

std::string LatexRow(const std::vector<std::string>& cells, bool bold) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string escaped = EscapeLatex(cells[i]);
    line += (i > 0 ? " & " : "") + (bold ? "\\textbf{" + escaped + "}" : escaped);
  }
  return line + " \\\\\n";
}

}  // namespace

std::string RenderMarkdown(const Table& table) {
  const Cells cells = MakeCells(table);
  std::string text = MarkdownRow(cells.heading, false) + "|";
  for (std::size_t i = 0; i < cells.heading.size(); ++i) text += i < 2 ? " --- |" : " ---: |";
  text += "\n";
  for (std::size_t i = 0; i < cells.rows.size(); ++i)
    text += MarkdownRow(cells.rows[i], table.rows[i].baseline);
  text += "\n";
  for (const std::string& line : Legend(table)) text += EscapeMarkdown(line) + "\n";
  if (!table.notes.empty()) text += "\n";
  for (const std::string& note : table.notes) text += "- " + EscapeMarkdown(note) + "\n";
  if (!table.answer.empty()) text += "\n" + EscapeMarkdown(table.answer) + "\n";
  return text;
}

std::string RenderLatex(const Table& table) {
  const Cells cells = MakeCells(table);
  std::string text = "% " + Title(table) + "; needs \\usepackage{booktabs}\n\\begin{tabular}{ll" +
                     std::string(cells.heading.size() - 2, 'r') + "}\n\\toprule\n" +
                     LatexRow(cells.heading, false) + "\\midrule\n";
  for (std::size_t i = 0; i < cells.rows.size(); ++i) text += LatexRow(cells.rows[i], table.rows[i].baseline);
  text += "\\bottomrule\n\\end{tabular}\n\n";
  for (const std::string& line : Legend(table)) text += EscapeLatex(line) + "\n";
  for (const std::string& note : table.notes) text += EscapeLatex(note) + "\n";
  if (!table.answer.empty()) text += "\n" + EscapeLatex(table.answer) + "\n";
  return text;
}

}  // namespace lorikeet::report
