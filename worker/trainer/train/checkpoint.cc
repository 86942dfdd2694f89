#include "worker/trainer/train/checkpoint.h"

#include <c10/core/GradMode.h>

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "worker/text/safetensors.h"
#include "worker/trainer/model/checkpoint.h"

namespace lorikeet::trainer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr char kState[] = "state", kParameter[] = "parameter:", kMoment[] = "moment:";

Json ToJson(const TrainingState& state, const std::string& fingerprint) {
  Json json = {{"fingerprint", fingerprint},
               {"step", state.step},
               {"validated_step", state.validated_step},
               {"micro_batch_size", state.micro_batch_size},
               {"best_step", state.best_step},
               {"best_saved", state.best_saved},
               {"validations_without_gain", state.validations_without_gain},
               {"train_seconds", state.train_seconds},
               {"tokens", state.tokens}};
  json["best_value"] = state.best_value ? Json(*state.best_value) : Json();
  return json;
}

TrainingState FromJson(const Json& json) {
  TrainingState state;
  json.at("step").get_to(state.step);
  json.at("validated_step").get_to(state.validated_step);
  json.at("micro_batch_size").get_to(state.micro_batch_size);
  json.at("best_step").get_to(state.best_step);
  json.at("best_saved").get_to(state.best_saved);
  json.at("validations_without_gain").get_to(state.validations_without_gain);
  json.at("train_seconds").get_to(state.train_seconds);
  json.at("tokens").get_to(state.tokens);
  if (!json.at("best_value").is_null()) state.best_value = json.at("best_value").get<double>();
  return state;
}

// Collects tensors of a file, and keeps their CPU copies alive until it is written.
struct Contents {
  std::vector<at::Tensor> kept;
  std::vector<text::TensorToWrite> entries;

  void Add(const std::string& name, const at::Tensor& tensor) {
    const at::Tensor& value = kept.emplace_back(tensor.detach().to(at::kCPU, at::kFloat).contiguous());
    entries.push_back({name,
                       "F32",
                       value.sizes().vec(),
                       {static_cast<const std::byte*>(value.const_data_ptr()), value.nbytes()}});
  }
};

StatusOr<at::Tensor> Read(const text::SafetensorsFile& file, const std::string& name,
                          const at::Tensor& like) {
  const auto found = file.tensors().find(name);
  if (found == file.tensors().end()) return InvalidArgument("{}: {} is missing", file.path(), name);
  if (found->second.dtype != "F32" || at::IntArrayRef(found->second.shape) != like.sizes()) {
    return InvalidArgument("{}: {} has another shape or type", file.path(), name);
  }
  at::Tensor tensor = at::empty(found->second.shape, at::kFloat);
  const auto bytes = file.bytes(found->second);
  if (!bytes.empty()) std::memcpy(tensor.data_ptr(), bytes.data(), bytes.size());
  return tensor;
}

StatusOr<TensorMap> ReadAll(const text::SafetensorsFile& file, const char* prefix, const TensorMap& like) {
  TensorMap tensors;
  for (const auto& [name, tensor] : like) {
    auto value = Read(file, prefix + name, tensor);
    RETURN_IF_ERROR(value.status());
    tensors.emplace(name, *std::move(value));
  }
  return tensors;
}

void CopyInto(const TensorMap& values, const TensorMap& parameters) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, parameter] : parameters) parameter.copy_(values.at(name));
}

}  // namespace

CheckpointFolder::CheckpointFolder(std::string directory, std::string fingerprint)
    : directory_(std::move(directory)), fingerprint_(std::move(fingerprint)) {}

std::string CheckpointFolder::BestPath(std::int64_t step) const {
  return fmt::format("{}/best-{}.safetensors", directory_, step);
}

Status CheckpointFolder::Save(const TrainingState& state, const TensorMap& parameters,
                              const TensorMap& moments) {
  std::error_code error;
  fs::create_directories(directory_, error);
  if (error) return Internal("{}: {}", directory_, error.message());
  const std::string json = ToJson(state, fingerprint_).dump();
  Contents contents;
  contents.entries.push_back({kState,
                              "U8",
                              {static_cast<std::int64_t>(json.size())},
                              std::as_bytes(std::span(json.data(), json.size()))});
  for (const auto& [name, tensor] : parameters) contents.Add(kParameter + name, tensor);
  for (const auto& [name, tensor] : moments) contents.Add(kMoment + name, tensor);
  RETURN_IF_ERROR(text::WriteSafetensors(directory_ + "/state.safetensors", contents.entries));
  const std::string best = fs::path(BestPath(state.best_step)).filename().string();
  for (const auto& entry : fs::directory_iterator(directory_, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("best-") && name != best) fs::remove(entry.path(), error);
  }
  return absl::OkStatus();
}

StatusOr<TrainingState> CheckpointFolder::Load(const TensorMap& parameters, Optimizer& optimizer) const {
  const std::string path = directory_ + "/state.safetensors";
  if (!fs::exists(path)) return NotFound("{}: no checkpoint", path);
  auto file = text::SafetensorsFile::Open(path);
  RETURN_IF_ERROR(file.status());
  const auto found = (*file)->tensors().find(kState);
  if (found == (*file)->tensors().end()) return InvalidArgument("{}: {} is missing", path, kState);
  const auto bytes = (*file)->bytes(found->second);
  const Json json =
      Json::parse(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), nullptr,
                  /*allow_exceptions=*/false);
  TrainingState state;
  try {
    if (json.at("fingerprint").get<std::string>() != fingerprint_) {
      return FailedPrecondition("{}: of another trial, other data or another model", path);
    }
    state = FromJson(json);
  } catch (const nlohmann::json::exception& exception) {
    return InvalidArgument("{}: {}", path, exception.what());
  }
  // It is needed in the end only: found damaged then, all the training between would be for nothing.
  if (state.best_saved) {
    auto best = text::SafetensorsFile::Open(BestPath(state.best_step));
    RETURN_IF_ERROR(best.status());
    RETURN_IF_ERROR(ReadAll(**best, "", parameters).status());
  }
  auto weights = ReadAll(**file, kParameter, parameters);
  RETURN_IF_ERROR(weights.status());
  auto moments = ReadAll(**file, kMoment, optimizer.State());
  RETURN_IF_ERROR(moments.status());
  RETURN_IF_ERROR(optimizer.Restore(*moments, state.step));
  CopyInto(*weights, parameters);
  return state;
}

Status CheckpointFolder::SaveBest(std::int64_t step, const TensorMap& parameters) {
  std::error_code error;
  fs::create_directories(directory_, error);
  if (error) return Internal("{}: {}", directory_, error.message());
  return WriteTensors(BestPath(step), parameters, at::kFloat);
}

Status CheckpointFolder::LoadBest(std::int64_t step, const TensorMap& parameters) const {
  auto file = text::SafetensorsFile::Open(BestPath(step));
  RETURN_IF_ERROR(file.status());
  auto weights = ReadAll(**file, "", parameters);
  RETURN_IF_ERROR(weights.status());
  CopyInto(*weights, parameters);
  return absl::OkStatus();
}

void CheckpointFolder::Remove() {
  std::error_code error;
  fs::remove_all(directory_, error);
}

}  // namespace lorikeet::trainer
