#include "sweeps/sweepctl/config.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <vector>

#include "common/config_folder.h"
#include "common/files.h"
#include "common/nearest.h"

namespace lorikeet::sweepctl {
namespace {

const std::vector<std::string>& Keys() {
  static const std::vector<std::string> keys = {"coordinator", "token_file", "tls_ca"};
  return keys;
}

bool IsSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

// CLI11's reader names no lines.
int LineOf(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin != std::string::npos && line.compare(begin, key.size(), key) == 0) return number;
  }
  return 1;
}

}  // namespace

StatusOr<ClientOptions> ReadConfig(const std::string& file) {
  ClientOptions options;
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return options;
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  std::istringstream stream(text);
  std::vector<CLI::ConfigItem> items;
  try {
    items = CLI::ConfigTOML().from_config(stream);
  } catch (const std::exception& error) {
    return InvalidArgument("{}: {}", file, error.what());
  }
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  for (const CLI::ConfigItem& item : items) {
    const std::string key = item.fullname();
    std::string* value = key == "coordinator"  ? &options.coordinator
                         : key == "token_file" ? &options.token_file
                         : key == "tls_ca"     ? &options.tls_ca
                                               : nullptr;
    if (value == nullptr) {
      if (item.name == "++" || item.name == "--") continue;  // CLI11's marks of a section
      return InvalidArgument(
          "{}:{}: unknown key '{}'{}", file, LineOf(text, item.name), key,
          DidYouMean(key, Keys()).empty() ? ": coordinator, token_file or tls_ca" : DidYouMean(key, Keys()));
    }
    if (item.inputs.size() != 1 || item.inputs[0].empty()) {
      return InvalidArgument("{}:{}: {}: one text, such as {}", file, LineOf(text, key), key,
                             key == "coordinator" ? "\"gpu-head:7070\"" : "\"ca.pem\"");
    }
    *value = key == "coordinator" ? item.inputs[0] : (folder / item.inputs[0]).string();
  }
  return options;
}

Status FillFromConfig(ClientOptions& options) {
  const StatusOr<std::string> folder = ConfigFolder();
  if (!folder.ok()) return absl::OkStatus();  // no home, no file
  ASSIGN_OR_RETURN(const ClientOptions config, ReadConfig(*folder + "/sweepctl.toml"));
  const auto fill = [](std::string& value, const char* variable, const std::string& otherwise) {
    if (value.empty() && !IsSet(variable)) value = otherwise;
  };
  // One who names a coordinator by --data has its token there.
  if (!options.data.empty()) return absl::OkStatus();
  // The file's token is for the file's coordinator.
  const bool same = options.coordinator.empty() && !IsSet("LORIKEET_COORDINATOR");
  fill(options.coordinator, "LORIKEET_COORDINATOR", config.coordinator);
  if (!same && options.coordinator != config.coordinator) return absl::OkStatus();
  fill(options.token_file, "LORIKEET_TOKEN_FILE", config.token_file);
  fill(options.tls_ca, "LORIKEET_TLS_CA", config.tls_ca);
  return absl::OkStatus();
}

}  // namespace lorikeet::sweepctl
