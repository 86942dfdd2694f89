// Files of trials, up from workers and down to workers and people: checks who asks, has the service's thread
// say what may be, and moves bytes between gRPC and the disk.
//
// A transfer is a chain: one step posts the next, on gRPC's threads, the service's and the one for files, so
// that none of them waits for another; a transfer's own state needs no lock.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/ids.h"
#include "coordinator/rpc/access.h"
#include "coordinator/rpc/artifact_folder.h"
#include "coordinator/rpc/service_thread.h"
#include "coordinator/rpc/transfers.h"
#include "lorikeet/v1/artifacts.grpc.pb.h"

namespace lorikeet::rpc {

// Thread-safe. What it is made of outlives it; it outlives the server's last call.
class ArtifactServiceHandler final : public v1::ArtifactService::CallbackService {
 public:
  // Whether a call may do what a worker does: its token and, where they are asked for, its certificate.
  using WorkerCheck = std::function<Status(const grpc::CallbackServerContext&)>;

  ArtifactServiceHandler(ServiceThread& service, ArtifactFolder& folder, const Access& access,
                         WorkerCheck worker, Transfers& uploads, Transfers& downloads, RandomSource& random,
                         std::int64_t most_bytes);

  grpc::ServerReadReactor<v1::UploadMessage>* Upload(grpc::CallbackServerContext* context,
                                                     v1::UploadResponse* response) override;
  grpc::ServerWriteReactor<v1::DownloadMessage>* Download(grpc::CallbackServerContext* context,
                                                          const v1::DownloadRequest* request) override;

 private:
  class UploadReactor;
  class DownloadReactor;

  ServiceThread& service_;
  ArtifactFolder& folder_;
  const Access& access_;
  const WorkerCheck worker_;
  RandomSource& random_;
  const std::int64_t most_bytes_;
  Transfers &uploads_, &downloads_;
  std::atomic<std::int64_t> coming_ = 0;  // bytes that were offered and are not in their place yet
};

}  // namespace lorikeet::rpc
