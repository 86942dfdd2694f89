// A coordinator, as sweepctl talks to it: one call a method, statuses instead of gRPC's.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"
#include "lorikeet/v1/artifacts.pb.h"
#include "lorikeet/v1/client.pb.h"

namespace lorikeet::sweepctl {

// Beside the variables named here, the user's file has a word (config.h).
struct ClientOptions {
  std::string coordinator = {};  // ADDR:PORT; empty: LORIKEET_COORDINATOR, else 127.0.0.1:7070
  std::string token_file = {};   // empty: LORIKEET_TOKEN_FILE, else the folder where a loopback coordinator
                                 // leaves its token
  std::string tls_ca = {};  // a file of certificates to trust; empty: LORIKEET_TLS_CA; without either no TLS,
                            // which only loopback allows
  std::string data = {};  // the folder of a `sweepctl run` that is at work: its coordinator and token instead
};

// Where an adapter's files go, and who hears how far they are.
struct FetchHooks {
  // A new empty folder, once it is known what comes.
  std::function<StatusOr<std::string>(const v1::DownloadBegin&)> folder;
  std::function<void(std::int64_t done, std::int64_t all)> progress;  // bytes
};

// Not thread-safe. Every call ends within its deadline; Unavailable names the address. What acts is done
// once, also where its answer is lost on the way: it carries an id, and is asked again for half a minute.
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
  StatusOr<v1::GetPlotResponse> GetPlot(const v1::GetPlotRequest& request);
  // Gives `take` the pieces as they come; what it returns ends the call.
  Status Extract(const v1::ExtractRequest& request, const std::function<Status(std::string_view)>& take);
  StatusOr<v1::CancelResponse> Cancel(const v1::CancelRequest& request);
  StatusOr<v1::PauseResponse> Pause(const std::string& sweep);
  StatusOr<v1::ResumeResponse> Resume(const std::string& sweep);
  StatusOr<v1::RetryResponse> Retry(const std::string& name);
  StatusOr<v1::SetPriorityResponse> SetPriority(const std::string& sweep, std::int64_t priority);
  StatusOr<v1::DrainWorkerResponse> DrainWorker(const v1::DrainWorkerRequest& request);
  StatusOr<v1::ImportRowResponse> ImportRow(const v1::ImportRowRequest& request);
  // What comes, then its runs, in this order; `begin` gets its request's id here.
  StatusOr<v1::PutScoresResponse> PutScores(v1::PutScoresBegin begin,
                                            const std::vector<v1::ScoredDocuments>& parts);
  StatusOr<v1::PutBenchmarksResponse> PutBenchmarks(const v1::PutBenchmarksRequest& request);
  StatusOr<v1::ReadmitWorkerResponse> ReadmitWorker(const std::string& worker);
  StatusOr<v1::ListWorkersResponse> ListWorkers();
  StatusOr<v1::PruneResponse> Prune(const v1::PruneRequest& request);
  // The files are on disk and checked when it returns OK; else some may be in the folder.
  StatusOr<v1::DownloadBegin> FetchAdapter(const std::string& trial, const FetchHooks& hooks);

  const std::string& address() const;

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lorikeet::sweepctl
