// The machine's disk with faults: full, failing, or without what was not synced when the power goes.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "worker/agent/disk.h"

namespace lorikeet::agent {

class FaultyDisk : public Disk {
 public:
  bool full = false;         // half of what is written fits, then no more
  bool full_fsync = false;   // fsync finds no room for what was written
  bool lose_fsyncs = false;  // it says that it has synced, and has not
  // What has one of these in its path fails when it is written or synced, or (`unreadable`) read.
  std::set<std::string> failing, unreadable;
  std::int64_t failures = 0;  // how often it has failed so

  // Only what was synced is sure to be there: of the rest, files keep a part, or zeros in its place, and
  // names made in folders are there or not. Nothing on it is open.
  void PowerCut(RandomSource& random) {
    for (const auto& [path, synced] : synced_) {
      std::error_code gone;
      const auto size = static_cast<std::int64_t>(std::filesystem::file_size(path, gone));
      if (gone || size <= synced) continue;
      const std::int64_t left = synced + Below(random, size - synced + 1);
      std::filesystem::resize_file(path, static_cast<std::uintmax_t>(left));
      if (Below(random, 2) == 0) std::filesystem::resize_file(path, static_cast<std::uintmax_t>(size));
    }
    for (const std::string& path : fresh_) {
      if (Below(random, 2) == 0) std::filesystem::remove_all(path);
    }
    synced_.clear();
    fresh_.clear();
  }

  StatusOr<std::unique_ptr<File>> Open(const std::string& path) override {
    const bool there = std::filesystem::exists(path);
    if (!there && full) return Full(path);
    if (!there && Fails(path)) return Broken(path);
    ASSIGN_OR_RETURN(std::unique_ptr<File> file, RealDisk().Open(path));
    if (!there) Made(path);
    synced_.emplace(path, there ? static_cast<std::int64_t>(std::filesystem::file_size(path)) : 0);
    return std::make_unique<FaultyFile>(*this, path, std::move(file));
  }
  StatusOr<std::string> ReadFile(const std::string& path) override {
    if (Has(unreadable, path)) return Broken(path);
    return RealDisk().ReadFile(path);
  }
  Status ReplaceFile(const std::string& path, std::string_view content) override {
    if (full) return Full(path);
    if (Fails(path)) return Broken(path);
    RETURN_IF_ERROR(RealDisk().ReplaceFile(path, content));
    synced_[path] = static_cast<std::int64_t>(content.size());
    return SyncFolder(std::filesystem::path(path).parent_path().string());
  }
  Status MakeFolder(const std::string& path) override {
    if (std::filesystem::exists(path)) return absl::OkStatus();
    if (full) return Full(path);
    if (Fails(path)) return Broken(path);
    RETURN_IF_ERROR(RealDisk().MakeFolder(path));
    Made(path);
    return absl::OkStatus();
  }
  Status SyncFolder(const std::string& path) override {
    if (Fails(path)) return Broken(path);
    if (lose_fsyncs) return absl::OkStatus();
    std::erase_if(fresh_, [&](const std::string& made) {
      return std::filesystem::path(made).parent_path() == std::filesystem::path(path);
    });
    return absl::OkStatus();
  }
  Status Remove(const std::string& path) override {
    std::erase_if(synced_, [&](const auto& file) { return Within(file.first, path); });
    std::erase_if(fresh_, [&](const std::string& made) { return Within(made, path); });
    return RealDisk().Remove(path);
  }
  StatusOr<std::vector<Entry>> List(const std::string& path) override { return RealDisk().List(path); }

 private:
  class FaultyFile : public File {
   public:
    FaultyFile(FaultyDisk& disk, std::string path, std::unique_ptr<File> file)
        : disk_(disk), path_(std::move(path)), file_(std::move(file)) {}
    StatusOr<std::int64_t> Size() override { return file_->Size(); }
    StatusOr<std::string> Read(std::int64_t offset, std::size_t size) override {
      if (disk_.Has(disk_.unreadable, path_)) return disk_.Broken(path_);
      return file_->Read(offset, size);
    }
    Status Write(std::int64_t offset, std::string_view bytes) override {
      if (disk_.Fails(path_)) return disk_.Broken(path_);
      if (!disk_.full) return file_->Write(offset, bytes);
      RETURN_IF_ERROR(file_->Write(offset, bytes.substr(0, bytes.size() / 2)));
      return Full(path_);
    }
    Status Truncate(std::int64_t size) override {
      if (disk_.Fails(path_)) return disk_.Broken(path_);
      std::int64_t& synced = disk_.synced_[path_];
      synced = std::min(synced, size);
      return file_->Truncate(size);
    }
    Status Sync() override {
      if (disk_.Fails(path_)) return disk_.Broken(path_);
      if (disk_.full_fsync) return Full(path_);
      if (disk_.lose_fsyncs) return absl::OkStatus();
      ASSIGN_OR_RETURN(disk_.synced_[path_], file_->Size());
      return absl::OkStatus();
    }

   private:
    FaultyDisk& disk_;
    const std::string path_;
    const std::unique_ptr<File> file_;
  };

  static std::int64_t Below(RandomSource& random, std::int64_t end) {
    return static_cast<std::int64_t>(random.Next() % static_cast<std::uint64_t>(end));
  }
  static bool Within(const std::string& path, const std::string& folder) {
    return path == folder || path.starts_with(folder + "/");
  }
  static bool Has(const std::set<std::string>& parts, const std::string& path) {
    return std::any_of(parts.begin(), parts.end(),
                       [&](const std::string& part) { return path.find(part) != std::string::npos; });
  }
  bool Fails(const std::string& path) const { return Has(failing, path); }
  static Status Full(const std::string& path) {
    return MakeStatus(absl::StatusCode::kResourceExhausted, "{}: cannot write: No space left on device",
                      path);
  }
  Status Broken(const std::string& path) {
    ++failures;
    return Internal("{}: Input/output error", path);
  }
  void Made(const std::string& path) { fresh_.insert(path); }

  std::map<std::string, std::int64_t> synced_;  // bytes of each file that was open
  std::set<std::string> fresh_;                 // made since their folder was synced
};

}  // namespace lorikeet::agent
