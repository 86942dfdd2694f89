// What files that are to be sent hash to, as long as they are tried: one that cannot go now is not read anew
// for each try.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/rpc/transfer.h"
#include "common/status.h"

namespace lorikeet::agent {

// Not thread-safe.
class KnownHashes {
 public:
  // Of all the reader's files, which it opened in trial_folder + folder. They are read unless all of them are
  // those of the last time.
  StatusOr<std::vector<rpc::TransferFile>> Of(const rpc::FileReader& reader, const std::string& trial_folder,
                                              const std::string& folder);
  void Forget(const std::string& trial_folder) { known_.erase(trial_folder); }
  int reads() const { return reads_; }  // how often files were read

 private:
  struct Known {
    std::string identities;
    std::vector<rpc::TransferFile> files;
  };
  std::map<std::string, Known> known_;  // by trial folder
  int reads_ = 0;
};

}  // namespace lorikeet::agent
