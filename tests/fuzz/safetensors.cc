// A whole safetensors file: what is accepted lies inside of the file, byte by byte and each once, and comes
// back when it is written.
#include "worker/text/safetensors.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "tests/fuzz/fuzz.h"
#include "worker/text/safetensors_types.h"

namespace lorikeet::fuzz {
namespace {

using text::SafetensorsFile;
using text::TensorEntry;

void CheckInside(const SafetensorsFile& file, std::size_t file_bytes) {
  std::size_t taken = 0;
  for (const auto& [name, entry] : file.tensors()) {
    const auto bytes = file.bytes(entry);
    Require(text::TensorBytes(entry.dtype, entry.shape) == bytes.size(), "a tensor has its shape's bytes");
    taken += bytes.size();
  }
  Require(taken + 8 <= file_bytes, "tensors take no more than there is");
}

void CheckWritten(const SafetensorsFile& file, const std::string& path) {
  std::vector<text::TensorToWrite> tensors;
  for (const auto& [name, entry] : file.tensors()) {
    if (name.empty()) return;  // none of that name is written
    tensors.push_back({name, entry.dtype, entry.shape, file.bytes(entry)});
  }
  RequireOk(text::WriteSafetensors(path, tensors), "what was read can be written");
  const auto again = SafetensorsFile::Open(path);
  RequireOk(again.status(), "what was written can be read");
  Require((*again)->tensors().size() == tensors.size(), "every tensor comes back");
  for (const text::TensorToWrite& tensor : tensors) {
    const TensorEntry& entry = (*again)->tensors().at(tensor.name);
    const auto bytes = (*again)->bytes(entry);
    Require(entry.dtype == tensor.dtype && entry.shape == tensor.shape &&
                std::equal(bytes.begin(), bytes.end(), tensor.bytes.begin(), tensor.bytes.end()),
            "a tensor comes back as it was");
  }
}

}  // namespace

void TryInput(std::string_view input) {
  static const Folder folder;
  const MemoryFile bytes(input);
  const auto file = SafetensorsFile::Open(bytes.path());
  if (!file.ok()) return RequireRefusal(file.status(), bytes.path() + ": ");
  CheckInside(**file, input.size());
  CheckWritten(**file, folder.path() + "/written.safetensors");
}

}  // namespace lorikeet::fuzz
