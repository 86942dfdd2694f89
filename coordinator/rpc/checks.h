// Holds requests to the limits of limits.h.
//
// InvalidArgument names the field, how much it was, and what is allowed. Nothing here looks at what the
// values mean.
#pragma once

#include "common/status.h"
#include "lorikeet/v1/artifacts.pb.h"
#include "lorikeet/v1/client.pb.h"
#include "lorikeet/v1/worker.pb.h"

namespace lorikeet::rpc {

// ---- what a worker says
// The same Hello would be refused again: FailedPrecondition, at which a worker ends.
Status CheckLimits(const v1::Hello& hello);
Status CheckLimits(const v1::SlotsChanged& changed);
Status CheckLimits(const v1::Renew& renew);
// Which attempt it is about; without that nobody can be told.
Status CheckLease(const char* message, const std::string& attempt_id, std::int64_t token);
// All of it but for the lease.
Status CheckLimits(const v1::Progress& progress);
Status CheckLimits(const v1::EventBatch& batch);

// ---- what a client asks
Status CheckLimits(const v1::SubmitRequest& request);
Status CheckLimits(const v1::ListEventsRequest& request);
Status CheckLimits(const v1::ExtractRequest& request);
Status CheckLimits(const v1::GetPlotRequest& request);
Status CheckLimits(const v1::GetTableRequest& request);
Status CheckLimits(const v1::ImportRowRequest& request);
Status CheckLimits(const v1::PutBenchmarksRequest& request);
Status CheckLimits(const v1::PutScoresBegin& begin);
Status CheckLimits(const v1::ScoredDocuments& documents);
// ---- files
// All of it but for the list of files (common/rpc/transfer.h).
Status CheckLimits(const v1::UploadBegin& begin);
Status CheckLimits(const v1::DownloadRequest& request);

// What names a sweep, a trial, a worker or a format.
Status CheckName(const char* field, const std::string& name);
Status CheckRequestId(const std::string& request_id);

}  // namespace lorikeet::rpc
