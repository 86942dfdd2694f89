// A trial's state on disk, so that a killed attempt's successor goes on where it left off, bit for bit.
//
//   DIR/state-TOKEN.safetensors      trainable weights, optimizer moments, and the numbers below as JSON; one
//                                    file, replaced atomically
//   DIR/best-TOKEN-STEP.safetensors  the weights of the best validation; written before a state that names
//                                    it, removed after a state that names another
//   DIR/done-TOKEN                   empty: that attempt is through, so that an earlier one that wakes up
//                                    after it knows
// TOKEN is the attempt's fencing token. An attempt writes files of its own token only, so that one whose
// lease was lost, still running on another host over the same folder, cannot touch what a later one wrote. A
// later attempt starts from the newest whole state of a lower token, and removes the lower tokens' files once
// a state of its own is there. The earlier one notices at its next write. Data order and dropout follow from
// the seed and the step, so that the step is their whole state. Not thread-safe.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "common/status.h"
#include "worker/trainer/train/optimizer.h"

namespace lorikeet::trainer {

struct TrainingState {
  std::int64_t step = 0;              // optimizer steps done
  std::int64_t validated_step = 0;    // the last step after which validation was done
  std::int64_t micro_batch_size = 0;  // as found so far
  std::optional<double> best_value;   // of keep_by, over the validations done
  std::int64_t best_step = 0;
  bool best_saved = false;  // there are best weights to go back to (with keep: best)
  std::int64_t validations_without_gain = 0;
  double train_seconds = 0;  // in optimizer steps, over all attempts
  std::int64_t tokens = 0;   // real source and target tokens trained on
};

class CheckpointFolder {
 public:
  // `fingerprint` says which trial, data and model it is of. Without a token (a trial run by hand) the
  // highest one in the folder is gone on with.
  CheckpointFolder(std::string directory, std::string fingerprint, std::optional<std::int64_t> token = {});

  // Writes best weights that could not be written before, then the state. Aborted: superseded by a higher
  // token, nothing is written. Another error: it cannot be written, and what was there before still stands.
  Status Save(const TrainingState& state, const TensorMap& parameters, const TensorMap& moments);
  // Fills parameters and the optimizer in place from the newest state that is whole and this trial's. Why
  // newer ones were not used goes to `passed_over`. NotFound: there is none, and nothing is changed.
  StatusOr<TrainingState> Load(const TensorMap& parameters, Optimizer& optimizer,
                               std::vector<std::string>& passed_over);

  // On an error the weights are kept in memory, for LoadBest and for the next Save to write.
  Status SaveBest(std::int64_t step, const TensorMap& parameters);
  Status LoadBest(std::int64_t step, const TensorMap& parameters) const;

  // Aborted where an attempt with a higher token has written here.
  Status CheckNotSuperseded() const;
  // The trial is done: removes what is of this token or a lower one, and with a token leaves word of it.
  void Finish();
  // The file that was loaded or saved last; empty where there is none.
  const std::string& standing() const { return standing_; }
  // Whether that is an earlier attempt's, which may take it away.
  bool standing_is_borrowed() const { return !standing_.empty() && standing_ != StatePath(token_); }

 private:
  struct UnwrittenBest {
    std::int64_t step = 0;
    TensorMap weights;
  };
  StatusOr<TrainingState> LoadState(std::int64_t token, const TensorMap& parameters, Optimizer& optimizer);
  std::string StatePath(std::int64_t token) const;
  std::string BestPath(std::int64_t token, std::int64_t step) const;
  // Of this token's.
  void RemoveBestsBut(std::initializer_list<std::int64_t> steps) const;

  std::string directory_, fingerprint_, standing_;
  std::int64_t token_ = 0, standing_best_step_ = 0;
  bool fenced_;  // a token was given
  std::optional<UnwrittenBest> unwritten_best_;
};

}  // namespace lorikeet::trainer
