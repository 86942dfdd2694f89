// Takes in what summarizing with a sweep's adapters costs, as it was measured elsewhere: all of it or
// nothing.
//
// Not thread-safe: the service's.
#pragma once

#include "coordinator/core/benchmarks.h"
#include "coordinator/service/change.h"

namespace lorikeet::service {

class Benchmarks {
 public:
  explicit Benchmarks(Context& context) : context_(context) {}

  // `measured.sweep_id` is an id or a name. NotFound for a configuration or a trial that the sweep has not;
  // InvalidArgument for figures that cannot be, and for a row twice. What was measured in another way goes.
  StatusOr<BenchmarksTaken> Put(core::Benchmarks measured);

 private:
  Context& context_;
};

}  // namespace lorikeet::service
