// Hands a sweep file to a coordinator.
#pragma once

#include <string>

#include "common/status.h"
#include "sweeps/spec/spec.h"
#include "sweeps/sweepctl/client.h"

namespace lorikeet::sweepctl {

// A sweep file that this machine has read and found good, files that it names included.
struct SweepFile {
  std::string path;  // absolute
  std::string text;
  spec::Sweep sweep;
};

// `check_files`: a model or data file that is missing here is an error (run), else only a warning's business
// (submit, whose workers may be other machines).
StatusOr<SweepFile> ReadSweepFile(const std::string& path, bool check_files);

StatusOr<v1::SubmitResponse> SubmitSweep(Client& client, const SweepFile& file);

// What --dry-run prints: the trials that the file makes, and how many.
std::string DescribeTrials(const SweepFile& file);
// The same as one line of JSON.
std::string TrialsAsJson(const SweepFile& file);

}  // namespace lorikeet::sweepctl
