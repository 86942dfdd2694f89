#include "coordinator/rpc/checks.h"
#include "coordinator/rpc/field_checker.h"

namespace lorikeet::rpc {

Status CheckLimits(const v1::UploadBegin& begin) {
  FieldChecker check("upload");
  check.Word("trial_id", begin.trial_id(), kMostIdBytes);
  check.Word("attempt_id", begin.attempt_id(), kMostIdBytes);
  check.Word("worker_id", begin.worker_id(), kMostIdBytes);
  check.Word("kind", begin.kind());
  check.Count("token", begin.token());
  check.Count("step", begin.step());
  return check.status();
}

Status CheckLimits(const v1::DownloadRequest& request) {
  FieldChecker check("download");
  check.Word("trial", request.trial(), kMostNameBytes);
  check.Word("attempt_id", request.attempt_id(), kMostIdBytes);
  check.Word("worker_id", request.worker_id(), kMostIdBytes);
  check.Count("token", request.token());
  return check.status();
}

}  // namespace lorikeet::rpc
