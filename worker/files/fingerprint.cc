#include "worker/files/fingerprint.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>

namespace lorikeet::files {

void Fingerprint::Add(std::string_view bytes) {
  std::string length(8, '\0');
  for (std::size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<char>(static_cast<std::uint64_t>(bytes.size()) >> (8 * i));
  }
  hash_.Add(length);
  hash_.Add(bytes);
}

namespace {

namespace fs = std::filesystem;

// Whether a path leads to nothing, which is how a host differs; all else may pass.
bool IsMissing(int error) { return error == ENOENT || error == ENOTDIR; }

Status Failure(const fs::path& path, int error) {
  return MakeStatus(IsMissing(error) ? absl::StatusCode::kNotFound : absl::StatusCode::kInternal,
                    "{}: cannot be read: {}", path.string(), std::strerror(error));
}

struct OpenFile {
  explicit OpenFile(const fs::path& path) : number(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (number >= 0) close(number);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  const int number;
};

// `add` gets the file in pieces of a fixed size, so that a model need not fit the memory; the piece after the
// last is empty.
Status ReadPieces(const fs::path& path, const Stop& stop, const std::function<void(std::string_view)>& add) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return Failure(path, errno);
  if (!S_ISREG(info.st_mode)) return NotFound("{}: is no regular file", path.string());  // a pipe never ends
  const OpenFile file(path);
  if (file.number < 0) return Failure(path, errno);
  std::vector<char> piece(std::size_t{1} << 20);
  for (;;) {
    if (stop && stop())
      return MakeStatus(absl::StatusCode::kCancelled, "{}: nobody waits for it", path.string());
    std::size_t have = 0;
    while (have < piece.size()) {
      const ssize_t got = read(file.number, piece.data() + have, piece.size() - have);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Failure(path, errno);
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    add({piece.data(), have});
    if (have == 0) return absl::OkStatus();
  }
}

// Names and identities of all of them, empty where one is missing; `settled` where a change would show in it.
std::string IdentitiesOf(const std::vector<fs::path>& files, const FolderCache& cache, bool& settled) {
  std::string identities;
  settled = true;
  for (const auto& path : files) {
    const FileIdentity identity = IdentityOf(path.string(), cache.settling());
    if (identity.text.empty()) {
      settled = false;
      return "";
    }
    settled = settled && identity.settled;
    identities += fmt::format("{} {}\n", path.filename().string(), identity.text);
  }
  return identities;
}

// What `compute` gives, unless the cache has it for files that are the same, before and after.
StatusOr<std::string> Cached(const char* kind, const std::vector<fs::path>& files, const FolderCache& cache,
                             const std::function<Status(Fingerprint&)>& compute) {
  bool settled = false, still_settled = false;
  const std::string identities = IdentitiesOf(files, cache, settled);
  if (settled) {
    if (auto known = cache.Get(kind, identities)) return *std::move(known);
  }
  Fingerprint fingerprint;
  RETURN_IF_ERROR(compute(fingerprint));
  std::string hex = fingerprint.Hex();
  if (settled && IdentitiesOf(files, cache, still_settled) == identities) cache.Put(kind, identities, hex);
  return hex;
}

StatusOr<std::string> WithNames(const char* kind, const std::vector<fs::path>& files,
                                const FolderCache& cache, const Stop& stop) {
  return Cached(kind, files, cache, [&](Fingerprint& fingerprint) -> Status {
    for (const fs::path& path : files) {
      fingerprint.Add(path.filename().string());
      RETURN_IF_ERROR(ReadPieces(path, stop, [&](std::string_view piece) { fingerprint.Add(piece); }));
    }
    return absl::OkStatus();
  });
}

}  // namespace

StatusOr<std::string> FingerprintModel(const std::string& directory, const FolderCache& cache,
                                       const Stop& stop) {
  std::vector<fs::path> files = {fs::path(directory) / "config.json", fs::path(directory) / "spiece.model"};
  std::vector<fs::path> weights;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json"))
      weights.push_back(entry->path());
  }
  if (error && !IsMissing(error.value())) return Failure(directory, error.value());
  if (error) return NotFound("{}: {}; must be a Hugging Face directory", directory, error.message());
  if (weights.empty()) return NotFound("{}: holds no *.safetensors file", directory);
  std::sort(weights.begin(), weights.end());
  files.insert(files.end(), weights.begin(), weights.end());
  return WithNames("model", files, cache, stop);
}

StatusOr<std::string> FingerprintAdapter(const std::string& directory, const FolderCache& cache,
                                         const Stop& stop) {
  const fs::path folder(directory);
  return WithNames("adapter", {folder / "adapter_config.json", folder / "adapter_model.safetensors"}, cache,
                   stop);
}

StatusOr<std::string> FingerprintFile(const std::string& path, const FolderCache& cache, const Stop& stop) {
  return Cached("file", {fs::path(path)}, cache, [&](Fingerprint& fingerprint) {
    return ReadPieces(path, stop, [&](std::string_view piece) { fingerprint.AddRaw(piece); });
  });
}

}  // namespace lorikeet::files
