// A folder of what took time to compute and can be computed again: tokens, fingerprints of large files.
//
// Safe with any number of processes at once: entries appear whole under their names, and an entry counts only
// where its digest, over key and content, is right; so a broken or a foreign file is the same as none, and is
// replaced. Nothing here fails: without space or permission there are no entries.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lorikeet::files {

class FolderCache {
 public:
  static constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 30;
  // File systems count time in steps of up to two seconds.
  static constexpr std::chrono::milliseconds kSettling{3000};

  FolderCache() = default;  // keeps nothing
  // Makes the folder, for its owner alone (it will hold parts of documents), when there is something to keep.
  // The entries that were not used for longest are removed where all take more than `most_bytes`.
  explicit FolderCache(std::string folder, std::uint64_t most_bytes = kMostBytes,
                       std::chrono::milliseconds settling = kSettling);

  bool on() const { return !folder_.empty(); }
  // How long ago a file must have changed for what comes of it to be kept.
  std::chrono::milliseconds settling() const { return settling_; }
  // `kind` begins the file's name: letters and '-' only. A key may be of any length.
  std::optional<std::string> Get(const std::string& kind, const std::string& key) const;
  // An entry that takes more than a quarter of what is allowed is not kept.
  void Put(const std::string& kind, const std::string& key, std::string_view content) const;

 private:
  std::string PathOf(const std::string& kind, const std::string& key) const;
  void RemoveOld(const std::string& newest) const;

  std::string folder_;
  std::uint64_t most_bytes_ = 0;
  std::chrono::milliseconds settling_ = kSettling;
};

// Which file `path` is and since when its content is what it is: device, inode, size, times of the last
// change.
struct FileIdentity {
  std::string text;      // empty where there is no such file
  bool settled = false;  // changed longer than `settling` ago, so that a further change would show in `text`
};
FileIdentity IdentityOf(const std::string& path, std::chrono::milliseconds settling);

}  // namespace lorikeet::files
