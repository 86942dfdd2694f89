#include "sweeps/report/chosen.h"

namespace lorikeet::report {

const Row* BestOnValidation(const Table& table, const std::string& arm) {
  const Row* best = nullptr;
  for (const Row& row : table.rows) {
    if (row.arm != arm || row.baseline || !row.validation_primary) continue;
    if (best == nullptr || *row.validation_primary > *best->validation_primary) best = &row;
  }
  return best;
}

std::set<const Row*> ChosenRows(const Table& table) {
  std::set<std::string> arms;
  for (const Row& row : table.rows) {
    if (!row.reference) arms.insert(row.arm);
  }
  std::set<const Row*> chosen;
  for (const std::string& arm : arms) {
    if (const Row* row = BestOnValidation(table, arm)) chosen.insert(row);
  }
  return chosen;
}

}  // namespace lorikeet::report
