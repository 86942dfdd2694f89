#include "worker/trainer/files/tensor_files.h"

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "common/files.h"
#include "worker/text/safetensors.h"

namespace lorikeet::trainer {
namespace {

namespace fs = std::filesystem;

struct Dtype {
  const char* in_file;
  const char* in_config;
  at::ScalarType type;
};
constexpr Dtype kDtypes[] = {
    {"F32", "float32", at::kFloat}, {"BF16", "bfloat16", at::kBFloat16}, {"F16", "float16", at::kHalf}};

const Dtype& FindDtype(at::ScalarType type) {
  for (const Dtype& dtype : kDtypes) {
    if (dtype.type == type) return dtype;
  }
  return kDtypes[0];
}

}  // namespace

StatusOr<std::map<std::string, at::Tensor>> ReadTensors(const std::string& path) {
  ASSIGN_OR_RETURN(auto tensors, MapTensors(path));
  for (auto& [name, tensor] : tensors) tensor = tensor.clone();
  return tensors;
}

StatusOr<std::map<std::string, at::Tensor>> MapTensors(const std::string& path) {
  auto opened = text::SafetensorsFile::Open(path, /*writable=*/true);
  RETURN_IF_ERROR(opened.status());
  const std::shared_ptr<text::SafetensorsFile> file = *std::move(opened);
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, entry] : file->tensors()) {
    const Dtype* dtype = nullptr;
    for (const Dtype& known : kDtypes) {
      if (entry.dtype == known.in_file) dtype = &known;
    }
    if (!dtype) {
      return InvalidArgument("{}: {}: {} values, F32, BF16 or F16 would be right", path, name, entry.dtype);
    }
    const std::span<const std::byte> bytes = file->bytes(entry);
    const std::size_t width = c10::elementSize(dtype->type);
    void* const data = const_cast<std::byte*>(bytes.data());
    at::Tensor tensor;
    if (!bytes.empty() && reinterpret_cast<std::uintptr_t>(data) % width == 0) {
      tensor = at::from_blob(
          data, entry.shape, [file](void*) {}, dtype->type);
    } else {  // offsets in the file need not be aligned
      tensor = at::empty(entry.shape, dtype->type);
      if (!bytes.empty()) std::memcpy(tensor.data_ptr(), data, bytes.size());
    }
    if (bytes.size() != tensor.nbytes()) {
      return InvalidArgument("{}: {}: {} bytes, its shape asks for {}", path, name, bytes.size(),
                             tensor.nbytes());
    }
    tensors.emplace(name, std::move(tensor));
  }
  return tensors;
}

StatusOr<std::map<std::string, at::Tensor>> ReadCheckpoint(const std::string& directory) {
  const std::string single = directory + "/model.safetensors";
  const std::string index = directory + "/model.safetensors.index.json";
  if (fs::exists(single)) return MapTensors(single);
  if (!fs::exists(index)) {
    if (fs::exists(directory + "/pytorch_model.bin")) {
      return InvalidArgument("{}: has pytorch_model.bin alone; save the model as safetensors", directory);
    }
    return NotFound("{}: neither model.safetensors nor model.safetensors.index.json", directory);
  }
  ASSIGN_OR_RETURN(const std::string content, ReadFile(index));
  const auto json = nlohmann::json::parse(content, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object()) {
    return InvalidArgument("{}: no weight_map", index);
  }
  std::map<std::string, std::string> shard_of;
  std::set<std::string> shards;
  for (const auto& [name, shard] : json["weight_map"].items()) {
    if (!shard.is_string() || shard.get<std::string>().find('/') != std::string::npos) {
      return InvalidArgument("{}: weight_map: {}: a file name in the same folder would be right", index,
                             name);
    }
    shard_of[name] = shard.get<std::string>();
    shards.insert(shard_of[name]);
  }
  std::map<std::string, at::Tensor> tensors;
  for (const std::string& shard : shards) {
    const std::string path = fmt::format("{}/{}", directory, shard);
    auto part = MapTensors(path);
    RETURN_IF_ERROR(part.status());
    for (auto& [name, tensor] : *part) {
      const auto listed = shard_of.find(name);
      if (listed == shard_of.end() || listed->second != shard) {
        return InvalidArgument("{}: {}: not listed for this shard in {}", path, name, index);
      }
      tensors.emplace(name, std::move(tensor));
    }
  }
  for (const auto& [name, shard] : shard_of) {
    if (!tensors.contains(name)) return InvalidArgument("{}: {} is missing from {}", index, name, shard);
  }
  return tensors;
}

Status WriteTensors(const std::string& path, const std::map<std::string, at::Tensor>& tensors,
                    at::ScalarType dtype) {
  std::vector<at::Tensor> kept;  // keeps converted tensors alive until they are written
  std::vector<text::TensorToWrite> entries;
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor& value = kept.emplace_back(tensor.detach().to(at::kCPU, dtype).contiguous());
    entries.push_back({name,
                       FindDtype(dtype).in_file,
                       value.sizes().vec(),
                       {static_cast<const std::byte*>(value.const_data_ptr()), value.nbytes()}});
  }
  return text::WriteSafetensors(path, entries);
}

std::string DtypeName(at::ScalarType dtype) { return FindDtype(dtype).in_config; }

}  // namespace lorikeet::trainer
