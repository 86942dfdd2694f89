// What a simulated worker does with the attempts that it is granted.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lorikeet/v1/worker.pb.h"
#include "tests/bench/load/tally.h"

namespace lorikeet::load {

// How work talks: messages leave in order. Called only inside Work's own functions.
class Outbox {
 public:
  virtual ~Outbox() = default;
  virtual void Send(v1::WorkerMessage message) = 0;
};

// One object a worker, under that worker's lock.
class Work {
 public:
  virtual ~Work() = default;
  virtual void Granted(const v1::Grant& grant, Outbox& outbox) = 0;
  virtual void Acknowledged(const v1::Ack& ack, Outbox& outbox) = 0;
  // The leases that it holds.
  virtual void AddLeases(v1::Renew& renew) const = 0;
  // Trials whose result has been acknowledged.
  virtual const std::vector<std::string>& finished() const = 0;
};

// Reports Started and Result at once in one batch and closes the attempt; it is done when acknowledged.
std::unique_ptr<Work> MakeNoOpTrials(Tally& tally);
// Reports Started, and holds the attempt.
std::unique_ptr<Work> MakeHeldTrials(Tally& tally);

struct MetricFlow {
  std::int64_t batch = 100;  // points a message
  std::int64_t window = 4;   // messages that are not acknowledged yet
  const std::atomic<bool>& stop;
};
// Reports Started, then metrics as fast as they are acknowledged, until told to stop. The flow outlives it.
std::unique_ptr<Work> MakeMetricStream(Tally& tally, const MetricFlow& flow);

}  // namespace lorikeet::load
