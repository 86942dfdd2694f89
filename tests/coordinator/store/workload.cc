#include "tests/coordinator/store/workload.h"

#include <cstdlib>
#include <iostream>
#include <random>
#include <utility>

namespace lorikeet::store {
namespace {

const Folder& TheFolder() {
  static const Folder folder;
  return folder;
}

core::HistoryEvent Event(const std::string& kind, const std::string& message) {
  return {.id = 0,
          .time = At(5),
          .sweep_id = "s-1",
          .trial_id = "",
          .attempt_id = "",
          .worker_id = "",
          .kind = kind,
          .message = message};
}

Status Submit(Transaction& t, int trials) {
  RETURN_IF_ERROR(t.InsertSweep(MakeSweep("s-1", "demo")));
  ASSIGN_OR_RETURN(const std::int64_t full,
                   t.InsertConfiguration(MakeConfiguration("s-1", 0, "full", "full")));
  for (int i = 0; i < trials; ++i) {
    RETURN_IF_ERROR(t.InsertTrial(MakeTrial(fmt::format("t-{}", i), "s-1", full, i, i)));
  }
  RETURN_IF_ERROR(t.UpsertWorker(MakeWorker("w-1")));
  return t.InsertEvent(Event("submitted", std::string(6000, 'x')));
}

core::Trial Moved(int i, core::TrialState state) {
  core::Trial trial = MakeTrial(fmt::format("t-{}", i), "s-1", 1, i, i);
  trial.state = state;
  trial.token = 1;
  return trial;
}

Status Grant(Transaction& t, int i) {
  return t.Part([&]() -> Status {
    RETURN_IF_ERROR(t.UpdateTrial(Moved(i, core::TrialState::kRunning)));
    return t.InsertAttempt(MakeAttempt(fmt::format("a-{}", i), fmt::format("t-{}", i), 1, "w-1"));
  });
}

// Metrics and predictions of two workers, with a third request between them that is refused.
Status Report(Transaction& t, int i, int documents, std::size_t bytes) {
  const std::string attempt = fmt::format("a-{}", i);
  const Status metrics = t.Part([&]() -> Status {
    for (int step = 0; step < 20; ++step) {
      RETURN_IF_ERROR(t.InsertMetric(attempt, {step, "train_loss", 1.0 / (1 + step + i)}));
    }
    return t.AdvanceSequence(attempt, 20);
  });
  RETURN_IF_ERROR(metrics);
  const Status refused = t.Part([&]() -> Status {
    RETURN_IF_ERROR(t.InsertEvent(Event("never", std::string(bytes, 'n'))));
    return t.InsertSweep(MakeSweep("s-2", "demo"));
  });
  if (!absl::IsAlreadyExists(refused)) return Internal("not refused: {}", Message(refused));
  return t.Part([&]() -> Status {
    for (int d = 0; d < documents; ++d) {
      const std::string id = fmt::format("d{}", d);
      RETURN_IF_ERROR(t.InsertDocument(
          "s-1", {.split = "test", .id = id, .article = "an article", .reference = "short", .position = d}));
      core::Prediction prediction = MakePrediction("test", id, 0.5);
      prediction.summary = std::string(bytes, static_cast<char>('a' + (i + d) % 26));
      RETURN_IF_ERROR(t.StagePrediction(attempt, prediction));
    }
    return t.AdvanceSequence(attempt, 20 + documents);
  });
}

Status End(Transaction& t, int i, int documents) {
  const std::string attempt_id = fmt::format("a-{}", i);
  const bool finished = i % 2 == 0;
  core::Attempt attempt = MakeAttempt(attempt_id, fmt::format("t-{}", i), 1, "w-1");
  attempt.state = finished ? core::AttemptState::kSucceeded : core::AttemptState::kLost;
  RETURN_IF_ERROR(t.UpdateAttempt(attempt));
  RETURN_IF_ERROR(t.InsertEvent(Event(finished ? "finished" : "lost", attempt_id)));
  if (!finished) {
    RETURN_IF_ERROR(t.UpdateTrial(Moved(i, core::TrialState::kPending)));
    return t.DiscardStagedPredictions(attempt_id);
  }
  RETURN_IF_ERROR(t.UpdateTrial(Moved(i, core::TrialState::kSucceeded)));
  core::Result result = MakeResult(0.25);
  result.predictions = documents;
  return t.CommitResult(attempt.trial_id, attempt_id, result, At(9));
}

}  // namespace

Workload MakeWorkload(int trials, int documents, std::size_t bytes) {
  Workload workload;
  workload.push_back([=](Transaction& t) { return Submit(t, trials); });
  for (int i = 0; i < trials; ++i) {
    workload.push_back([=](Transaction& t) { return Grant(t, i); });
    workload.push_back([=](Transaction& t) { return Report(t, i, documents, bytes); });
    workload.push_back([=](Transaction& t) { return End(t, i, documents); });
  }
  return workload;
}

Moments MomentsWhileMade() {
  const auto setting = [](const char* name, std::int64_t otherwise) {
    const char* given = std::getenv(name);
    return given != nullptr ? std::atoll(given) : otherwise;
  };
  Moments moments;
  moments.every = setting("FAULTS_EVERY", 8);
  moments.from = setting("FAULTS_FROM", 1 + std::random_device()() % moments.every);
  std::cerr << "FAULTS_FROM=" << moments.from << " FAULTS_EVERY=" << moments.every << "\n";
  return moments;
}

Machine::Machine(std::uint64_t seed, std::int64_t checkpoint_pages, const FailingDisk::Files& files)
    : disk(seed), folder_(TheFolder()), vfs_(disk, folder_.path()), checkpoint_pages_(checkpoint_pages) {
  disk.SetFiles(files);
}

StatusOr<std::unique_ptr<Store>> Machine::Open() {
  const auto sync_folder = [this](const std::string& folder) -> Status {
    if (folder != folder_.path()) return absl::OkStatus();  // those above are not on this disk
    const bool done = disk.SyncFolder(folder) == FailingDisk::Outcome::kDone;
    return done ? absl::OkStatus() : Internal("{}: fsync: Input/output error", folder);
  };
  return Store::Open(folder_.path(), {.build = "0.1.0 (test)",
                                      .vfs = vfs_.name(),
                                      .sync_folder = sync_folder,
                                      .checkpoint_pages = checkpoint_pages_,
                                      .cache_kibibytes = 2 * 1024});
}

std::string Machine::Damage() const {
  std::string found;
  try {
    SQLite::Database database(folder_.database(), SQLite::OPEN_READONLY, 0, vfs_.name());
    SQLite::Statement integrity(database, "PRAGMA integrity_check");
    while (integrity.executeStep()) {
      const std::string line = integrity.getColumn(0).getString();
      if (line != "ok") found += line + "\n";
    }
    SQLite::Statement references(database, "PRAGMA foreign_key_check");
    while (references.executeStep())
      found += "refers to nothing: " + references.getColumn(0).getString() + "\n";
  } catch (const SQLite::Exception& error) {
    found += std::string(error.what()) + "\n";
  }
  return found;
}

std::string Machine::Rows() const {
  SQLite::Database database(folder_.database(), SQLite::OPEN_READONLY, 0, vfs_.name());
  std::string text;
  SQLite::Statement tables(database,
                           "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
                           "ORDER BY name");
  while (tables.executeStep()) {
    const std::string table = tables.getColumn(0).getString();
    SQLite::Statement rows(database, "SELECT * FROM " + table + " ORDER BY 1, 2, 3");
    while (rows.executeStep()) {
      text += table;
      for (int i = 0; i < rows.getColumnCount(); ++i) text += "|" + rows.getColumn(i).getString();
      text += "\n";
    }
  }
  return text;
}

Reference MakeReference(Workload workload, std::int64_t checkpoint_pages) {
  Reference reference{
      .workload = std::move(workload), .checkpoint_pages = checkpoint_pages, .files = {}, .rows = {}};
  Machine machine(1, checkpoint_pages);
  auto store = machine.Open();
  EXPECT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE((*store)->Close().ok());
  reference.files = machine.disk.files();
  store = machine.Open();
  reference.rows.push_back(machine.Rows());
  for (const auto& change : reference.workload) {
    const Status status = (*store)->Write(change);
    EXPECT_TRUE(status.ok()) << status;
    reference.rows.push_back(machine.Rows());
    EXPECT_NE(reference.rows.back(), reference.rows[reference.rows.size() - 2]);
  }
  EXPECT_EQ(machine.Damage(), "");
  return reference;
}

}  // namespace lorikeet::store
