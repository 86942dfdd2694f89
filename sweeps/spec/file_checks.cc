#include "sweeps/spec/file_checks.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <system_error>

#include "common/files.h"
#include "common/json.h"

namespace lorikeet::spec {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

bool IsFile(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// The file as a JSON object; nothing, and a mistake, where it is none.
std::optional<Json> ReadObject(const fs::path& path, std::vector<std::string>& mistakes) {
  const StatusOr<std::string> text = ReadFile(path.string());
  if (!text.ok()) {
    mistakes.push_back(Message(text.status()));
    return std::nullopt;
  }
  StatusOr<Json> json = ParseJson(*text);
  if (!json.ok() || !json->is_object()) {
    mistakes.push_back(fmt::format("{} is not a JSON object{}", path.string(),
                                   json.ok() ? "" : ": " + Message(json.status())));
    return std::nullopt;
  }
  return *std::move(json);
}

void CheckConfig(const fs::path& folder, std::vector<std::string>& mistakes) {
  const fs::path path = folder / "config.json";
  if (!IsFile(path)) {
    mistakes.push_back(
        fmt::format("{} has no config.json: a Hugging Face directory has one", folder.string()));
    return;
  }
  const std::optional<Json> config = ReadObject(path, mistakes);
  if (!config) return;
  const auto type = config->find("model_type");
  if (type != config->end() && type->is_string() && *type != "t5") {
    mistakes.push_back(fmt::format("{} is of a {} model: a T5 (model_type t5), such as Flan-T5",
                                   path.string(), type->get<std::string>()));
  }
}

void CheckShards(const fs::path& folder, const fs::path& index_path, std::vector<std::string>& mistakes) {
  const std::optional<Json> index = ReadObject(index_path, mistakes);
  if (!index) return;
  const auto map = index->find("weight_map");
  if (map == index->end() || !map->is_object() || map->empty()) {
    mistakes.push_back(fmt::format("{} has no weight_map: it names each tensor's file", index_path.string()));
    return;
  }
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : map->items()) {
    if (shard.is_string()) shards.insert(shard.get<std::string>());
  }
  for (const std::string& shard : shards) {
    if (!IsFile(folder / shard)) {
      mistakes.push_back(fmt::format("{} has no {}, which {} names: all shards are needed", folder.string(),
                                     shard, index_path.filename().string()));
    }
  }
}

void CheckWeights(const fs::path& folder, std::vector<std::string>& mistakes) {
  if (IsFile(folder / "model.safetensors")) return;
  const fs::path index = folder / "model.safetensors.index.json";
  if (IsFile(index)) {
    CheckShards(folder, index, mistakes);
  } else if (IsFile(folder / "pytorch_model.bin") || IsFile(folder / "pytorch_model.bin.index.json")) {
    mistakes.push_back(
        fmt::format("{} has its weights as pytorch_model.bin only: model.safetensors is needed, which "
                    "transformers' save_pretrained writes",
                    folder.string()));
  } else {
    mistakes.push_back(fmt::format(
        "{} has no model.safetensors (or model.safetensors.index.json with its shards)", folder.string()));
  }
}

std::vector<std::string> AdapterMistakes(const std::string& folder, const std::string& type) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return {fmt::format("{}: no such folder: a PEFT directory, such as `sweep-trainer train` leaves in kept/",
                        folder)};
  }
  std::vector<std::string> mistakes;
  const fs::path config_path = fs::path(folder) / "adapter_config.json";
  if (!IsFile(config_path)) {
    mistakes.push_back(fmt::format("{} has no adapter_config.json: a PEFT directory has one", folder));
  } else if (const std::optional<Json> config = ReadObject(config_path, mistakes)) {
    const auto found = config->find("peft_type");
    const std::string given = found != config->end() && found->is_string() ? found->get<std::string>() : "";
    if (given != type) {
      mistakes.push_back(fmt::format("{} is of peft_type '{}': this arm starts from a {}",
                                     config_path.string(), given, type));
    }
  }
  if (!IsFile(fs::path(folder) / "adapter_model.safetensors")) {
    mistakes.push_back(fmt::format("{} has no adapter_model.safetensors", folder));
  }
  return mistakes;
}

std::string WhyMissing(const std::error_code& error) {
  return error && error != std::errc::no_such_file_or_directory ? error.message() : "no such file or folder";
}

}  // namespace

std::vector<std::string> ModelMistakes(const std::string& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (!fs::exists(status)) {
    return {
        fmt::format("{0}: {1}: a Hugging Face directory; get one with `hf download google/flan-t5-small "
                    "config.json model.safetensors spiece.model --local-dir {0}`",
                    folder, WhyMissing(error))};
  }
  if (!fs::is_directory(status)) {
    return {fmt::format("{} is a file: the folder that holds config.json, model.safetensors and spiece.model",
                        folder)};
  }
  std::vector<std::string> mistakes;
  CheckConfig(folder, mistakes);
  CheckWeights(folder, mistakes);
  if (!IsFile(fs::path(folder) / "spiece.model")) {
    mistakes.push_back(fmt::format(
        "{} has no spiece.model: T5's SentencePiece model, which tokenizer.json does not replace", folder));
  }
  return mistakes;
}

std::vector<std::string> DataFileMistakes(const std::string& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (!fs::exists(status)) {
    return {
        fmt::format("{}: {}: a file of documents (.jsonl, .jsonl.gz, .jsonl.zst)", file, WhyMissing(error))};
  }
  if (fs::is_directory(status)) return {fmt::format("{} is a folder: one file of documents", file)};
  if (access(file.c_str(), R_OK) != 0) return {fmt::format("{}: {}", file, std::strerror(errno))};
  if (IsFile(file) && fs::file_size(file, error) == 0 && !error) {
    return {fmt::format("{} is empty: one document a line", file)};
  }
  return {};
}

std::vector<std::string> LoraAdapterMistakes(const std::string& folder) {
  return AdapterMistakes(folder, "LORA");
}
std::vector<std::string> PromptAdapterMistakes(const std::string& folder) {
  return AdapterMistakes(folder, "PROMPT_TUNING");
}

Status CheckAdapterFits(const Trial& trial) {
  const std::string& folder = StartAdapter(trial);
  if (folder.empty()) return absl::OkStatus();
  const StatusOr<std::string> text = ReadFile(folder + "/adapter_config.json");
  if (!text.ok()) return absl::OkStatus();  // said at its own place
  const StatusOr<Json> config = ParseJson(*text);
  if (!config.ok() || !config->is_object()) return absl::OkStatus();
  std::vector<std::string> mistakes;
  const auto compare = [&](const char* theirs, const char* ours, const Json& asked) {
    const auto found = config->find(theirs);
    if (found == config->end() || *found == asked) return;
    mistakes.push_back(fmt::format("{}: {}: the adapter {} has {}: leave it out, or say the same", ours,
                                   asked.dump(), folder, found->dump()));
  };
  if (trial.method == Method::kLora) {
    if (trial.lora.rank != 0) compare("r", "rank", trial.lora.rank);
    if (trial.lora.alpha != 0) compare("lora_alpha", "alpha", trial.lora.alpha);
    const auto targets = config->find("target_modules");
    if (!trial.lora.targets.empty() && targets != config->end() && targets->is_array()) {
      std::set<Json> theirs(targets->begin(), targets->end());
      std::set<Json> ours(trial.lora.targets.begin(), trial.lora.targets.end());
      if (theirs != ours) compare("target_modules", "targets", trial.lora.targets);
    }
  } else if (trial.prompt.tokens != 0) {
    compare("num_virtual_tokens", "tokens", trial.prompt.tokens);
  }
  return mistakes.empty() ? absl::OkStatus() : InvalidArgument("{}", fmt::join(mistakes, "\n"));
}

}  // namespace lorikeet::spec
