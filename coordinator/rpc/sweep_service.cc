#include "coordinator/rpc/sweep_service.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "common/build_info.h"
#include "common/rpc/status_codes.h"
#include "coordinator/rpc/convert.h"
#include "sweeps/report/report.h"
#include "sweeps/spec/spec.h"

namespace lorikeet::rpc {
namespace {

constexpr std::int64_t kMostEvents = 10'000;  // of one answer
constexpr std::size_t kMostSweepFileBytes = 1 << 20;

Status CheckVersion(std::int64_t client) {
  if (client == kProtocolVersion || client == kProtocolVersion - 1) return absl::OkStatus();
  return FailedPrecondition("this sweepctl speaks protocol {}, the coordinator ({}) {}", client, Build(),
                            kProtocolVersion);
}

}  // namespace

SweepServiceHandler::SweepServiceHandler(service::Service& service, const TokenChecker& tokens,
                                         std::string database_path,
                                         std::function<void(const Status&)> on_fatal)
    : service_(service),
      tokens_(tokens),
      database_path_(std::move(database_path)),
      on_fatal_(std::move(on_fatal)) {}

template <typename Work>
grpc::ServerUnaryReactor* SweepServiceHandler::Answer(grpc::CallbackServerContext* context, Work work) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  Status status = tokens_.Check(context->client_metadata());
  if (status.ok()) status = work();
  reactor->Finish(ToGrpc(status));
  return reactor;
}

template <typename T>
StatusOr<T> SweepServiceHandler::Changed(StatusOr<T> outcome) {
  if (absl::IsInternal(outcome.status())) on_fatal_(outcome.status());
  return outcome;
}

grpc::ServerUnaryReactor* SweepServiceHandler::Submit(grpc::CallbackServerContext* context,
                                                      const v1::SubmitRequest* request,
                                                      v1::SubmitResponse* response) {
  return Answer(context, [&]() -> Status {
    RETURN_IF_ERROR(CheckVersion(request->protocol_version()));
    if (request->text().size() > kMostSweepFileBytes) {
      return InvalidArgument("{}: {} bytes; a sweep file has at most {}", request->file(),
                             request->text().size(), kMostSweepFileBytes);
    }
    const std::map<std::string, std::string> variables(request->variables().begin(),
                                                       request->variables().end());
    spec::ParseOptions options;
    options.file = request->file();
    options.environment = [&](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    ASSIGN_OR_RETURN(const spec::Sweep sweep, spec::ParseSweep(request->text(), options));
    ASSIGN_OR_RETURN(const service::Submitted submitted, Changed(service_.Submit(sweep)));
    response->set_sweep_id(submitted.sweep_id);
    response->set_name(submitted.name);
    response->set_existing(submitted.existing);
    response->set_trials(submitted.trials);
    for (const std::string& warning : submitted.warnings) response->add_warnings(warning);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::ListSweeps(grpc::CallbackServerContext* context,
                                                          const v1::ListSweepsRequest*,
                                                          v1::ListSweepsResponse* response) {
  return Answer(context, [&]() -> Status {
    for (const service::SweepView& view : service_.ListSweeps()) *response->add_sweeps() = ToWire(view);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::GetSweep(grpc::CallbackServerContext* context,
                                                        const v1::GetSweepRequest* request,
                                                        v1::SweepStatus* response) {
  return Answer(context, [&]() -> Status {
    ASSIGN_OR_RETURN(const service::SweepView view, service_.GetSweep(request->sweep()));
    *response = ToWire(view);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::ListTrials(grpc::CallbackServerContext* context,
                                                          const v1::ListTrialsRequest* request,
                                                          v1::ListTrialsResponse* response) {
  return Answer(context, [&]() -> Status {
    ASSIGN_OR_RETURN(const std::vector<service::TrialView> views, service_.ListTrials(request->sweep()));
    for (const service::TrialView& view : views) *response->add_trials() = ToWire(view);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::GetTrial(grpc::CallbackServerContext* context,
                                                        const v1::GetTrialRequest* request,
                                                        v1::TrialStatus* response) {
  return Answer(context, [&]() -> Status {
    ASSIGN_OR_RETURN(const service::TrialView view, service_.GetTrial(request->trial()));
    *response = ToWire(view);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::ListEvents(grpc::CallbackServerContext* context,
                                                          const v1::ListEventsRequest* request,
                                                          v1::ListEventsResponse* response) {
  return Answer(context, [&]() -> Status {
    const std::int64_t most = request->most() > 0 ? std::min(request->most(), kMostEvents) : kMostEvents;
    ASSIGN_OR_RETURN(const std::vector<core::HistoryEvent> events,
                     service_.Events(request->sweep(), request->trial(), request->after(), most));
    for (const core::HistoryEvent& event : events) *response->add_events() = ToWire(event);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::GetTable(grpc::CallbackServerContext* context,
                                                        const v1::GetTableRequest* request,
                                                        v1::GetTableResponse* response) {
  return Answer(context, [&]() -> Status {
    ASSIGN_OR_RETURN(const report::Format format,
                     report::ParseFormat(request->format().empty() ? "text" : request->format()));
    ASSIGN_OR_RETURN(const std::unique_ptr<report::Report> report, report::Report::Open(database_path_));
    ASSIGN_OR_RETURN(const report::Table table, report->ReadTable(request->sweep()));
    response->set_text(report::Render(table, format, request->colour()));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::Cancel(grpc::CallbackServerContext* context,
                                                      const v1::CancelRequest* request,
                                                      v1::CancelResponse* response) {
  return Answer(context, [&]() -> Status {
    if (request->sweep().empty() == request->trial().empty())
      return InvalidArgument("name a sweep or a trial");
    ASSIGN_OR_RETURN(const service::Cancelled cancelled,
                     Changed(service_.Cancel(request->sweep(), request->trial())));
    response->set_trials_cancelled(cancelled.trials);
    response->set_state(cancelled.state);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::ListWorkers(grpc::CallbackServerContext* context,
                                                           const v1::ListWorkersRequest*,
                                                           v1::ListWorkersResponse* response) {
  return Answer(context, [&]() -> Status {
    for (const service::WorkerView& view : service_.ListWorkers()) *response->add_workers() = ToWire(view);
    return absl::OkStatus();
  });
}

}  // namespace lorikeet::rpc
