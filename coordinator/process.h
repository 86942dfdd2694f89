// The coordinator's process: its state from the file first, then the port, then time, until a signal ends it.
#pragma once

#include <cstdint>
#include <string>

#include "common/status.h"

namespace lorikeet {

struct CoordinatorOptions {
  std::string data;  // folder of results.db
  std::string listen = "127.0.0.1:7070";
  std::string tls_certificate, tls_key;  // PEM files, needed beyond loopback
  // The token that calls must carry. Empty, on loopback only: made at the first start, kept in DATA/token,
  // and left where the tools of this user look for it.
  std::string token_file;
  std::string port_file;  // gets ADDR:PORT once calls are answered, for whoever started this with port 0
  std::int64_t lease_seconds = 60;
};

// Blocks SIGINT and SIGTERM, which end the process, in this thread and those it starts. Call before any other
// thread.
void BlockEndingSignals();

// Serves until SIGINT or SIGTERM, then leaves results.db alone complete and returns OK. What the user can
// mend (a port in use, a folder held by another coordinator, TLS missing beyond loopback): as ExitWith makes
// 2 of. A failing store ends it with Internal: nothing that was not acknowledged counts, and the file is what
// the next start goes by.
Status RunCoordinator(const CoordinatorOptions& options);

}  // namespace lorikeet
