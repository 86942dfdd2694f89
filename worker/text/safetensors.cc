#include "worker/text/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "common/files.h"
#include "worker/text/safetensors_types.h"

namespace lorikeet::text {
namespace {

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kLongestHeader = 100'000'000;  // as the reference implementation has it

// Closes a file descriptor when it goes.
class Descriptor {
 public:
  explicit Descriptor(int file) : file_(file) {}
  ~Descriptor() {
    if (file_ >= 0) close(file_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return file_; }

 private:
  int file_;
};

Status WriteAll(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Internal("cannot write: {}", std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return absl::OkStatus();
}

std::string LittleEndian(std::uint64_t value) {
  std::string bytes(kLengthBytes, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  return bytes;
}

// The length and the header, padded with spaces so that the data are aligned to 8 bytes.
StatusOr<std::string> MakeHeader(const std::vector<TensorToWrite>& tensors) {
  nlohmann::ordered_json header;
  header["__metadata__"] = {{"format", "pt"}};
  std::set<std::string_view> names;
  std::uint64_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    if (tensor.name.empty() || tensor.name == "__metadata__" || !names.insert(tensor.name).second) {
      return InvalidArgument("tensor '{}': its name is empty, reserved or there twice", tensor.name);
    }
    const auto bytes = TensorBytes(tensor.dtype, tensor.shape);
    if (!bytes || *bytes != tensor.bytes.size()) {
      return InvalidArgument("tensor '{}': {} {} takes {} bytes, {} are given", tensor.name, tensor.dtype,
                             ShapeText(tensor.shape), bytes ? std::to_string(*bytes) : "no known number of",
                             tensor.bytes.size());
    }
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + *bytes}}};
    offset += *bytes;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    return InvalidArgument("a tensor's name is not valid UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return LittleEndian(text.size()) + text;
}

Status WriteAside(const std::string& aside, const std::string& header,
                  const std::vector<TensorToWrite>& tensors) {
  const Descriptor file(open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file.get() < 0) return Internal("cannot open: {}", std::strerror(errno));
  RETURN_IF_ERROR(WriteAll(file.get(), header));
  for (const TensorToWrite& tensor : tensors) {
    RETURN_IF_ERROR(
        WriteAll(file.get(), {reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()}));
  }
  if (fsync(file.get()) != 0) return Internal("cannot fsync: {}", std::strerror(errno));
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<SafetensorsFile>> SafetensorsFile::Open(const std::string& path, bool writable) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 && errno == ENOENT) return NotFound("{}: there is no such file", path);
  if (file.get() < 0) return InvalidArgument("{}: cannot open: {}", path, std::strerror(errno));
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return Internal("{}: {}", path, std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return InvalidArgument("{}: is not a file", path);
  const auto bytes = static_cast<std::uint64_t>(info.st_size);
  if (bytes < kLengthBytes) {
    return InvalidArgument("{}: {} bytes, too short for a safetensors file; is the file whole?", path, bytes);
  }
  std::unique_ptr<SafetensorsFile> result(new SafetensorsFile());
  result->path_ = path;
  void* mapping =
      mmap(nullptr, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (mapping == MAP_FAILED) return Internal("{}: cannot map: {}", path, std::strerror(errno));
  result->mapping_ = mapping;
  result->mapping_bytes_ = bytes;
  const auto* begin = static_cast<const unsigned char*>(mapping);
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) length |= std::uint64_t{begin[i]} << (8 * i);
  if (length > kLongestHeader) {
    return InvalidArgument("{}: claims a header of {} bytes, at most {} are read; is it a safetensors file?",
                           path, length, kLongestHeader);
  }
  if (length > bytes - kLengthBytes) {
    return InvalidArgument("{}: claims a header of {} bytes, the file has {}; is the file whole?", path,
                           length, bytes);
  }
  result->data_offset_ = kLengthBytes + length;
  const std::string header(reinterpret_cast<const char*>(begin + kLengthBytes), length);
  auto tensors = ParseSafetensorsHeader(header, bytes - result->data_offset_, &result->metadata_);
  if (!tensors.ok()) return Annotate(tensors.status(), path);
  result->tensors_ = *std::move(tensors);
  return result;
}

SafetensorsFile::~SafetensorsFile() {
  if (mapping_ != nullptr) munmap(mapping_, mapping_bytes_);
}

std::span<const std::byte> SafetensorsFile::bytes(const TensorEntry& entry) const {
  return {static_cast<const std::byte*>(mapping_) + data_offset_ + entry.begin, entry.end - entry.begin};
}

Status WriteSafetensors(const std::string& path, const std::vector<TensorToWrite>& tensors) {
  const auto header = MakeHeader(tensors);
  if (!header.ok()) return Annotate(header.status(), path);
  const std::string aside = path + ".tmp." + std::to_string(getpid());
  Status status = WriteAside(aside, *header, tensors);
  if (status.ok() && rename(aside.c_str(), path.c_str()) != 0) {
    status = Internal("cannot rename into place: {}", std::strerror(errno));
  }
  if (!status.ok()) {
    unlink(aside.c_str());
    return Annotate(status, path);
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return SyncFolder(folder.empty() ? "." : folder);
}

}  // namespace lorikeet::text
