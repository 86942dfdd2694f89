#include "coordinator/rpc/artifact_service.h"

#include <utility>

namespace lorikeet::rpc {

ArtifactServiceHandler::ArtifactServiceHandler(ServiceThread& service, ArtifactFolder& folder,
                                               const Access& access, WorkerCheck worker, Transfers& uploads,
                                               Transfers& downloads, RandomSource& random,
                                               std::int64_t most_bytes)
    : service_(service),
      folder_(folder),
      access_(access),
      worker_(std::move(worker)),
      random_(random),
      most_bytes_(most_bytes),
      uploads_(uploads),
      downloads_(downloads) {}

}  // namespace lorikeet::rpc
