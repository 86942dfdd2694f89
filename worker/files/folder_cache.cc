#include "worker/files/folder_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <utility>
#include <vector>

#include "common/files.h"
#include "worker/files/fingerprint.h"

namespace lorikeet::files {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "lorikeet cache 1\n";
constexpr std::size_t kDigest = 64;
constexpr std::string_view kAside = ".new-";
// What a process that was killed left.
constexpr std::chrono::hours kOldAside{1};

std::string DigestOf(const std::string& key, std::string_view content) {
  Fingerprint fingerprint;
  fingerprint.Add(key);
  fingerprint.Add(content);
  return fingerprint.Hex();
}

// Not synced: after a crash the digest tells.
bool WriteNew(const std::string& path, const std::vector<std::string_view>& parts) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return false;
  bool whole = true;
  for (std::string_view part : parts) {
    while (whole && !part.empty()) {
      const ssize_t written = write(file, part.data(), part.size());
      if (written < 0 && errno == EINTR) continue;
      whole = written >= 0;
      if (whole) part.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  return close(file) == 0 && whole;
}

std::int64_t Nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FolderCache::FolderCache(std::string folder, std::uint64_t most_bytes, std::chrono::milliseconds settling)
    : folder_(std::move(folder)), most_bytes_(most_bytes), settling_(settling) {}

std::string FolderCache::PathOf(const std::string& kind, const std::string& key) const {
  Fingerprint fingerprint;
  fingerprint.Add(key);
  return fmt::format("{}/{}-{}", folder_, kind, fingerprint.Hex().substr(0, 32));
}

std::optional<std::string> FolderCache::Get(const std::string& kind, const std::string& key) const {
  if (!on()) return std::nullopt;
  const std::string path = PathOf(kind, key);
  StatusOr<std::string> read = ReadFile(path);
  if (!read.ok() || read->size() < kMagic.size() + kDigest || !read->starts_with(kMagic)) return std::nullopt;
  const std::string_view all = *read;
  const std::string_view content = all.substr(kMagic.size() + kDigest);
  if (DigestOf(key, content) != all.substr(kMagic.size(), kDigest)) return std::nullopt;
  utimensat(AT_FDCWD, path.c_str(), nullptr, 0);  // used now
  read->erase(0, kMagic.size() + kDigest);
  return *std::move(read);
}

void FolderCache::Put(const std::string& kind, const std::string& key, std::string_view content) const {
  if (!on() || content.size() > most_bytes_ / 4) return;
  std::error_code error;
  if (fs::create_directories(folder_, error)) {
    fs::permissions(folder_, fs::perms::owner_all, fs::perm_options::replace, error);
  }
  const std::string path = PathOf(kind, key);
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  const std::string aside = fmt::format("{}{}{}-{}", path, kAside, getpid(), now);
  if (!WriteNew(aside, {kMagic, DigestOf(key, content), content}) ||
      rename(aside.c_str(), path.c_str()) != 0) {
    unlink(aside.c_str());
    return;
  }
  RemoveOld(path);
}

void FolderCache::RemoveOld(const std::string& newest) const {
  struct Entry {
    fs::file_time_type used;
    std::uint64_t bytes;
    fs::path path;
  };
  std::vector<Entry> entries;
  std::uint64_t total = 0;
  std::error_code error;
  const auto now = fs::file_time_type::clock::now();
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;  // others remove, too
    const Entry entry = {at->last_write_time(gone), at->file_size(gone), at->path()};
    if (gone) continue;
    const bool is_aside = entry.path.filename().string().find(kAside) != std::string::npos;
    if (is_aside && now - entry.used > kOldAside) {
      fs::remove(entry.path, gone);
    } else if (!is_aside) {
      total += entry.bytes;
      if (entry.path != newest) entries.push_back(entry);
    }
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.used < b.used; });
  for (std::size_t i = 0; i < entries.size() && total > most_bytes_; ++i) {
    fs::remove(entries[i].path, error);
    total -= entries[i].bytes;
  }
}

FileIdentity IdentityOf(const std::string& path, std::chrono::milliseconds settling) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return {};
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t changed = std::max(Nanoseconds(info.st_mtim), Nanoseconds(info.st_ctim));
  return {fmt::format("{}:{}:{}:{}:{}", info.st_dev, info.st_ino, info.st_size, Nanoseconds(info.st_mtim),
                      Nanoseconds(info.st_ctim)),
          std::chrono::nanoseconds(Nanoseconds(now) - changed) > settling};
}

}  // namespace lorikeet::files
