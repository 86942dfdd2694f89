#include "coordinator/rpc/artifact_folder.h"

#include <filesystem>
#include <memory>
#include <unordered_set>
#include <utility>

#include "common/files.h"

namespace lorikeet::rpc {
namespace {

namespace fs = std::filesystem;

constexpr const char* kComing = ".coming";

Status Failure(const std::string& path, const std::error_code& error) {
  const bool full = error == std::errc::no_space_on_device;
  return MakeStatus(full ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kInternal, "{}: {}", path,
                    error.message());
}

}  // namespace

StatusOr<std::unique_ptr<ArtifactFolder>> ArtifactFolder::Open(const std::string& data,
                                                               const std::vector<std::string>& rows) {
  std::unique_ptr<ArtifactFolder> folder(new ArtifactFolder(data + "/artifacts"));
  std::error_code error;
  fs::create_directories(folder->PathOf(kComing), error);
  if (error) return Failure(folder->folder_, error);
  RETURN_IF_ERROR(SyncFolder(data));
  RETURN_IF_ERROR(folder->Sweep(rows));
  return folder;
}

// One listing a sweep: a hundred thousand artifacts take no time to speak of.
Status ArtifactFolder::Sweep(const std::vector<std::string>& rows) const {
  const std::unordered_set<std::string> known(rows.begin(), rows.end());
  std::error_code error;
  for (fs::directory_iterator sweep(folder_, error), none; !error && sweep != none; sweep.increment(error)) {
    const std::string name = sweep->path().filename().string();
    if (!sweep->is_directory(error)) continue;  // none of ours, and in nobody's way
    bool empty = true;
    std::error_code unread;
    for (fs::directory_iterator entry(sweep->path(), unread), end; !unread && entry != end;
         entry.increment(unread)) {
      if (known.contains(name + "/" + entry->path().filename().string())) {
        empty = false;
      } else {
        Remove(entry->path().string());
      }
    }
    if (unread == std::errc::permission_denied) continue;  // none of ours: lost+found
    if (unread) return Failure(sweep->path().string(), unread);
    if (empty && name != kComing) {
      std::error_code ignored;
      fs::remove(sweep->path(), ignored);
    }
  }
  return error ? Failure(folder_, error) : absl::OkStatus();
}

void ArtifactFolder::Discard(const std::string& path) {
  absl::MutexLock lock(&mutex_);
  discarded_.push_back(path);
  // Where too much waits, the next one takes these along.
  if (!removing_) removing_ = background_.Post([this] { RemoveDiscarded(); });
}

void ArtifactFolder::RemoveDiscarded() {
  std::vector<std::string> paths;
  {
    absl::MutexLock lock(&mutex_);
    paths.swap(discarded_);
    removing_ = false;
  }
  for (const std::string& path : paths) {
    Remove(PathOf(path));
    std::error_code ignored;
    fs::remove(fs::path(PathOf(path)).parent_path(), ignored);  // of its sweep, where this was the last
  }
}

StatusOr<std::string> ArtifactFolder::MakeComing(const std::string& id) const {
  std::string path = PathOf(kComing) + "/" + id;
  std::error_code error;
  fs::create_directory(path, error);
  if (error) return Failure(path, error);
  return path;
}

Status ArtifactFolder::Place(const std::string& coming, const std::string& path) const {
  const fs::path target = PathOf(path);
  std::error_code error;
  const bool is_new = fs::create_directory(target.parent_path(), error);
  if (error) return Failure(target.parent_path(), error);
  if (is_new) RETURN_IF_ERROR(SyncFolder(folder_));
  fs::rename(coming, target, error);
  if (error) return Failure(target, error);
  Status synced = SyncFolder(target.parent_path());
  if (!synced.ok()) Remove(target);  // else nobody would know of it
  return synced;
}

void ArtifactFolder::Remove(const std::string& folder) {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

}  // namespace lorikeet::rpc
