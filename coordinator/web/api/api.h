// The page's questions and their answers: JSON, read-only.
//
// What is stored comes from the database over connections of its own (sweeps/report), what does not last
// (progress, remaining time, what waits, workers) from the service's thread (live.h). So a question costs the
// service a glance at most. docs/page.md has the list of questions.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/status.h"
#include "coordinator/web/api/changes.h"
#include "coordinator/web/api/live.h"

namespace lorikeet::web {

struct ApiOptions {
  std::string database_path;
  std::string version, build;
  std::shared_ptr<Live> live;
};

struct Question {
  std::string path;                                    // below /api/: "sweeps/s-1/table"
  std::multimap<std::string, std::string> parameters;  // decoded
};

// Thread-safe.
class Api {
 public:
  explicit Api(ApiOptions options) : options_(std::move(options)) {}

  // JSON text. NotFound: there is no such thing, or no such question. InvalidArgument: a parameter is wrong.
  // Unavailable: not now.
  StatusOr<std::string> Answer(const Question& question) const;
  // How everything looks, for Changes.
  StatusOr<Marks> Look() const;

 private:
  const ApiOptions options_;
};

}  // namespace lorikeet::web
