#include "sweeps/report/render.h"

#include <array>
#include <utility>
#include <vector>

#include "common/nearest.h"

namespace lorikeet::report {

StatusOr<Format> ParseFormat(const std::string& name) {
  static constexpr std::array<std::pair<const char*, Format>, 5> kFormats = {{{"text", Format::kText},
                                                                              {"markdown", Format::kMarkdown},
                                                                              {"latex", Format::kLatex},
                                                                              {"csv", Format::kCsv},
                                                                              {"json", Format::kJson}}};
  std::vector<std::string> names;
  for (const auto& [known, format] : kFormats) {
    if (name == known) return format;
    names.emplace_back(known);
  }
  return InvalidArgument("format '{}': text, markdown, latex, csv or json{}", name, DidYouMean(name, names));
}

std::string Render(const Table& table, Format format, bool colour) {
  switch (format) {
    case Format::kMarkdown:
      return RenderMarkdown(table);
    case Format::kLatex:
      return RenderLatex(table);
    case Format::kCsv:
      return RenderCsv(table);
    case Format::kJson:
      return RenderJson(table);
    case Format::kText:
      break;
  }
  return RenderText(table, colour);
}

}  // namespace lorikeet::report
