#include "sweeps/sweepctl/fetch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "common/files.h"
#include "sweeps/export/new_files.h"
#include "sweeps/sweepctl/message_json.h"
#include "sweeps/sweepctl/text.h"

namespace lorikeet::sweepctl {
namespace {

namespace fs = std::filesystem;

// Without a slash at its end: what is appended names something beside it.
fs::path Clean(const std::string& out) {
  const fs::path path = fs::absolute(out).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

// What is there is only replaced where it is an adapter, and somebody says so.
Status CheckFree(const fs::path& out, bool force) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(out, error))) return absl::OkStatus();
  const bool folder = fs::is_directory(out, error);
  if (folder && fs::is_empty(out, error)) return absl::OkStatus();
  const bool adapter = folder && fs::exists(out / "adapter_config.json", error);
  if (!adapter)
    return FailedPrecondition("{}: is there, and is no adapter: name another by --out", out.string());
  if (force) return absl::OkStatus();
  return FailedPrecondition("{}: is there already: --force replaces it, --out names another", out.string());
}

// A folder beside `out` that becomes `out`, or goes.
class Aside {
 public:
  explicit Aside(fs::path out)
      : out_(std::move(out)), path_(fmt::format("{}.fetched-{}", out_.string(), ::getpid())) {}
  ~Aside() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

  Status Make() const {
    std::error_code error;
    fs::create_directories(out_.parent_path(), error);
    fs::remove_all(path_, error);
    if (!fs::create_directory(path_, error)) return FailedPrecondition("{}: {}", path_, error.message());
    return absl::OkStatus();
  }
  // `force`: in the place of what is there.
  Status Take(bool force) const {
    std::error_code error;
    const std::string old = path_ + "-old";
    RETURN_IF_ERROR(CheckFree(out_, force));  // again: it took a while
    const bool replaces = fs::exists(out_, error);
    if (replaces) fs::rename(out_, old, error);
    if (!error) fs::rename(path_, out_, error);
    if (error) {
      std::error_code ignored;
      if (replaces) fs::rename(old, out_, ignored);
      return FailedPrecondition("{}: {}", out_.string(), error.message());
    }
    fs::remove_all(old, error);
    return SyncFolder(out_.parent_path().string());
  }
  const std::string& path() const { return path_; }

 private:
  const fs::path out_;
  const std::string path_;
};

}  // namespace

Status Fetch(Client& client, const FetchOptions& options) {
  if (!options.out.empty()) RETURN_IF_ERROR(CheckFree(Clean(options.out), options.force));
  std::optional<Aside> aside;
  fs::path out;
  const bool show = IsTerminal(STDERR_FILENO);
  FetchHooks hooks;
  hooks.folder = [&](const v1::DownloadBegin& begin) -> StatusOr<std::string> {
    out = Clean(options.out.empty() ? exporting::FileName(begin.trial_name()) : options.out);
    RETURN_IF_ERROR(CheckFree(out, options.force));
    aside.emplace(out);
    RETURN_IF_ERROR(aside->Make());
    return aside->path();
  };
  hooks.progress = [&](std::int64_t done, std::int64_t all) {
    if (show) fmt::print(stderr, "\r{} {}", ProgressBar(done, all, 30), FormatBytes(done));
  };
  const StatusOr<v1::DownloadBegin> fetched = client.FetchAdapter(options.trial, hooks);
  if (show) fmt::print(stderr, "\r\033[K");
  RETURN_IF_ERROR(fetched.status());
  RETURN_IF_ERROR(aside->Take(options.force));
  std::int64_t bytes = 0;
  for (const v1::ArtifactFile& file : fetched->files()) bytes += file.bytes();
  if (options.json) {
    nlohmann::ordered_json answer = ToJson(*fetched);
    answer["bytes"] = bytes;
    answer["folder"] = out.string();
    fmt::print("{}\n", answer.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  } else {
    fmt::print("{}\n", out.string());
    fmt::print(stderr, "{}: {}, of step {}\n", Printable(fetched->trial_name()), FormatBytes(bytes),
               fetched->step());
  }
  return absl::OkStatus();
}

Status Prune(Client& client, const std::string& sweep, bool dry_run, bool json) {
  v1::PruneRequest request;
  request.set_sweep(sweep);
  request.set_dry_run(dry_run);
  ASSIGN_OR_RETURN(const v1::PruneResponse pruned, client.Prune(request));
  if (json) {
    fmt::print("{}\n", ToJsonLine(pruned));
    return absl::OkStatus();
  }
  for (const v1::PrunedSweep& one : pruned.sweeps()) {
    fmt::print("{}: {} {} checkpoints ({}), {} adapters ({}), {} log lines ({})\n", Printable(one.name()),
               dry_run ? "would remove" : "removed", one.checkpoints(), FormatBytes(one.checkpoint_bytes()),
               one.adapters(), FormatBytes(one.adapter_bytes()), one.log_lines(),
               FormatBytes(one.log_bytes()));
  }
  if (pruned.sweeps().empty()) fmt::print("nothing that a sweep need not keep any more\n");
  return absl::OkStatus();
}

}  // namespace lorikeet::sweepctl
