#include "tests/fuzz/coordinator.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "common/files.h"
#include "coordinator/rpc/convert.h"
#include "sweeps/report/check.h"
#include "sweeps/spec/spec.h"
#include "sweeps/trial/trial.h"

namespace lorikeet::fuzz {
namespace {

constexpr const char* kStudy = R"(
sweep: study
model: /models/t5
data: {train: /data/train.jsonl, validation: /data/validation.jsonl, test: /data/test.jsonl}
train: {epochs: 1, learning_rate: 1.0e-3}
arms:
  full: {}
  lora: {rank: [2, 4]}
  lead: {sentences: 3}
seeds: [1, 2]
retry: {attempts: 2, backoff: 5s, interruptions: 3}
)";
constexpr const char* kWitness = R"(
sweep: witness
model: /models/t5
data: {train: /data/train.jsonl, validation: /data/validation.jsonl, test: /data/test.jsonl}
train: {epochs: 1, learning_rate: 1.0e-3}
arms: {full: {}}
seeds: [1]
resources: {labels: {who: witness}}
)";

StatusOr<std::unique_ptr<store::Store>> OpenStore(const std::string& folder) {
  return store::Store::Open(folder, {.build = "0.1.0", .vfs = ""});
}

// results.db with the sweeps submitted, closed cleanly: made once, since migrations take their time.
const std::string& Database() {
  static const std::string bytes = [] {
    spdlog::set_level(spdlog::level::off);
    const Folder folder;
    FakeClock clock;
    SeededRandom random{1};
    auto store = OpenStore(folder.path());
    RequireOk(store.status(), "a database can be made");
    auto service = service::Service::Create({.build = "0.1.0"}, **store, clock, random);
    RequireOk(service.status(), "a service can be made");
    for (const char* const text : {kWitness, kStudy}) {
      const auto sweep = spec::ParseSweep(text, {.file = "/s.yaml", .environment = {}});
      RequireOk(sweep.status(), "the sweep is one");
      RequireOk((*service)->Submit(*sweep).status(), "a sweep can be submitted");
    }
    const std::string path = (*store)->path();
    service->reset();
    RequireOk((*store)->Close(), "a database can be closed");
    store->reset();
    const StatusOr<std::string> content = ReadFile(path);
    RequireOk(content.status(), "a database can be read");
    return *content;
  }();
  return bytes;
}

}  // namespace

void Stream::Send(service::ToWorker message) {
  const v1::CoordinatorMessage wire = rpc::ToWire(message, "0.1.0");
  v1::CoordinatorMessage read;
  Require(read.ParseFromString(wire.SerializeAsString()), "what a worker is told can be written and read");
  if (const auto* grant = std::get_if<service::Grant>(&message)) Check(*grant);
  inbox_.push_back(std::move(message));
}

void Stream::Check(const service::Grant& grant) {
  Require(open_, "nothing is granted to a worker that is gone");
  Require(!grant.slots.empty(), "a grant has slots");
  for (const std::int64_t slot : grant.slots) {
    const auto found = slots_.find(slot);
    Require(found != slots_.end(), "a grant is of slots that were offered");
    Require(found->second.empty(), "a grant is of slots that are free");
    found->second = grant.attempt.id;
  }
  RequireOk(TrialFromJson(grant.trial_json).status(), "a grant has a trial's settings");
}

void Stream::Close(const Status& reason) {
  Require(!reason.ok(), "a stream is ended for a reason");
  open_ = false;
}

Coordinator::Coordinator() {
  RequireOk(WriteFileAtomically(folder_.path() + "/results.db", Database()), "the database is there");
  Start();
}

Coordinator::~Coordinator() {
  for (const auto& stream : streams_) stream->dialogue_.reset();
}

void Coordinator::Start() {
  auto store = OpenStore(folder_.path());
  RequireOk(store.status(), "the database opens");
  store_ = *std::move(store);
  auto service = service::Service::Create({.build = "0.1.0"}, *store_, clock_, random_);
  RequireOk(service.status(), "the service starts from its file");
  service_ = *std::move(service);
  queue_ = std::make_unique<service::RequestQueue>(*service_, clock_);
}

void Coordinator::Restart() {
  for (const auto& stream : streams_) {
    stream->open_ = false;
    stream->dialogue_.reset();
  }
  streams_.clear();
  queue_.reset();
  service_.reset();
  store_.reset();
  Start();
}

std::shared_ptr<Stream> Coordinator::Open() {
  const auto stream = streams_.emplace_back(std::make_shared<Stream>());
  stream->dialogue_ = std::make_unique<rpc::WorkerDialogue>(stream);
  return stream;
}

void Coordinator::Say(const std::shared_ptr<Stream>& stream, const std::string& bytes) {
  v1::WorkerMessage message;
  if (!message.ParseFromString(bytes)) return End(stream);
  auto work = stream->dialogue_->Decode(message);
  if (!work.ok()) {
    Require(!absl::IsInternal(work.status()) && !Message(work.status()).empty(), "a refusal is told");
    return End(stream);
  }
  if (message.has_hello()) {
    for (const v1::Slot& slot : message.hello().slots()) stream->slots_[slot.index()].clear();
    for (const v1::Held& held : message.hello().held()) {
      for (const std::int64_t slot : held.slots()) {
        const auto found = stream->slots_.find(slot);
        if (held.running() && found != stream->slots_.end()) found->second = held.attempt_id();
      }
    }
  } else if (message.has_closed()) {
    for (auto& [slot, attempt] : stream->slots_) {
      if (attempt == message.closed().attempt_id()) attempt.clear();
    }
  }
  Post(*std::move(work), stream);
}

void Coordinator::End(const std::shared_ptr<Stream>& stream) {
  if (!stream->dialogue_) return;
  stream->open_ = false;
  Post(stream->dialogue_->Close(), nullptr);
  stream->dialogue_.reset();
}

void Coordinator::Post(rpc::WorkerDialogue::Work work, std::shared_ptr<Stream> stream) {
  queue_->Add({.kind = service::Request::Kind::kWorker,
               .work = std::move(work),
               .done =
                   [this, stream = std::move(stream)](const Status& answer) {
                     if (answer.ok()) return;
                     Require(!absl::IsInternal(answer) && !absl::IsUnavailable(answer),
                             "what a worker says is no fault of the coordinator's");
                     if (stream) End(stream);
                   },
               .posted = clock_.Steady()});
}

void Coordinator::RunTurn() {
  do {
    RequireOk(queue_->RunTurn(clock_.Steady()), "a turn ends well");
  } while (queue_->busy());
  // What the service has closed, or replaced.
  for (const auto& stream : streams_) {
    const auto& inbox = stream->inbox_;
    if (!inbox.empty() && std::holds_alternative<service::Replaced>(inbox.back())) stream->open_ = false;
    if (!stream->open_) End(stream);
  }
  std::erase_if(streams_, [](const auto& stream) { return !stream->dialogue_; });
}

void Coordinator::CheckFile() const {
  const auto broken = report::CheckDatabase(store_->path());
  RequireOk(broken.status(), "the database can be looked at");
  if (!broken->empty()) Require(false, broken->front());
}

}  // namespace lorikeet::fuzz
