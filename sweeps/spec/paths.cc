#include "sweeps/spec/paths.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "sweeps/spec/reader.h"

namespace lorikeet::spec {
namespace {

bool IsName(const std::string& name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !is_letter(name[0])) return false;
  for (const char c : name) {
    if (!is_letter(c) && !(c >= '0' && c <= '9')) return false;
  }
  return true;
}

}  // namespace

Environment ProcessEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

StatusOr<std::string> ExpandVariables(const std::string& text, const Environment& environment) {
  std::string expanded;
  std::size_t at = 0;
  for (;;) {
    const std::size_t start = text.find("${", at);
    if (start == std::string::npos) return expanded + text.substr(at);
    const std::size_t end = text.find('}', start);
    if (end == std::string::npos)
      return InvalidArgument("'${{' without its closing brace: ${{NAME}} or ${{NAME:-default}}");
    expanded += text.substr(at, start - at);
    const std::string inside = text.substr(start + 2, end - start - 2);
    const std::size_t colon = inside.find(":-");
    const std::string name = inside.substr(0, colon);
    if (!IsName(name)) {
      return InvalidArgument(
          "'${{{}}}' names no variable: ${{NAME}} or ${{NAME:-default}}, of letters, digits and _",
          ShowText(inside));
    }
    const std::optional<std::string> value = environment ? environment(name) : std::nullopt;
    if (colon != std::string::npos) {
      expanded += value && !value->empty() ? *value : inside.substr(colon + 2);
    } else if (value) {
      expanded += *value;
    } else {
      return InvalidArgument("the variable {0} is not set: set it, or give a default, ${{{0}:-default}}",
                             name);
    }
    at = end + 1;
  }
}

std::string FolderOf(const std::string& file) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(file.empty() ? "sweep.yaml" : file, error);
  return (error ? std::filesystem::path(file) : absolute).lexically_normal().parent_path().string();
}

std::string ResolvePath(const std::string& path, const std::string& folder) {
  const std::string resolved = (std::filesystem::path(folder) / path).lexically_normal().string();
  return resolved.size() > 1 && resolved.back() == '/' ? resolved.substr(0, resolved.size() - 1) : resolved;
}

}  // namespace lorikeet::spec
