// Tensors in safetensors files, as Hugging Face lays them out in a folder; and folders that appear whole.
//
// Errors name the file. Not tied to T5: adapters use it too.
#pragma once

#include <ATen/ATen.h>

#include <functional>
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

// The folder's absolute path without a slash or a dot at its end: what is appended to it names something
// beside.
std::string FolderPath(const std::string& directory);

// Refuses a folder that holds something, but no model and no adapter: WriteFolder would take its place.
Status CheckReplaceable(const std::string& directory);

// Calls `fill` with the name of a new empty folder beside `directory`, syncs it, and puts it in `directory`'s
// place: a reader or a crash sees the old folder or the new one, for a moment none, never a part. On an error
// nothing of it is left. Replaces what CheckReplaceable allows.
Status WriteFolder(const std::string& directory, const std::function<Status(const std::string&)>& fill);

}  // namespace lorikeet::trainer
