#include "sweeps/sweepctl/preflight_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {
namespace {

using Json = nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

constexpr std::size_t kWidth = 100;              // of prose
constexpr std::size_t kHead = 320, kTail = 120;  // bytes of an example that are shown

bool Continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::string Count(std::int64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string Plural(std::int64_t count, const std::string& what) {
  return fmt::format("{} {}{}", Count(count), what, count == 1 ? "" : "s");
}

// Small times matter here, other than FormatDuration's.
std::string Seconds(double seconds) {
  if (seconds >= 60) return FormatDuration(seconds);
  if (seconds >= 9.95) return fmt::format("{:.0f} s", seconds);
  if (seconds >= 0.9995) return fmt::format("{:.1f} s", seconds);
  return fmt::format("{:.{}f} ms", seconds * 1000, seconds < 0.00995 ? 1 : 0);
}

std::string SecondsOf(const Json& value) { return value.is_number() ? Seconds(value.get<double>()) : "-"; }

std::string Paint(const std::string& text, const char* code, bool colour) {
  return colour ? fmt::format("\033[{}m{}\033[0m", code, text) : text;
}

// Words in lines of kWidth, each after `indent`.
std::string Wrap(const std::string& text, const std::string& indent) {
  std::string out, line;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    begin = end + 1;
    if (word.empty()) continue;
    if (!line.empty() && indent.size() + line.size() + 1 + word.size() > kWidth) {
      out += indent + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return line.empty() ? out : out + indent + line + "\n";
}

// The beginning and the end of a long text.
std::string Excerpt(const std::string& text) {
  std::string whole = Printable(text);
  if (whole.size() <= kHead + kTail) return whole;
  std::size_t head = kHead, tail = whole.size() - kTail;
  while (head > 0 && Continues(whole[head])) --head;
  while (tail < whole.size() && Continues(whole[tail])) ++tail;
  return whole.substr(0, head) + " … " + whole.substr(tail);
}

std::string Share(const Json& lengths) {
  const double percent = 100 * lengths.at("share_cut").get<double>();
  if (percent == 0) return "0 %";
  return percent < 1 ? "<1 %" : fmt::format("{:.0f} %", percent);
}

std::string Documents(const Json& data) {
  Rows rows = {{"SPLIT", "DOCUMENTS", "SOURCE P50", "P95", "MAX", "CUT", "TARGET P50", "P95", "MAX", "CUT"}};
  for (const Json& split : data.at("splits")) {
    std::vector<std::string> row = {split.at("split"), Count(split.at("documents"))};
    for (const char* key : {"source_tokens", "target_tokens"}) {
      const Json& lengths = split.at(key);
      for (const char* value : {"p50", "p95", "max"}) row.push_back(Count(lengths.at(value)));
      row.push_back(Share(lengths));
    }
    rows.push_back(std::move(row));
  }
  const Json& first = data.at("splits").at(0);
  std::string out = AlignColumns(rows, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  out += fmt::format(
      "in tokens, the closing </s> included; cut: longer than max_source_tokens ({}) or max_target_tokens "
      "({})\n",
      first.at("source_tokens").at("limit").get<std::int64_t>(),
      first.at("target_tokens").at("limit").get<std::int64_t>());
  double unknown = 0;
  for (const Json& split : data.at("splits")) unknown = std::max(unknown, split.value("share_unknown", 0.0));
  out += fmt::format(
      "unknown to the model's tokenizer: {}\n",
      unknown == 0 ? "no token" : fmt::format("{:.2g} % of a split's tokens at most", 100 * unknown));
  bool twice = !data.at("overlaps").empty();
  for (const Json& split : data.at("splits"))
    twice = twice || split.at("repeated_texts").get<std::int64_t>() > 0;
  return out + (twice ? "duplicates: see the warnings\n" : "no duplicates, within a split or across\n");
}

std::string Example(const Json& example) {
  std::string out = fmt::format("A document as the model sees it: {}\n", Printable(example.at("id")));
  for (const std::string part : {"source", "target"}) {
    out += fmt::format("  {}, {}{}:\n", part, Plural(example.at(part + "_tokens"), "token"),
                       example.at(part + "_cut").get<bool>() ? ", cut" : "");
    out += Wrap(Excerpt(example.at(part)), "    ");
  }
  return out;
}

std::string Tried(const Json& arms) {
  Rows rows = {
      {"TRIED OUT", "TRAINABLE", "LOSS", "STEP", "LONGEST STEP", "SUMMARY", "PEAK MEMORY", "ALLOWED"}};
  for (const Json& arm : arms) {
    const auto step = [&](const char* key) -> Json {
      return arm.contains(key) && arm.at(key).is_object() ? arm.at(key)
                                                          : Json{{"seconds", nullptr}, {"loss", nullptr}};
    };
    const Json typical = step("typical_step");
    const std::int64_t trainable = arm.value("trainable_parameters", std::int64_t{0});
    const std::int64_t peak = arm.value("peak_memory_bytes", std::int64_t{0});
    rows.push_back(
        {Printable(arm.at("configuration")), trainable > 0 ? Count(trainable) : "-",
         typical.at("loss").is_number() ? fmt::format("{:.3f}", typical.at("loss").get<double>()) : "-",
         SecondsOf(typical.at("seconds")), SecondsOf(step("longest_step").at("seconds")),
         SecondsOf(arm.value("generate_seconds_per_document", Json())), peak > 0 ? FormatBytes(peak) : "-",
         arm.at("memory_bytes").is_number() ? FormatBytes(arm.at("memory_bytes")) : "any"});
  }
  return AlignColumns(rows, {1, 2, 3, 4, 5, 6, 7}) +
         "of each arm the configuration that needs the most memory; the loss is the first step's\n";
}

std::string Forecast(const Json& report) {
  const Json& forecast = report.at("forecast");
  const auto seconds_or_none = [](double seconds) { return seconds > 0 ? Seconds(seconds) : "-"; };  // lead
  Rows rows = {{"FORECAST", "TRIALS", "STEPS", "TRAINING", "VALIDATING", "TEST", "A TRIAL", "ALL"}};
  for (const Json& arm : forecast.at("arms")) {
    const std::int64_t steps = arm.at("steps");
    rows.push_back({arm.at("arm"), Count(arm.at("trials")), steps > 0 ? Count(steps) : "-",
                    steps > 0 ? Seconds(arm.at("train_seconds")) : "-",
                    steps > 0 ? Seconds(arm.at("validate_seconds")) : "-",
                    seconds_or_none(arm.at("evaluate_seconds")), seconds_or_none(arm.at("trial_seconds")),
                    seconds_or_none(arm.at("seconds"))});
  }
  std::string out = AlignColumns(rows, {1, 2, 3, 4, 5, 6, 7});
  const double device_seconds = forecast.at("device_seconds");
  const std::int64_t at_a_time = forecast.at("at_a_time");
  const std::string part = forecast.at("complete").get<bool>() ? "" : " (without what failed above)";
  out += fmt::format(
      "all{}: {:.{}f} device-hours, {} {}\n", part, device_seconds / 3600, device_seconds < 36000 ? 2 : 0,
      FormatDuration(forecast.at("wall_seconds")),
      at_a_time == 1 ? "with one trial at a time" : fmt::format("with {} trials at a time", at_a_time));
  for (const Json& arm : report.at("arms")) {
    if (!arm.contains("past") || !arm.at("past").is_object()) continue;
    std::string sweeps;
    for (const Json& sweep : arm.at("past").at("sweeps")) {
      sweeps += (sweeps.empty() ? "" : ", ") + Printable(sweep);
    }
    out += fmt::format("{}: training at {} tokens/s, the median of {} of this model on such a device ({})\n",
                       arm.at("arm").get<std::string>(),
                       Count(static_cast<std::int64_t>(arm.at("past").at("tokens_per_second").get<double>())),
                       Plural(arm.at("past").at("trials"), "trial"), sweeps);
  }
  return out;
}

std::string List(const Json& lines, const std::string& word, const char* code, bool colour) {
  std::string out;
  for (const Json& line : lines) {
    const std::string wrapped = Wrap(word + ": " + Printable(line), "");
    out += Paint(word, code, colour) + wrapped.substr(word.size());
  }
  return out;
}

}  // namespace

std::string RenderPreflight(const Json& report, bool colour) {
  std::string out =
      fmt::format("{}: {} of {}", Printable(report.at("sweep")), Plural(report.at("trials"), "trial"),
                  Plural(report.at("configurations"), "configuration"));
  if (report.contains("device")) {
    const bool on_cpu = report.at("device") == "cpu";
    out += fmt::format("; tried on {} ({}{})", report.at("device").get<std::string>(),
                       Printable(report.at("device_model")),
                       on_cpu ? ", " + Plural(report.at("threads"), "thread") : "");
  }
  out += "\n";
  if (report.contains("data")) {
    out += "\n" + Documents(report.at("data")) + "\n" + Example(report.at("data").at("example"));
  }
  if (report.contains("arms") && !report.at("arms").empty()) out += "\n" + Tried(report.at("arms"));
  if (report.contains("forecast")) out += "\n" + Forecast(report);
  const std::string findings = List(report.at("failures"), "fails", "31", colour) +
                               List(report.at("warnings"), "warning", "33", colour);
  return out + (findings.empty() ? "\nnothing that looks wrong\n" : "\n" + findings);
}

}  // namespace lorikeet::sweepctl
