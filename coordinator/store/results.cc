// The part of a transaction that carries scores: staged predictions and the result that makes them visible.
#include "coordinator/store/guard.h"
#include "coordinator/store/transaction.h"

namespace lorikeet::store {

Status SqliteTransaction::StagePrediction(const std::string& attempt_id, const core::Prediction& prediction) {
  return Run(
      [&] {
        return fmt::format("{} prediction '{}' of attempt {}", prediction.split, prediction.id, attempt_id);
      },
      [&]() -> Status {
        connection_.Run(
            "INSERT INTO staged_predictions (attempt_id, split, document_id, position, summary, tokens, "
            "rouge1, rouge2, "
            "rougeL, rougeLsum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (attempt_id, split, document_id) DO UPDATE SET position = excluded.position, "
            "summary = excluded.summary, tokens = excluded.tokens, rouge1 = excluded.rouge1, rouge2 = "
            "excluded.rouge2, "
            "rougeL = excluded.rougeL, rougeLsum = excluded.rougeLsum",
            attempt_id, prediction.split, prediction.id, prediction.position, prediction.summary,
            prediction.tokens, prediction.rouge.rouge1, prediction.rouge.rouge2, prediction.rouge.rougeL,
            prediction.rouge.rougeLsum);
        return absl::OkStatus();
      });
}

Status SqliteTransaction::CommitResult(const std::string& trial_id, const std::string& attempt_id,
                                       const core::Result& result, WallTime at) {
  return Run(
      [&] { return fmt::format("the result of trial {} by attempt {}", trial_id, attempt_id); },
      [&]() -> Status {
        RETURN_IF_ERROR(CheckPredictions(attempt_id, result));
        if (InsertResultRow(trial_id, attempt_id, result, at) == 0) return WhyNoResult(attempt_id);
        if (!AnyStaged(trial_id)) return absl::OkStatus();
        connection_.Run(
            "INSERT INTO predictions (trial_id, split, document_id, position, summary, tokens, rouge1, "
            "rouge2, rougeL, "
            "rougeLsum) SELECT ?, split, document_id, position, summary, tokens, rouge1, rouge2, rougeL, "
            "rougeLsum "
            "FROM staged_predictions WHERE attempt_id = ?",
            trial_id, attempt_id);
        // What lost attempts of the trial had staged can never count any more.
        connection_.Run(
            "DELETE FROM staged_predictions WHERE attempt_id IN (SELECT id FROM attempts WHERE trial_id = ?)",
            trial_id);
        return absl::OkStatus();
      });
}

Status SqliteTransaction::WhyNoResult(const std::string& attempt_id) {
  Rows rows(connection_.Prepare("SELECT trial_id FROM attempts WHERE id = ?", attempt_id));
  if (!rows.Next()) return NotFound("the attempt is not in the database");
  return FailedPrecondition("the attempt belongs to trial {}", rows.Text(0));
}

Status SqliteTransaction::CheckPredictions(const std::string& attempt_id, const core::Result& result) {
  Rows rows(connection_.Prepare("SELECT count(*) FROM staged_predictions WHERE attempt_id = ?", attempt_id));
  rows.Next();
  if (rows.Int(0) < result.predictions) {
    return FailedPrecondition("it counts {} predictions, and {} have come", result.predictions, rows.Int(0));
  }
  return absl::OkStatus();
}

// Statements that move and delete rows make tables of their own first, even where there is none to move.
bool SqliteTransaction::AnyStaged(const std::string& trial_id) {
  Rows rows(connection_.Prepare(
      "SELECT 1 FROM attempts AS a CROSS JOIN staged_predictions AS p ON p.attempt_id = a.id"
      " WHERE a.trial_id = ? LIMIT 1",
      trial_id));
  return rows.Next();
}

std::int64_t SqliteTransaction::InsertResultRow(const std::string& trial_id, const std::string& attempt_id,
                                                const core::Result& result, WallTime at) {
  const core::SplitScore &test = result.test, &validation = result.validation;
  return connection_.Run(
      "INSERT INTO results (trial_id, attempt_id, sweep, arm, configuration, seed, build, "
      "test_rouge1, test_rouge2, test_rougeL, test_rougeLsum, "
      "validation_rouge1, validation_rouge2, validation_rougeL, validation_rougeLsum, test_loss, "
      "validation_loss, "
      "test_documents, validation_documents, train_documents, empty_documents, kept_step, last_step, "
      "test_sources_cut, test_targets_cut, test_outputs_cut, "
      "validation_sources_cut, validation_targets_cut, validation_outputs_cut, "
      "trainable_parameters, trainable_share, device, device_model, threads, micro_batch_size, precision, "
      "train_seconds, tokens_per_second, peak_memory_bytes, latency_p50_seconds, latency_p95_seconds, "
      "generated_tokens_per_second, adapter_bytes, data_fingerprint, model_fingerprint, finished_at) "
      "SELECT trials.id, attempts.id, sweeps.name, configurations.arm, configurations.name, trials.seed, "
      "?42, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, "
      "?18, ?19, "
      "?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, nullif(?32, 0), nullif(?33, 0), ?34, "
      "nullif(?35, 0), nullif(?36, 0), nullif(?37, 0), ?38, ?39, "
      "?40, ?41 "
      "FROM trials JOIN attempts ON attempts.trial_id = trials.id JOIN sweeps ON sweeps.id = trials.sweep_id "
      "JOIN configurations ON configurations.id = trials.configuration_id WHERE trials.id = ?1 AND "
      "attempts.id = ?2",
      trial_id, attempt_id, test.rouge.rouge1, test.rouge.rouge2, test.rouge.rougeL, test.rouge.rougeLsum,
      validation.rouge.rouge1, validation.rouge.rouge2, validation.rouge.rougeL, validation.rouge.rougeLsum,
      result.test_loss, result.validation_loss, test.documents, validation.documents, result.train_documents,
      result.empty_documents, result.kept_step, result.last_step, test.sources_cut, test.targets_cut,
      test.outputs_cut, validation.sources_cut, validation.targets_cut, validation.outputs_cut,
      result.trainable_parameters, result.trainable_share, result.device, result.device_model, result.threads,
      result.micro_batch_size, result.precision, result.train_seconds, result.tokens_per_second,
      result.peak_memory_bytes, result.latency_p50_seconds, result.latency_p95_seconds,
      result.generated_tokens_per_second, result.adapter_bytes, result.data_fingerprint,
      result.model_fingerprint, at, result.build);
}

Status SqliteTransaction::DiscardStagedPredictions(const std::string& attempt_id) {
  return Run([&] { return fmt::format("staged predictions of attempt {}", attempt_id); },
             [&]() -> Status {
               connection_.Run("DELETE FROM staged_predictions WHERE attempt_id = ?", attempt_id);
               return absl::OkStatus();
             });
}

}  // namespace lorikeet::store
