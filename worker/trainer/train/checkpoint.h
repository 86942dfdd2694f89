// A trial's state on disk, so that a killed attempt's successor goes on where it left off, bit for bit.
//
//   DIR/state.safetensors      trainable weights, optimizer moments, and the numbers below as JSON; one file,
//                              replaced atomically
//   DIR/best-STEP.safetensors  the weights of the best validation; written before a state that names it,
//   removed
//                              after a state that names another
// Data order and dropout follow from the seed and the step, so that the step is their whole state. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/status.h"
#include "worker/trainer/train/optimizer.h"

namespace lorikeet::trainer {

struct TrainingState {
  std::int64_t step = 0;              // optimizer steps done
  std::int64_t validated_step = 0;    // the last step after which validation was done
  std::int64_t micro_batch_size = 0;  // as found so far
  std::optional<double> best_value;   // of keep_by, over the validations done
  std::int64_t best_step = 0;
  bool best_saved = false;  // best-STEP.safetensors is there (with keep: best)
  std::int64_t validations_without_gain = 0;
  double train_seconds = 0;  // in optimizer steps, over all attempts
  std::int64_t tokens = 0;   // real source and target tokens trained on
};

class CheckpointFolder {
 public:
  // `fingerprint` says which trial, data and model it is of.
  CheckpointFolder(std::string directory, std::string fingerprint);

  Status Save(const TrainingState& state, const TensorMap& parameters, const TensorMap& moments);
  // Fills parameters and the optimizer in place. NotFound: there is none; FailedPrecondition: it is another
  // trial's; another error: it is damaged. On an error nothing is changed.
  StatusOr<TrainingState> Load(const TensorMap& parameters, Optimizer& optimizer) const;

  Status SaveBest(std::int64_t step, const TensorMap& parameters);
  Status LoadBest(std::int64_t step, const TensorMap& parameters) const;

  void Remove();

 private:
  std::string BestPath(std::int64_t step) const;
  std::string directory_, fingerprint_;
};

}  // namespace lorikeet::trainer
