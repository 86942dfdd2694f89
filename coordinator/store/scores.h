// What the database has of scores and measurements that come from outside: the parts of Store and Transaction
// that are theirs.
//
// Failures and thread-safety are the store's (store.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/status.h"
#include "coordinator/core/benchmarks.h"
#include "coordinator/core/scores.h"

namespace lorikeet::store {

// What the open transaction has written counts.
class ScoreReader {
 public:
  virtual ~ScoreReader() = default;
  // Ids of the sweep's test split, in their order as texts.
  virtual StatusOr<std::vector<std::string>> TestDocuments(const std::string& sweep_id) = 0;
  // Imported rows whose summaries are here, by name.
  virtual StatusOr<std::vector<core::TestedRow>> TestedRows(const std::string& sweep_id) = 0;
  // The sweeps that have any such row.
  virtual StatusOr<std::vector<std::string>> TestedSweeps() = 0;
  // Such a row's seeds, as Store::Scores has a configuration's; without fingerprints or builds.
  virtual StatusOr<std::vector<core::ScoredTrial>> ForeignScores(const std::string& sweep_id,
                                                                 const std::string& name) = 0;
  virtual StatusOr<std::vector<core::ForeignComparison>> ForeignComparisons(const std::string& sweep_id) = 0;
  // The metrics that any run of the sweep is scored by.
  virtual StatusOr<std::vector<std::string>> Metrics(const std::string& sweep_id) = 0;
  // Of one configuration or imported row, by seed.
  virtual StatusOr<std::vector<core::ScoreRun>> ScoreRuns(const std::string& sweep_id,
                                                          const std::string& metric,
                                                          const std::string& configuration) = 0;
};

class ScoreWriter {
 public:
  virtual ~ScoreWriter() = default;
  // Of a row that is there, and without summaries for that seed. It counts as tested from then on.
  virtual Status PutForeignSummaries(const std::string& sweep_id, const std::string& name, std::int64_t seed,
                                     const std::vector<core::ForeignSummary>& summaries) = 0;
  // That of the same row and metric is replaced.
  virtual Status PutForeignComparison(const core::ForeignComparison& comparison) = 0;
  virtual Status RemoveForeignComparisons(const std::string& sweep_id) = 0;
  // Those of the same metric, configuration and seed are replaced.
  virtual Status PutScoreRun(const std::string& sweep_id, const core::ScoreRun& run, WallTime at) = 0;
  // Those of the same configurations and variants are replaced, and all that were measured in another way go:
  // how many of these.
  virtual StatusOr<std::int64_t> PutBenchmarks(const core::Benchmarks& measured, WallTime at) = 0;
  // Rows came after the sweep's submission.
  virtual Status MarkExtended(const std::string& sweep_id) = 0;
};

class Connection;
// Over the store's connection, which is null once the store is closed. Both outlive it.
std::unique_ptr<ScoreReader> MakeScoreReader(const std::unique_ptr<Connection>& connection,
                                             const std::string& path);

}  // namespace lorikeet::store
