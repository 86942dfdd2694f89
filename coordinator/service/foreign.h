// Rows of others that people want to see in a sweep's table.
//
// They are rows in the database alone: nothing is scheduled by them, and no comparison reads them. Rows that
// come with their summaries are scores.h's, but for their end.
// Not thread-safe: the service's.
#pragma once

#include <string>

#include "coordinator/service/change.h"

namespace lorikeet::service {

class Foreign {
 public:
  explicit Foreign(Context& context) : context_(context) {}

  // One of that name is replaced; `row.sweep_id` is an id or a name. AlreadyExists where a configuration of
  // the sweep has the name; InvalidArgument for figures that cannot be.
  StatusOr<Imported> Import(core::ForeignRow row);
  // NotFound where there is none.
  StatusOr<Imported> Remove(const std::string& sweep, const std::string& name);

 private:
  // How many imported rows p-values are corrected for may have changed.
  void NoteDue(const std::string& sweep_id);

  Context& context_;
};

}  // namespace lorikeet::service
