// The coordinator's process: its state from the file first, then the port, then time, until a signal ends it.
#pragma once

#include <cstdint>
#include <string>

#include "common/rpc/channel.h"
#include "common/status.h"

namespace lorikeet {

struct CoordinatorOptions {
  std::string data;  // folder of results.db
  std::string listen = "127.0.0.1:7070";
  std::string http = {};     // ADDR:PORT for metrics and health; empty: none
  bool http_needed = false;  // where it cannot be had the coordinator does not start; else it serves without
  // Its own certificate is needed beyond loopback; with a CA, workers must show a certificate of that CA.
  rpc::TlsFiles tls;
  // On loopback only: the file of a token of every role. Empty: made at the first start, kept in DATA/token,
  // and left where the tools of this user look for it. Whatever stands in DATA/tokens counts besides, and
  // alone beyond loopback.
  std::string token_file;
  std::string port_file;  // gets ADDR:PORT once calls are answered, for whoever started this with port 0
  std::int64_t lease_seconds = 60;
  std::uint64_t most_artifact_bytes = std::uint64_t{1}
                                      << 30;  // of a checkpoint or an adapter that a worker sends
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
