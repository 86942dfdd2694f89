// What sweepctl hands out of a results database: from its file, or through the coordinator that writes it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/status.h"
#include "sweeps/report/extract.h"
#include "sweeps/sweepctl/client.h"

namespace lorikeet::sweepctl {

struct ExtractOptions {
  report::ExtractRequest request;
  std::string out;  // a file; empty: standard output
};

// Reads extracts. Not thread-safe.
class Extractor {
 public:
  using Take = std::function<Status(std::string_view)>;

  // `database`, where it is given: a results.db or its folder. Else the coordinator of `client`; where that
  // names the folder of a `sweepctl run` that has ended, the database in it.
  static StatusOr<Extractor> Open(const std::string& database, const ClientOptions& client);

  // Gives `take` the pieces as they come, cut anywhere; what it returns ends it.
  Status Read(const report::ExtractRequest& request, const Take& take) const;
  // All of it, for what is short.
  StatusOr<std::string> ReadAll(const report::ExtractRequest& request) const;

  // Null with a database's file.
  Client* client() const { return client_.get(); }
  // Empty with a coordinator.
  const std::string& database() const { return database_; }

 private:
  std::string database_;
  std::shared_ptr<Client> client_;
};

// To standard output, or to the file that appears whole or not at all.
Status PrintExtract(const Extractor& extractor, const ExtractOptions& options);

}  // namespace lorikeet::sweepctl
