// Text from databases made fit to be drawn, and numbers as axes write them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lorikeet::plot {

// Valid UTF-8, without controls, line breaks and marks that reorder text; at most `most` characters, the last
// of them "…".
std::string Clean(std::string_view text, std::size_t most = 200);

// The characters of clean text.
std::vector<std::string> Characters(const std::string& text);

// For markup: & < > " ' as entities.
std::string Escaped(const std::string& text);

// "rouge1" as papers write it, "ROUGE-1"; other names with blanks for underscores.
std::string MetricLabel(const std::string& metric);

// "0.25", "1200", "3.4M", "1.2B" (billions), "1e-05": at most so many significant digits.
std::string NumberText(double value, int digits = 4);
// A cost in its unit ("B", "s", "tokens/s", ""): "1.5 MiB", "3 min", "12k".
std::string QuantityText(double value, const std::string& unit);

}  // namespace lorikeet::plot
