// How sweepctl writes for people: durations, aligned columns, progress bars, colours.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lorikeet::sweepctl {

// Whether to colour what goes to the file descriptor: a terminal, and NO_COLOR is unset or empty.
bool WantsColour(int file);
bool IsTerminal(int file);

// "42 s", "3 min 05 s", "2 h 10 min", "3 d 4 h".
std::string FormatDuration(double seconds);
// "1.5 GiB".
std::string FormatBytes(std::int64_t bytes);

// Columns padded to their widest cell (in characters, not bytes), two spaces between; the first row is the
// heading. Columns named in `right` are flushed right.
std::string AlignColumns(const std::vector<std::vector<std::string>>& rows,
                         const std::vector<std::size_t>& right = {});

// "[#####.....]" of `width` characters between the brackets.
std::string ProgressBar(std::int64_t done, std::int64_t total, int width);

// Each line cut to so many characters (not bytes), the last of them "…", so that a terminal does not wrap it.
std::string CutLines(const std::string& text, std::size_t columns);
// Of the terminal behind the file descriptor; nothing where that is unknown.
std::optional<std::size_t> TerminalColumns(int file);

// Without control characters, so that a hostile name cannot drive the terminal.
std::string Printable(const std::string& text);

}  // namespace lorikeet::sweepctl
