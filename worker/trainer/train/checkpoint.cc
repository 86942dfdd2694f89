#include "worker/trainer/train/checkpoint.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "common/files.h"
#include "worker/protocol/checkpoint_files.h"
#include "worker/text/safetensors.h"
#include "worker/trainer/files/tensor_files.h"

namespace lorikeet::trainer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using protocol::BestFileName;
using protocol::CheckpointFile;
using protocol::DoneFileName;
using protocol::ListCheckpointFiles;
using protocol::RemoveCheckpointFiles;
using protocol::StateFileName;

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

Status CheckHolds(const text::SafetensorsFile& file, const std::string& prefix, const TensorMap& wanted) {
  for (const auto& [name, tensor] : wanted) {
    const auto found = file.tensors().find(prefix + name);
    if (found == file.tensors().end()) {
      return InvalidArgument("{}: {} is missing", file.path(), prefix + name);
    }
    if (found->second.dtype != "F32" || at::IntArrayRef(found->second.shape) != tensor.sizes()) {
      return InvalidArgument("{}: {} has another shape or type", file.path(), prefix + name);
    }
  }
  return absl::OkStatus();
}

// From the mapped file straight to where they belong: a trial that is gone on with has no room for two of
// each. Only after CheckHolds.
void ReadInto(const text::SafetensorsFile& file, const std::string& prefix, const TensorMap& tensors) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) {
    const auto bytes = file.bytes(file.tensors().at(prefix + name));
    const bool direct = tensor.is_cpu() && tensor.is_contiguous() && tensor.scalar_type() == at::kFloat;
    const at::Tensor value =
        direct ? tensor.detach()
               : at::empty(tensor.sizes(), tensor.options().device(at::kCPU).dtype(at::kFloat));
    if (!bytes.empty()) std::memcpy(value.data_ptr(), bytes.data(), bytes.size());
    if (!direct) tensor.copy_(value);
  }
}

TensorMap Copied(const TensorMap& parameters) {
  const at::NoGradGuard no_grad;
  TensorMap copies;
  for (const auto& [name, parameter] : parameters) copies.emplace(name, parameter.detach().cpu().clone());
  return copies;
}

void CopyInto(const TensorMap& values, const TensorMap& parameters) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, parameter] : parameters) parameter.copy_(values.at(name));
}

}  // namespace

CheckpointFolder::CheckpointFolder(std::string directory, std::string fingerprint,
                                   std::optional<std::int64_t> token)
    : directory_(std::move(directory)), fingerprint_(std::move(fingerprint)), fenced_(token.has_value()) {
  if (token) {
    token_ = *token;
    return;
  }
  for (const CheckpointFile& file : ListCheckpointFiles(directory_)) token_ = std::max(token_, file.token);
}

std::string CheckpointFolder::StatePath(std::int64_t token) const {
  return directory_ + "/" + StateFileName(token);
}
std::string CheckpointFolder::BestPath(std::int64_t token, std::int64_t step) const {
  return directory_ + "/" + BestFileName(token, step);
}

Status CheckpointFolder::CheckNotSuperseded() const {
  for (const CheckpointFile& file : ListCheckpointFiles(directory_)) {
    if (file.token <= token_) continue;
    return Aborted("{}: written by a later attempt, token {}; this one has token {}", file.path, file.token,
                   token_);
  }
  return absl::OkStatus();
}

Status CheckpointFolder::Save(const TrainingState& state, const TensorMap& parameters,
                              const TensorMap& moments) {
  RETURN_IF_ERROR(CheckNotSuperseded());
  std::error_code error;
  fs::create_directories(directory_, error);
  if (error) return Internal("{}: {}", directory_, error.message());
  if (unwritten_best_) {  // before a state that names them
    RETURN_IF_ERROR(
        WriteTensors(BestPath(token_, unwritten_best_->step), unwritten_best_->weights, at::kFloat));
    unwritten_best_.reset();
  }
  const std::string json = ToJson(state, fingerprint_).dump();
  Contents contents;
  contents.entries.push_back({kState,
                              "U8",
                              {static_cast<std::int64_t>(json.size())},
                              std::as_bytes(std::span(json.data(), json.size()))});
  for (const auto& [name, tensor] : parameters) contents.Add(kParameter + name, tensor);
  for (const auto& [name, tensor] : moments) contents.Add(kMoment + name, tensor);
  RETURN_IF_ERROR(text::WriteSafetensors(StatePath(token_), contents.entries));
  standing_ = StatePath(token_);
  standing_best_step_ = state.best_step;
  RemoveCheckpointFiles(directory_, [&](const CheckpointFile& file) { return file.token < token_; });
  RemoveBestsBut({state.best_step});
  return absl::OkStatus();
}

StatusOr<TrainingState> CheckpointFolder::Load(const TensorMap& parameters, Optimizer& optimizer,
                                               std::vector<std::string>& passed_over) {
  // What a process of this very token left half-written when it was killed.
  RemoveCheckpointFiles(directory_,
                        [&](const CheckpointFile& file) { return file.temporary && file.token == token_; });
  // An earlier attempt that still runs may replace what is being read: looked at again then.
  constexpr int kLooks = 3;
  for (int look = 0; look < kLooks; ++look) {
    passed_over.clear();
    std::set<std::int64_t, std::greater<>> tokens;
    for (const CheckpointFile& file : ListCheckpointFiles(directory_)) {
      if (file.kind == CheckpointFile::kState && !file.temporary && file.token <= token_)
        tokens.insert(file.token);
    }
    bool vanished = false;
    for (const std::int64_t token : tokens) {
      auto state = LoadState(token, parameters, optimizer);
      if (state.ok()) return state;
      vanished = vanished || absl::IsNotFound(state.status());
      passed_over.push_back(Message(state.status()));
    }
    if (!vanished) break;
  }
  return NotFound("{}: no checkpoint", directory_);
}

StatusOr<TrainingState> CheckpointFolder::LoadState(std::int64_t token, const TensorMap& parameters,
                                                    Optimizer& optimizer) {
  const std::string path = StatePath(token);
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
  // They are needed in the end only: found damaged then, all the training between would be for nothing.
  std::optional<UnwrittenBest> best;
  if (state.best_saved) {
    const std::string best_path = BestPath(token, state.best_step);
    auto best_file = text::SafetensorsFile::Open(best_path);
    RETURN_IF_ERROR(best_file.status());
    RETURN_IF_ERROR(CheckHolds(**best_file, "", parameters));
    // Another attempt's, which it may remove or this one will: they become this one's with its first state.
    // Mapped until then, so that the file's name may go and memory holds them once.
    if (token != token_) {
      auto weights = MapTensors(best_path);
      RETURN_IF_ERROR(weights.status());
      best = UnwrittenBest{state.best_step, *std::move(weights)};
    }
  }
  const TensorMap moments = optimizer.State();
  RETURN_IF_ERROR(CheckHolds(**file, kParameter, parameters));
  RETURN_IF_ERROR(CheckHolds(**file, kMoment, moments));
  ReadInto(**file, kParameter, parameters);
  ReadInto(**file, kMoment, moments);
  optimizer.GoOnAfter(state.step);
  unwritten_best_ = std::move(best);
  standing_ = path;
  standing_best_step_ = state.best_step;
  return state;
}

Status CheckpointFolder::SaveBest(std::int64_t step, const TensorMap& parameters) {
  std::error_code error;
  fs::create_directories(directory_, error);
  Status written = error ? Internal("{}: {}", directory_, error.message())
                         : WriteTensors(BestPath(token_, step), parameters, at::kFloat);
  unwritten_best_.reset();
  if (!written.ok()) unwritten_best_ = UnwrittenBest{step, Copied(parameters)};
  // Where states cannot be written, weights that no state names would fill what is left of the disk.
  if (written.ok()) RemoveBestsBut({step, standing_best_step_});
  return written;
}

Status CheckpointFolder::LoadBest(std::int64_t step, const TensorMap& parameters) const {
  if (unwritten_best_) {
    CopyInto(unwritten_best_->weights, parameters);
    return absl::OkStatus();
  }
  auto file = text::SafetensorsFile::Open(BestPath(token_, step));
  RETURN_IF_ERROR(file.status());
  RETURN_IF_ERROR(CheckHolds(**file, "", parameters));
  ReadInto(**file, "", parameters);
  return absl::OkStatus();
}

void CheckpointFolder::RemoveBestsBut(std::initializer_list<std::int64_t> steps) const {
  RemoveCheckpointFiles(directory_, [&](const CheckpointFile& file) {
    return file.kind == CheckpointFile::kBest && !file.temporary && file.token == token_ &&
           std::find(steps.begin(), steps.end(), file.step) == steps.end();
  });
}

void CheckpointFolder::Finish() {
  if (fenced_) {
    std::error_code ignored;
    fs::create_directories(directory_, ignored);
    WriteFileAtomically(directory_ + "/" + DoneFileName(token_), "").IgnoreError();
  }
  RemoveCheckpointFiles(directory_, [&](const CheckpointFile& file) {
    return file.token < token_ || (file.token == token_ && file.kind != CheckpointFile::kDone);
  });
  std::error_code ignored;
  fs::remove(directory_, ignored);  // unless something is left in it
}

}  // namespace lorikeet::trainer
