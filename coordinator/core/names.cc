#include <array>
#include <string_view>

#include "coordinator/core/types.h"

namespace lorikeet::core {
namespace {

// In the order of the enumerations: a state's name stands at its value.
constexpr std::array<std::string_view, 4> kSweepStates = {"running", "paused", "finished", "cancelled"};
constexpr std::array<std::string_view, 5> kTrialStates = {"pending", "running", "succeeded", "failed",
                                                          "cancelled"};
constexpr std::array<std::string_view, 8> kAttemptStates = {"granted", "running",  "lost",       "succeeded",
                                                            "failed",  "returned", "superseded", "cancelled"};
constexpr std::array<std::string_view, 2> kArtifactKinds = {"checkpoint", "adapter"};

template <std::size_t n>
std::string NameOf(const std::array<std::string_view, n>& names, std::size_t state) {
  return std::string(names.at(state));
}

template <typename State, std::size_t n>
StatusOr<State> Parse(const std::array<std::string_view, n>& names, const std::string& name,
                      std::string_view what) {
  std::string known;
  for (std::size_t i = 0; i < n; ++i) {
    if (names[i] == name) return static_cast<State>(i);
    known += (i == 0 ? "" : ", ") + std::string(names[i]);
  }
  return InvalidArgument("'{}' is no state of {}; those are {}", name, what, known);
}

}  // namespace

std::string Name(SweepState state) { return NameOf(kSweepStates, static_cast<std::size_t>(state)); }
std::string Name(TrialState state) { return NameOf(kTrialStates, static_cast<std::size_t>(state)); }
std::string Name(AttemptState state) { return NameOf(kAttemptStates, static_cast<std::size_t>(state)); }
std::string Name(ArtifactKind kind) { return NameOf(kArtifactKinds, static_cast<std::size_t>(kind)); }

StatusOr<SweepState> ParseSweepState(const std::string& name) {
  return Parse<SweepState>(kSweepStates, name, "a sweep");
}
StatusOr<TrialState> ParseTrialState(const std::string& name) {
  return Parse<TrialState>(kTrialStates, name, "a trial");
}
StatusOr<AttemptState> ParseAttemptState(const std::string& name) {
  return Parse<AttemptState>(kAttemptStates, name, "an attempt");
}
StatusOr<ArtifactKind> ParseArtifactKind(const std::string& name) {
  for (std::size_t i = 0; i < kArtifactKinds.size(); ++i) {
    if (kArtifactKinds.at(i) == name) return static_cast<ArtifactKind>(i);
  }
  return InvalidArgument("'{}' is no kind of artifact; those are checkpoint and adapter", name);
}

}  // namespace lorikeet::core
