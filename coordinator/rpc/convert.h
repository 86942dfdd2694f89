// Between the wire's messages and the service's plain types; nothing else in the coordinator knows the wire.
#pragma once

#include <string>

#include "coordinator/core/benchmarks.h"
#include "coordinator/service/service.h"
#include "lorikeet/v1/client.pb.h"
#include "lorikeet/v1/worker.pb.h"
#include "sweeps/plot/plot.h"

namespace lorikeet::rpc {

// Worker's messages. Events of a kind that this build does not know are InvalidArgument.
core::Slot FromWire(const v1::Slot& slot);
service::Hello FromWire(const v1::Hello& hello);
service::Renew FromWire(const v1::Renew& renew);
service::Progress FromWire(const v1::Progress& progress);
StatusOr<service::Report> FromWire(const v1::EventBatch& batch);
v1::CoordinatorMessage ToWire(const service::ToWorker& message, const std::string& build);

// Clients' questions and answers.
plot::PlotRequest FromWire(const v1::GetPlotRequest& request);
core::ForeignRow FromWire(const v1::ImportRowRequest& request);
core::Benchmarks FromWire(const v1::PutBenchmarksRequest& request);
v1::SweepStatus ToWire(const service::SweepView& view);
v1::TrialStatus ToWire(const service::TrialView& view);
v1::WorkerStatus ToWire(const service::WorkerView& view);
v1::PrunedSweep ToWire(const service::PrunedSweep& sweep);
v1::HistoryEvent ToWire(const core::HistoryEvent& event);

}  // namespace lorikeet::rpc
