#include "coordinator/rpc/sweep_service.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "common/build_info.h"
#include "common/rpc/status_codes.h"
#include "coordinator/rpc/checks.h"
#include "coordinator/rpc/convert.h"
#include "coordinator/rpc/limits.h"
#include "coordinator/rpc/request_key.h"
#include "sweeps/plot/plot.h"
#include "sweeps/report/arrange.h"
#include "sweeps/report/report.h"
#include "sweeps/spec/spec.h"

namespace lorikeet::rpc {
namespace {

Status CheckVersion(std::int64_t client) {
  if (client == kProtocolVersion || client == kProtocolVersion - 1) return absl::OkStatus();
  return FailedPrecondition("this sweepctl speaks protocol {}, the coordinator ({}) {}", client, Build(),
                            kProtocolVersion);
}

StatusOr<spec::Sweep> Parse(const v1::SubmitRequest& request) {
  RETURN_IF_ERROR(CheckVersion(request.protocol_version()));
  RETURN_IF_ERROR(CheckLimits(request));
  const std::map<std::string, std::string> variables(request.variables().begin(), request.variables().end());
  spec::ParseOptions options;
  options.file = request.file();
  options.environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  return spec::ParseSweep(request.text(), options);
}

}  // namespace

SweepServiceHandler::SweepServiceHandler(ServiceThread& service, const Access& access,
                                         service::Observer* observer, std::string database_path,
                                         Transfers& extracts)
    : service_(service),
      access_(access),
      observer_(observer),
      database_path_(std::move(database_path)),
      extracts_(extracts) {}

grpc::ServerUnaryReactor* SweepServiceHandler::Look(grpc::CallbackServerContext* context, Work work) {
  return IfAllowed(context, Role::kRead, [&](grpc::ServerUnaryReactor* reactor) {
    Ask(reactor, service::Request::Kind::kLook, std::move(work));
  });
}

template <typename Request, typename Response>
grpc::ServerUnaryReactor* SweepServiceHandler::Act(grpc::CallbackServerContext* context,
                                                   const Request* request, Response* response, Work work) {
  return IfAllowed(context, Role::kClient, [&](grpc::ServerUnaryReactor* reactor) {
    if (const Status id = CheckRequestId(request->request_id()); !id.ok()) return Finish(reactor, id);
    Ask(reactor, service::Request::Kind::kChange, DoOnce(KeyOf(*request), response, std::move(work)));
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::IfAllowed(
    grpc::CallbackServerContext* context, Role needed,
    const std::function<void(grpc::ServerUnaryReactor*)>& go_on) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (const Status allowed = access_.Check(context->client_metadata(), needed).status(); !allowed.ok()) {
    Finish(reactor, allowed);
  } else {
    go_on(reactor);
  }
  return reactor;
}

void SweepServiceHandler::Ask(grpc::ServerUnaryReactor* reactor, service::Request::Kind kind, Work work) {
  service_.Post({.kind = kind, .work = std::move(work), .done = [this, reactor](const Status& status) {
                   Finish(reactor, status);
                 }});
}

grpc::ServerUnaryReactor* SweepServiceHandler::Submit(grpc::CallbackServerContext* context,
                                                      const v1::SubmitRequest* request,
                                                      v1::SubmitResponse* response) {
  return IfAllowed(context, Role::kClient, [&](grpc::ServerUnaryReactor* reactor) {
    InBackground(reactor, [this, reactor, request, response] {
      StatusOr<spec::Sweep> parsed = Parse(*request);
      if (!parsed.ok()) return Finish(reactor, parsed.status());
      const auto sweep = std::make_shared<const spec::Sweep>(*std::move(parsed));
      const auto submit = [sweep, response](service::Service& service) -> Status {
        ASSIGN_OR_RETURN(const service::Submitted submitted, service.Submit(*sweep));
        response->set_sweep_id(submitted.sweep_id);
        response->set_name(submitted.name);
        response->set_existing(submitted.existing);
        response->set_trials(submitted.trials);
        for (const std::string& warning : submitted.warnings) response->add_warnings(warning);
        return absl::OkStatus();
      };
      const auto done = [this, reactor](const Status& status) {
        Finish(reactor, status);
        // Only now is what a large sweep took no longer needed, and given back in a quiet moment.
        [[maybe_unused]] const bool posted = background_.Post([] {});
      };
      service_.Post({.kind = service::Request::Kind::kChange,
                     .work = DoOnce(KeyOf(*request), response, submit),
                     .done = done});
    });
  });
}

void SweepServiceHandler::InBackground(grpc::ServerUnaryReactor* reactor, std::function<void()> work) {
  if (background_.Post(std::move(work))) return;
  Finish(reactor, MakeStatus(absl::StatusCode::kResourceExhausted,
                             "the coordinator has too many tables and submissions to do; try again later"));
}

void SweepServiceHandler::Finish(grpc::ServerUnaryReactor* reactor, const Status& status) const {
  const grpc::Status answer = ToGrpc(status);
  if (observer_ != nullptr) observer_->CallDone(CodeName(answer.error_code()));
  reactor->Finish(answer);
}

grpc::ServerUnaryReactor* SweepServiceHandler::ListSweeps(grpc::CallbackServerContext* context,
                                                          const v1::ListSweepsRequest*,
                                                          v1::ListSweepsResponse* response) {
  return Look(context, [response](service::Service& service) -> Status {
    for (const service::SweepView& view : service.ListSweeps()) *response->add_sweeps() = ToWire(view);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::GetSweep(grpc::CallbackServerContext* context,
                                                        const v1::GetSweepRequest* request,
                                                        v1::SweepStatus* response) {
  return Look(context, [request, response](service::Service& service) -> Status {
    RETURN_IF_ERROR(CheckName("sweep", request->sweep()));
    ASSIGN_OR_RETURN(const service::SweepView view, service.GetSweep(request->sweep()));
    *response = ToWire(view);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::ListTrials(grpc::CallbackServerContext* context,
                                                          const v1::ListTrialsRequest* request,
                                                          v1::ListTrialsResponse* response) {
  return Look(context, [request, response](service::Service& service) -> Status {
    RETURN_IF_ERROR(CheckName("sweep", request->sweep()));
    ASSIGN_OR_RETURN(const std::vector<service::TrialView> views, service.ListTrials(request->sweep()));
    for (const service::TrialView& view : views) *response->add_trials() = ToWire(view);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::GetTrial(grpc::CallbackServerContext* context,
                                                        const v1::GetTrialRequest* request,
                                                        v1::TrialStatus* response) {
  return Look(context, [request, response](service::Service& service) -> Status {
    RETURN_IF_ERROR(CheckName("trial", request->trial()));
    ASSIGN_OR_RETURN(const service::TrialView view, service.GetTrial(request->trial()));
    *response = ToWire(view);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::ListEvents(grpc::CallbackServerContext* context,
                                                          const v1::ListEventsRequest* request,
                                                          v1::ListEventsResponse* response) {
  return Look(context, [request, response](service::Service& service) -> Status {
    RETURN_IF_ERROR(CheckLimits(*request));
    const std::int64_t most =
        request->most() > 0 ? std::min(request->most(), kMostEventsAnAnswer) : kMostEventsAnAnswer;
    ASSIGN_OR_RETURN(const std::vector<core::HistoryEvent> events,
                     service.Events(request->sweep(), request->trial(), request->after(), most));
    for (const core::HistoryEvent& event : events) *response->add_events() = ToWire(event);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::GetTable(grpc::CallbackServerContext* context,
                                                        const v1::GetTableRequest* request,
                                                        v1::GetTableResponse* response) {
  const auto read = [this, request, response]() -> Status {
    RETURN_IF_ERROR(CheckLimits(*request));
    ASSIGN_OR_RETURN(const report::Format format,
                     report::ParseFormat(request->format().empty() ? "text" : request->format()));
    ASSIGN_OR_RETURN(const std::unique_ptr<report::Report> report, report::Report::Open(database_path_));
    ASSIGN_OR_RETURN(report::Table table, report->ReadTable(request->sweep()));
    RETURN_IF_ERROR(report::Arrange({.metrics = {request->metrics().begin(), request->metrics().end()},
                                     .sort = request->sort(),
                                     .rows = request->rows()},
                                    table));
    response->set_text(report::Render(table, format, request->colour()));
    return absl::OkStatus();
  };
  return IfAllowed(context, Role::kRead, [&](grpc::ServerUnaryReactor* reactor) {
    InBackground(reactor, [this, read, reactor] { Finish(reactor, read()); });
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::GetPlot(grpc::CallbackServerContext* context,
                                                       const v1::GetPlotRequest* request,
                                                       v1::GetPlotResponse* response) {
  const auto draw = [this, request, response]() -> Status {
    RETURN_IF_ERROR(CheckLimits(*request));
    ASSIGN_OR_RETURN(plot::Plot plot, plot::MakePlot(database_path_, FromWire(*request)));
    response->set_content(std::move(plot.content));
    for (std::string& warning : plot.warnings) response->add_warnings(std::move(warning));
    return absl::OkStatus();
  };
  return IfAllowed(context, Role::kRead, [&](grpc::ServerUnaryReactor* reactor) {
    InBackground(reactor, [this, draw, reactor] { Finish(reactor, draw()); });
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::Cancel(grpc::CallbackServerContext* context,
                                                      const v1::CancelRequest* request,
                                                      v1::CancelResponse* response) {
  return Act(context, request, response, [request, response](service::Service& service) -> Status {
    RETURN_IF_ERROR(CheckName("sweep", request->sweep()));
    RETURN_IF_ERROR(CheckName("trial", request->trial()));
    ASSIGN_OR_RETURN(const service::Cancelled cancelled, service.Cancel(request->sweep(), request->trial()));
    response->set_trials_cancelled(cancelled.trials);
    response->set_state(cancelled.state);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::Pause(grpc::CallbackServerContext* context,
                                                     const v1::PauseRequest* request,
                                                     v1::PauseResponse* response) {
  return Act(context, request, response, [request, response](service::Service& service) -> Status {
    RETURN_IF_ERROR(CheckName("sweep", request->sweep()));
    ASSIGN_OR_RETURN(const service::Paused paused, service.Pause(request->sweep()));
    response->set_sweep(paused.name);
    response->set_state(paused.state);
    response->set_changed(paused.changed);
    response->set_running(paused.running);
    response->set_pending(paused.pending);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::Resume(grpc::CallbackServerContext* context,
                                                      const v1::ResumeRequest* request,
                                                      v1::ResumeResponse* response) {
  return Act(context, request, response, [request, response](service::Service& service) -> Status {
    RETURN_IF_ERROR(CheckName("sweep", request->sweep()));
    ASSIGN_OR_RETURN(const service::Paused resumed, service.Resume(request->sweep()));
    response->set_sweep(resumed.name);
    response->set_state(resumed.state);
    response->set_changed(resumed.changed);
    response->set_pending(resumed.pending);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::Retry(grpc::CallbackServerContext* context,
                                                     const v1::RetryRequest* request,
                                                     v1::RetryResponse* response) {
  return Act(context, request, response, [request, response](service::Service& service) -> Status {
    RETURN_IF_ERROR(CheckName("name", request->name()));
    ASSIGN_OR_RETURN(const service::Retried retried, service.Retry(request->name()));
    response->set_trials(retried.trials);
    response->set_name(retried.name);
    response->set_state(retried.state);
    response->set_is_trial(retried.is_trial);
    response->set_sweep(retried.sweep);
    response->set_sweep_state(retried.sweep_state);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::SetPriority(grpc::CallbackServerContext* context,
                                                           const v1::SetPriorityRequest* request,
                                                           v1::SetPriorityResponse* response) {
  return Act(context, request, response, [request, response](service::Service& service) -> Status {
    RETURN_IF_ERROR(CheckName("sweep", request->sweep()));
    ASSIGN_OR_RETURN(const service::Prioritized prioritized,
                     service.SetPriority(request->sweep(), request->priority()));
    response->set_sweep(prioritized.name);
    response->set_priority(prioritized.priority);
    response->set_changed(prioritized.changed);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::ImportRow(grpc::CallbackServerContext* context,
                                                         const v1::ImportRowRequest* request,
                                                         v1::ImportRowResponse* response) {
  return Act(context, request, response, [request, response](service::Service& service) -> Status {
    RETURN_IF_ERROR(CheckLimits(*request));
    ASSIGN_OR_RETURN(const service::Imported imported,
                     request->remove() ? service.RemoveRow(request->sweep(), request->name())
                                       : service.ImportRow(FromWire(*request)));
    response->set_sweep(imported.sweep);
    response->set_name(imported.name);
    response->set_removed(request->remove());
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::PutBenchmarks(grpc::CallbackServerContext* context,
                                                             const v1::PutBenchmarksRequest* request,
                                                             v1::PutBenchmarksResponse* response) {
  return Act(context, request, response, [request, response](service::Service& service) -> Status {
    RETURN_IF_ERROR(CheckLimits(*request));
    ASSIGN_OR_RETURN(const service::BenchmarksTaken taken, service.PutBenchmarks(FromWire(*request)));
    response->set_sweep(taken.sweep);
    response->set_rows(taken.rows);
    response->set_replaced(taken.replaced);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::DrainWorker(grpc::CallbackServerContext* context,
                                                           const v1::DrainWorkerRequest* request,
                                                           v1::DrainWorkerResponse* response) {
  return Act(context, request, response, [request, response](service::Service& service) -> Status {
    RETURN_IF_ERROR(CheckName("worker", request->worker()));
    ASSIGN_OR_RETURN(const service::Drained drained, service.Drain(request->worker(), request->undo()));
    response->set_worker_id(drained.worker_id);
    response->set_hostname(drained.hostname);
    response->set_state(drained.state);
    response->set_changed(drained.changed);
    response->set_attempts(drained.attempts);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::ReadmitWorker(grpc::CallbackServerContext* context,
                                                             const v1::ReadmitWorkerRequest* request,
                                                             v1::ReadmitWorkerResponse* response) {
  return Act(context, request, response, [request, response](service::Service& service) -> Status {
    RETURN_IF_ERROR(CheckName("worker", request->worker()));
    ASSIGN_OR_RETURN(const service::Readmitted readmitted, service.Readmit(request->worker()));
    response->set_worker_id(readmitted.worker_id);
    response->set_hostname(readmitted.hostname);
    response->set_state(readmitted.state);
    response->set_changed(readmitted.changed);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepServiceHandler::Prune(grpc::CallbackServerContext* context,
                                                     const v1::PruneRequest* request,
                                                     v1::PruneResponse* response) {
  const auto prune = [request, response](service::Service& service) -> Status {
    RETURN_IF_ERROR(CheckName("sweep", request->sweep()));
    ASSIGN_OR_RETURN(const std::vector<service::PrunedSweep> sweeps,
                     service.Prune(request->sweep(), request->dry_run()));
    for (const service::PrunedSweep& sweep : sweeps) *response->add_sweeps() = ToWire(sweep);
    return absl::OkStatus();
  };
  return request->dry_run() ? Look(context, prune) : Act(context, request, response, prune);
}

grpc::ServerUnaryReactor* SweepServiceHandler::ListWorkers(grpc::CallbackServerContext* context,
                                                           const v1::ListWorkersRequest*,
                                                           v1::ListWorkersResponse* response) {
  return Look(context, [response](service::Service& service) -> Status {
    for (const service::WorkerView& view : service.ListWorkers()) *response->add_workers() = ToWire(view);
    return absl::OkStatus();
  });
}

}  // namespace lorikeet::rpc
