// The store as the service sees it: the real one, which dies with its process at a chosen write, and in which
// one of the rules may be broken on purpose, to see that somebody notices.
#pragma once

#include <functional>
#include <memory>

#include "coordinator/store/store.h"

namespace lorikeet::fleet {

struct Rules {
  bool check_tokens = true;        // else any token is the newest
  bool commit_before_ack = true;   // else now and then what is acknowledged is not on disk
  bool reload_every_lease = true;  // else a restart forgets one
  bool compare_files = true;       // else nobody hears what hosts say of theirs
};

struct StoreHooks {
  // Before and after a commit; where it says so the process is dead: nothing more is done, or heard of.
  std::function<bool()> dies_before, dies_after;
  // Whether this commit is to be lost in silence.
  std::function<bool()> loses;
  // Whether another program has the database locked; whether the disk has no room.
  std::function<bool()> locked, full;
  // With check_tokens off: the token that is taken for the newest, asked where it is looked up.
  std::function<core::Token()> token;
  bool forgets = false;
};

// `disk` outlives it.
std::unique_ptr<store::Store> HookedStore(store::Store& disk, StoreHooks hooks);

}  // namespace lorikeet::fleet
