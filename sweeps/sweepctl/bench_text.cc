// The table of `sweepctl bench`.
#include <fmt/format.h>

#include "sweeps/sweepctl/bench.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {
namespace {

using Json = nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

std::string Milliseconds(const Json& seconds) {
  const double value = 1000 * seconds.get<double>();
  return fmt::format("{:.{}f} ms", value, value < 9.95 ? 2 : value < 99.5 ? 1 : 0);
}

Rows Cells(const Json& report) {
  Rows rows = {{"CONFIGURATION", "VARIANT", "TRAINABLE", "LATENCY P50", "P95", "TOKENS/S", "BATCH",
                "TOKENS EACH", "EXTRA TOKENS", "ADAPTER"}};
  for (const Json& row : report.at("rows")) {
    const Json &share = row.at("trainable_share"), &bytes = row.at("adapter_bytes");
    rows.push_back({Printable(row.at("configuration")), row.at("variant"),
                    share.is_number() ? fmt::format("{:.3f} %", 100 * share.get<double>()) : "-",
                    Milliseconds(row.at("latency_p50_seconds")), Milliseconds(row.at("latency_p95_seconds")),
                    fmt::format("{:.0f}", row.at("tokens_per_second").get<double>()), row.at("batch").dump(),
                    fmt::format("{:.1f}", row.at("tokens_per_summary").get<double>()),
                    row.at("extra_tokens").dump(),
                    bytes.is_number() ? FormatBytes(bytes.get<std::int64_t>()) : "-"});
  }
  return rows;
}

std::string Note(const Json& report) {
  const bool on_cpu = report.at("device") == "cpu";
  const std::string threads = report.at("threads").dump();
  return fmt::format(
      "{}{}, {}, beams {}, {} documents; latency of one document, tokens/s in batches. Summaries of other "
      "lengths take "
      "other times: TOKENS EACH.",
      Printable(report.at("device_model")),
      on_cpu ? fmt::format(", {} thread{}", threads, threads == "1" ? "" : "s") : "",
      report.at("precision").get<std::string>(), report.at("beams").dump(), report.at("documents").dump());
}

std::string Markdown(const Rows& rows) {
  std::string out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    out += "|";
    for (const std::string& cell : rows[r]) {
      std::string escaped;
      for (const char c : cell) {
        if (c == '|' || c == '\\' || c == '`' || c == '*' || c == '_' || c == '<' || c == '[')
          escaped += '\\';
        escaped += c;
      }
      out += " " + escaped + " |";
    }
    out += "\n";
    if (r > 0) continue;
    out += "|";
    for (std::size_t i = 0; i < rows[r].size(); ++i) out += i < 2 ? "---|" : "---:|";
    out += "\n";
  }
  return out;
}

std::string Csv(const Json& report) {
  const auto cell = [](const Json& value) {
    if (value.is_null()) return std::string();
    if (!value.is_string()) return value.dump();
    std::string quoted = "\"";
    for (const char c : value.get<std::string>()) {
      if (c == '"') quoted += '"';
      quoted += c;
    }
    return quoted + "\"";
  };
  std::string out;
  for (const Json& row : report.at("rows")) {
    std::string heads, values;
    const auto add = [&](const std::string& key, const Json& value) {
      heads += (heads.empty() ? "" : ",") + key;
      values += (values.empty() ? "" : ",") + cell(value);
    };
    for (const auto& [key, value] : report.items()) {
      if (key != "rows") add(key, value);
    }
    for (const auto& [key, value] : row.items()) add(key, value);
    if (out.empty()) out += heads + "\n";
    out += values;
    out += '\n';
  }
  return out;
}

}  // namespace

std::string RenderBench(const Json& report, const std::string& format) {
  if (format == "json") return report.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  if (format == "csv") return Csv(report);
  if (format == "markdown") return Markdown(Cells(report)) + "\n" + Note(report) + "\n";
  return AlignColumns(Cells(report), {2, 3, 4, 5, 6, 7, 8, 9}) + Note(report) + "\n";
}

}  // namespace lorikeet::sweepctl
