#include "sweeps/spec/mistakes.h"

#include <algorithm>
#include <utility>

namespace lorikeet::spec {

void Mistakes::Add(Position at, std::string what) { mistakes_.push_back({at, std::move(what)}); }

Status Mistakes::ToStatus() const {
  if (mistakes_.empty()) return absl::OkStatus();
  std::vector<Mistake> sorted = mistakes_;
  // Stable: mistakes of one place stay in the order in which they were found. An aliased value that is read
  // twice gives the same mistake twice.
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Mistake& a, const Mistake& b) { return a.at < b.at; });
  std::string text;
  auto same_place = sorted.begin();
  for (auto mistake = sorted.begin(); mistake != sorted.end(); ++mistake) {
    if (same_place->at != mistake->at) same_place = mistake;
    if (std::find(same_place, mistake, *mistake) != mistake) continue;
    text += fmt::format("{}{}:{}:{}: {}", text.empty() ? "" : "\n", file_, mistake->at.line,
                        mistake->at.column, mistake->what);
  }
  return InvalidArgument("{}", text);
}

}  // namespace lorikeet::spec
