// A coordinator, as sweepctl talks to it: one call a method, statuses instead of gRPC's.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "common/status.h"
#include "lorikeet/v1/client.pb.h"

namespace lorikeet::sweepctl {

struct ClientOptions {
  std::string coordinator;  // ADDR:PORT; empty: LORIKEET_COORDINATOR, else 127.0.0.1:7070
  std::string token_file;   // empty: LORIKEET_TOKEN_FILE, else the folder where a loopback coordinator leaves
                            // its token
  std::string tls_ca;       // a file of certificates to trust; empty: LORIKEET_TLS_CA; without either no TLS,
                            // which only loopback allows
  std::string data;  // the folder of a `sweepctl run` that is at work: its coordinator and token instead
};

// Not thread-safe. Every call ends within its deadline; Unavailable names the address.
class Client {
 public:
  // Reads the token; connects with the first call.
  static StatusOr<std::unique_ptr<Client>> Create(const ClientOptions& options);
  ~Client();

  StatusOr<v1::SubmitResponse> Submit(const v1::SubmitRequest& request);
  StatusOr<v1::ListSweepsResponse> ListSweeps();
  StatusOr<v1::SweepStatus> GetSweep(const std::string& sweep);
  StatusOr<v1::ListTrialsResponse> ListTrials(const std::string& sweep);
  StatusOr<v1::TrialStatus> GetTrial(const std::string& trial);
  StatusOr<v1::ListEventsResponse> ListEvents(const v1::ListEventsRequest& request);
  StatusOr<v1::GetTableResponse> GetTable(const v1::GetTableRequest& request);
  StatusOr<v1::CancelResponse> Cancel(const v1::CancelRequest& request);
  StatusOr<v1::ListWorkersResponse> ListWorkers();

  const std::string& address() const;

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lorikeet::sweepctl
