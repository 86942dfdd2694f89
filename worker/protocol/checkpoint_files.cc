#include "worker/protocol/checkpoint_files.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

namespace lorikeet::protocol {
namespace {

constexpr std::string_view kEnding = ".safetensors", kTemporary = ".safetensors.tmp.";

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool TakeNumber(std::string_view& text, std::int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

std::optional<CheckpointFile> Parse(std::string_view name) {
  CheckpointFile file;
  if (TakePrefix(name, "state-")) {
    file.kind = CheckpointFile::kState;
  } else if (TakePrefix(name, "best-")) {
    file.kind = CheckpointFile::kBest;
  } else if (TakePrefix(name, "done-")) {
    file.kind = CheckpointFile::kDone;
  } else {
    return std::nullopt;
  }
  if (!TakeNumber(name, file.token)) return std::nullopt;
  if (file.kind == CheckpointFile::kDone) return name.empty() ? std::optional(file) : std::nullopt;
  if (file.kind == CheckpointFile::kBest && !(TakePrefix(name, "-") && TakeNumber(name, file.step))) {
    return std::nullopt;
  }
  file.temporary = name.starts_with(kTemporary);
  return file.temporary || name == kEnding ? std::optional(file) : std::nullopt;
}

}  // namespace

std::optional<CheckpointFile> ParseCheckpointFile(const std::string& name) { return Parse(name); }

std::string StateFileName(std::int64_t token) { return fmt::format("state-{}{}", token, kEnding); }
std::string BestFileName(std::int64_t token, std::int64_t step) {
  return fmt::format("best-{}-{}{}", token, step, kEnding);
}

std::string DoneFileName(std::int64_t token) { return fmt::format("done-{}", token); }

std::vector<CheckpointFile> ListCheckpointFiles(const std::string& directory) {
  std::vector<CheckpointFile> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    auto file = Parse(entry->path().filename().string());
    if (!file) continue;
    file->path = entry->path().string();
    files.push_back(*std::move(file));
  }
  return files;
}

void RemoveCheckpointFiles(const std::string& directory,
                           const std::function<bool(const CheckpointFile&)>& which) {
  std::error_code ignored;
  for (const CheckpointFile& file : ListCheckpointFiles(directory)) {
    if (which(file)) std::filesystem::remove(file.path, ignored);
  }
}

}  // namespace lorikeet::protocol
