#include "sweeps/sweepctl/adapter_files.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "common/rpc/transfer.h"
#include "sweeps/export/lines.h"

namespace lorikeet::sweepctl {
namespace {

namespace fs = std::filesystem;
using exporting::Json;

constexpr std::int64_t kMostBytes = std::int64_t{64} << 30;

// Of a database that may be anybody's: names of plain files, below DIR/artifacts.
StatusOr<std::vector<rpc::TransferFile>> FilesOf(const Json& card) {
  std::vector<rpc::TransferFile> files;
  for (const Json& file : card["files"]) {
    if (!file.is_object() || !file.contains("bytes") || !file["bytes"].is_number_integer())
      return InvalidArgument("the database's list of the adapter's files is none");
    files.push_back(
        {exporting::Text(file, "name"), file["bytes"].get<std::int64_t>(), exporting::Text(file, "sha256")});
  }
  RETURN_IF_ERROR(
      Annotate(rpc::CheckTransfer(files, kMostBytes), "the database's list of the adapter's files"));
  return files;
}

bool StaysBelow(const fs::path& path) {
  return !path.empty() && path.is_relative() &&
         std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

Status Copy(const std::string& from, const std::vector<rpc::TransferFile>& files, const std::string& to) {
  std::vector<std::string> names;
  names.reserve(files.size());
  for (const rpc::TransferFile& file : files) names.push_back(file.name);
  ASSIGN_OR_RETURN(const std::unique_ptr<rpc::FileReader> reader, rpc::FileReader::Open(from, names));
  rpc::FileWriter writer(to, files);
  for (;;) {
    ASSIGN_OR_RETURN(const std::string bytes, reader->Next());
    if (bytes.empty()) return writer.Finish();
    RETURN_IF_ERROR(writer.Take(bytes));
  }
}

}  // namespace

Status TakeAdapter(const Extractor& extractor, const Json& card, const std::string& folder) {
  const std::string trial = exporting::Text(card, "trial");
  if (extractor.client() != nullptr) {
    FetchHooks hooks;
    hooks.folder = [&](const v1::DownloadBegin&) -> StatusOr<std::string> { return folder; };
    hooks.progress = [](std::int64_t, std::int64_t) {};
    return extractor.client()->FetchAdapter(exporting::Text(card, "trial_id"), hooks).status();
  }
  if (!card.contains("files") || !card["files"].is_array()) {
    return FailedPrecondition(
        "the adapter of '{}' is not kept, or not there yet; --without-adapter writes the card alone", trial);
  }
  ASSIGN_OR_RETURN(const std::vector<rpc::TransferFile> files, FilesOf(card));
  const fs::path path = exporting::Text(card, "path");
  if (!StaysBelow(path))
    return InvalidArgument("the database's path of the adapter leaves its folder: {}", path.string());
  const fs::path from = fs::path(extractor.database()).parent_path() / "artifacts" / path;
  Status copied = Copy(from.string(), files, folder);
  if (!absl::IsNotFound(copied)) return copied;
  return FailedPrecondition(
      "{}; adapters lie in `artifacts` beside the database; --without-adapter writes the card alone",
      Message(copied));
}

}  // namespace lorikeet::sweepctl
