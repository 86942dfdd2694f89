// Which points of an attempt's learning curves are kept while its spool fills.
//
// A worker that is cut off spools for hours, and a trainer may report points at any rate. Beyond a limit
// every second point of a curve is left out, beyond half as much again three of four, and so on: what is
// spooled grows to about twice the limit, and the curve still spans all of the time. Left out are metric
// points alone, never a result, a prediction, a document or a failure. A curve keeps its first points, and
// its last: that is put back where the attempt ends or the thinning does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lorikeet/v1/worker.pb.h"

namespace lorikeet::agent {

// Of one attempt. Not thread-safe.
class Thinning {
 public:
  // Every 2^10th point at the sparsest.
  static constexpr int kMostHalvings = 10;

  // `limit`: of bytes that are not the coordinator's yet. A curve with `few` points since the thinning began
  // (of validation, say) is kept whole.
  Thinning(std::size_t limit, std::int64_t few) : limit_(limit), few_(few) {}

  // Whether the point is to be spooled, with `bytes` of the attempt not handed in yet.
  bool Keep(const v1::Event& metric, std::size_t bytes);
  // Points have been left out that nobody has been told of.
  bool active() const { return left_out_ > 0; }
  // Whether the spool has drained so far that the thinning is over.
  bool Over(std::size_t bytes) const { return active() && bytes < limit_ / 2; }
  // Ends it: the last point of each curve where that was left out, and a line for the attempt's history that
  // says how many were. In the order in which they are to be spooled.
  std::vector<v1::Event> End();

 private:
  struct Curve {
    std::int64_t seen = 0;  // since the thinning began
    std::int64_t left_out = 0;
    bool last_left_out = false;
    v1::Event last;
  };
  // How often the points' number is halved.
  int Halvings(std::size_t bytes) const;

  const std::size_t limit_;
  const std::int64_t few_;
  std::map<std::string, Curve> curves_;
  std::int64_t left_out_ = 0;
};

}  // namespace lorikeet::agent
