// The rows of files that lie beside the database.
#include "coordinator/store/guard.h"
#include "coordinator/store/load.h"
#include "coordinator/store/rows.h"
#include "coordinator/store/transaction.h"

namespace lorikeet::store {
namespace {

#define LORIKEET_ARTIFACT_COLUMNS \
  "a.trial_id, a.kind, a.attempt_id, a.token, a.step, a.path, a.files, a.created_at "

std::string FilesToJson(const std::vector<core::ArtifactFile>& files) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const core::ArtifactFile& file : files) {
    list.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

StatusOr<std::vector<core::ArtifactFile>> FilesFromJson(const std::string& text) {
  try {
    std::vector<core::ArtifactFile> files;
    const auto list = nlohmann::json::parse(text);
    for (const auto& item : list) {
      files.push_back({.name = item.at("name").get<std::string>(),
                       .bytes = item.at("bytes").get<std::int64_t>(),
                       .sha256 = item.at("sha256").get<std::string>()});
    }
    return files;
  } catch (const nlohmann::json::exception& error) {
    return Internal("{}: {}", text, error.what());
  }
}

StatusOr<std::vector<core::Artifact>> ReadArtifacts(SQLite::Statement& statement) {
  std::vector<core::Artifact> artifacts;
  Rows rows(statement);
  while (rows.Next()) {
    core::Artifact artifact;
    artifact.trial_id = rows.Text(0);
    ASSIGN_OR_RETURN(artifact.kind, core::ParseArtifactKind(rows.Text(1)));
    artifact.attempt_id = rows.Text(2);
    artifact.token = rows.Int(3);
    artifact.step = rows.Int(4);
    artifact.path = rows.Text(5);
    ASSIGN_OR_RETURN(artifact.files, FilesFromJson(rows.Text(6)));
    ASSIGN_OR_RETURN(artifact.created_at, ParseTime(rows.Text(7)));
    artifacts.push_back(std::move(artifact));
  }
  return artifacts;
}

}  // namespace

StatusOr<std::optional<core::Artifact>> LoadArtifact(Connection& connection, const std::string& trial_id,
                                                     core::ArtifactKind kind) {
  const std::string kind_name = core::Name(kind);
  ASSIGN_OR_RETURN(std::vector<core::Artifact> found,
                   ReadArtifacts(connection.Prepare("SELECT " LORIKEET_ARTIFACT_COLUMNS
                                                    "FROM artifacts AS a WHERE a.trial_id = ? AND a.kind = ?",
                                                    trial_id, kind_name)));
  if (found.empty()) return std::optional<core::Artifact>();
  return std::optional(std::move(found.front()));
}

StatusOr<std::vector<core::Artifact>> LoadArtifactsOf(Connection& connection, const std::string& sweep_id) {
  return ReadArtifacts(connection.Prepare("SELECT " LORIKEET_ARTIFACT_COLUMNS
                                          "FROM trials AS t JOIN artifacts AS a ON a.trial_id = t.id "
                                          "WHERE t.sweep_id = ? ORDER BY t.position, a.kind",
                                          sweep_id));
}

StatusOr<std::vector<std::string>> LoadArtifactPaths(Connection& connection) {
  std::vector<std::string> paths;
  Rows rows(connection.Prepare("SELECT path FROM artifacts"));
  while (rows.Next()) paths.push_back(rows.Text(0));
  return paths;
}

StatusOr<LogSize> LoadLogSize(Connection& connection, const std::string& sweep_id) {
  Rows rows(
      connection.Prepare("SELECT count(*), coalesce(sum(length(CAST(message AS BLOB))), 0) FROM events WHERE "
                         "sweep_id = ? AND kind = 'log'",
                         sweep_id));
  rows.Next();
  return LogSize{.lines = rows.Int(0), .bytes = rows.Int(1)};
}

StatusOr<std::optional<std::string>> SqliteTransaction::PutArtifact(const core::Artifact& artifact) {
  const std::string what = fmt::format("the {} of trial {}", core::Name(artifact.kind), artifact.trial_id);
  return Run(what, [&]() -> StatusOr<std::optional<std::string>> {
    ASSIGN_OR_RETURN(const std::optional<core::Artifact> before,
                     LoadArtifact(connection_, artifact.trial_id, artifact.kind));
    if (before && std::pair(before->token, before->step) > std::pair(artifact.token, artifact.step)) {
      return FailedPrecondition("one of token {}, step {} is there already", before->token, before->step);
    }
    const std::string kind = core::Name(artifact.kind), files = FilesToJson(artifact.files);
    connection_.Run(
        "INSERT OR REPLACE INTO artifacts (trial_id, kind, attempt_id, token, step, path, bytes, files, "
        "created_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        artifact.trial_id, kind, artifact.attempt_id, artifact.token, artifact.step, artifact.path,
        artifact.Bytes(), files, artifact.created_at);
    return before ? std::optional(before->path) : std::nullopt;
  });
}

StatusOr<std::optional<std::string>> SqliteTransaction::RemoveArtifact(const std::string& trial_id,
                                                                       core::ArtifactKind kind) {
  return Run(
      [&] { return fmt::format("the {} of trial {}", core::Name(kind), trial_id); },
      [&]() -> StatusOr<std::optional<std::string>> {
        const std::string kind_name = core::Name(kind);
        Rows rows(connection_.Prepare("DELETE FROM artifacts WHERE trial_id = ? AND kind = ? RETURNING path",
                                      trial_id, kind_name));
        if (!rows.Next()) return std::optional<std::string>();
        std::optional<std::string> path = rows.Text(0);
        rows.Next();  // to its end: only then is it done
        return path;
      });
}

Status SqliteTransaction::RemoveLogs(const std::string& sweep_id) {
  return Run([&] { return fmt::format("the logs of sweep {}", sweep_id); },
             [&]() -> Status {
               connection_.Run("DELETE FROM events WHERE sweep_id = ? AND kind = 'log'", sweep_id);
               return absl::OkStatus();
             });
}

}  // namespace lorikeet::store
