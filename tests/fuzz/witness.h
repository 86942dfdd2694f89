// A worker that does everything right beside others that do not. What they say must be nothing to it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/fuzz/coordinator.h"

namespace lorikeet::fuzz {

// Not thread-safe. Has the one trial of the sweep `witness` from the beginning.
class Witness {
 public:
  static constexpr const char* kId = "witness";

  // `coordinator` outlives it.
  explicit Witness(Coordinator& coordinator);

  // Of its attempt.
  const service::Lease& lease() const { return lease_; }
  void Renew();
  // Its stream is as it was.
  void Check() const;
  // After the coordinator's restart: with what it holds.
  void Reconnect();
  // Hands its result in, which is accepted.
  void Finish();

 private:
  void Say(const v1::WorkerMessage& message);
  void Greet(const v1::WorkerMessage& hello);
  v1::WorkerMessage Hello() const;

  Coordinator& coordinator_;
  std::shared_ptr<Stream> stream_;
  service::Lease lease_;
  std::int64_t nonce_ = 0;
};

}  // namespace lorikeet::fuzz
