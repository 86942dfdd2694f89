// Tensors in safetensors files, as Hugging Face lays them out in a folder.
//
// Errors name the file. Not tied to T5: adapters use it too.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>

#include "common/status.h"

namespace lorikeet::trainer {

// Every tensor of one file, copied to the CPU, in its own type: F32, BF16 or F16; another type is refused by
// name.
StatusOr<std::map<std::string, at::Tensor>> ReadTensors(const std::string& path);

// The same without a copy, where the file's alignment allows: processes with the same file share its memory,
// and nothing is read before it is used. Writing to a tensor changes the process's own copy of a page.
// Whoever replaces the file must put a new one in its place (as WriteFolder does): cut short, it takes the
// process with it.
StatusOr<std::map<std::string, at::Tensor>> MapTensors(const std::string& path);

// `directory`/model.safetensors, else the shards named by model.safetensors.index.json; mapped.
StatusOr<std::map<std::string, at::Tensor>> ReadCheckpoint(const std::string& directory);

// Writes `tensors` as `dtype` (float, bfloat16 or half), in the names' order.
Status WriteTensors(const std::string& path, const std::map<std::string, at::Tensor>& tensors,
                    at::ScalarType dtype);

// "float32", "bfloat16", "float16": what config.json calls a type.
std::string DtypeName(at::ScalarType dtype);

}  // namespace lorikeet::trainer
