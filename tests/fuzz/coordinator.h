// A coordinator as the workers' streams meet it: the real dialogue, service, turns and store, without gRPC.
//
// Not thread-safe. Requires, after whatever is said, that the service goes on, and that what it tells a
// worker is right for that worker.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/ids.h"
#include "coordinator/rpc/worker_dialogue.h"
#include "coordinator/service/request_queue.h"
#include "coordinator/service/service.h"
#include "coordinator/store/store.h"
#include "tests/fuzz/fuzz.h"

namespace lorikeet::fuzz {

// One worker's stream. Open until one side ends it.
class Stream : public service::WorkerConnection {
 public:
  void Send(service::ToWorker message) override;
  void Close(const Status& reason) override;

  bool open() const { return open_; }
  // What was told, in its order.
  const std::vector<service::ToWorker>& inbox() const { return inbox_; }

 private:
  friend class Coordinator;
  void Check(const service::Grant& grant);

  std::unique_ptr<rpc::WorkerDialogue> dialogue_;  // holds this: let go where the stream ends
  bool open_ = true;
  std::map<std::int64_t, std::string> slots_;  // offered, each with the attempt that occupies it, or none
  std::vector<service::ToWorker> inbox_;
};

class Coordinator {
 public:
  // Its database holds two sweeps: `study`, and `witness` for workers with the label who=witness.
  Coordinator();
  ~Coordinator();

  service::Service& service() { return *service_; }
  std::shared_ptr<Stream> Open();
  // What gRPC would have read from the stream. It is asked for; RunTurn answers it.
  void Say(const std::shared_ptr<Stream>& stream, const std::string& bytes);
  // The worker ends the stream, or the connection breaks.
  void End(const std::shared_ptr<Stream>& stream);
  void RunTurn();
  void Pass(Duration time) { clock_.Advance(time); }
  // kill -9, and a start from the file. Every stream is over.
  void Restart();
  // Nothing of the file offends against what is promised of it.
  void CheckFile() const;

 private:
  void Start();
  void Post(rpc::WorkerDialogue::Work work, std::shared_ptr<Stream> stream);

  Folder folder_;
  FakeClock clock_;
  SeededRandom random_{7};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<service::Service> service_;
  std::unique_ptr<service::RequestQueue> queue_;
  std::vector<std::shared_ptr<Stream>> streams_;
};

}  // namespace lorikeet::fuzz
