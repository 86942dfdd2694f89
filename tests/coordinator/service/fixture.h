// A coordinator's service on a real database in a folder of its own, with a clock that stands still and
// workers that only write down what they are told.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/build_info.h"
#include "coordinator/service/service.h"
#include "tests/coordinator/store/fixture.h"

namespace lorikeet::service {

using std::chrono::seconds;

class FakeConnection : public WorkerConnection {
 public:
  void Send(ToWorker message) override { inbox.push_back(std::move(message)); }
  void Close(const Status& reason) override { closed = reason; }
  template <typename Message>
  std::vector<Message> All() const {
    std::vector<Message> all;
    for (const ToWorker& message : inbox) {
      if (const auto* one = std::get_if<Message>(&message)) all.push_back(*one);
    }
    return all;
  }
  std::vector<ToWorker> inbox;
  Status closed;  // OK: open
};

// A worker's stream, as its agent would hold it.
struct FakeWorker {
  std::string id;
  std::int64_t session = 0;
  std::shared_ptr<FakeConnection> connection;

  std::vector<Grant> Grants() const { return connection->All<Grant>(); }
  Ack LastAck() const {
    const auto acks = connection->All<Ack>();
    return acks.empty() ? Ack{.attempt_id = "none", .sequence = -1, .superseded = false} : acks.back();
  }
  std::size_t Acks() const { return connection->All<Ack>().size(); }
};

inline std::vector<core::Slot> CpuSlots(std::int64_t count) {
  std::vector<core::Slot> slots;
  for (std::int64_t i = 0; i < count; ++i) {
    slots.push_back({.index = i,
                     .kind = "cpu",
                     .device = "cpu",
                     .device_model = "CPU one",
                     .memory_bytes = 1LL << 33,
                     .threads = 1});
  }
  return slots;
}
inline std::vector<core::Slot> GpuSlots(std::int64_t count) {
  std::vector<core::Slot> slots = CpuSlots(count);
  for (core::Slot& slot : slots) {
    slot.kind = "cuda";
    slot.device = "cuda:" + std::to_string(slot.index);
  }
  return slots;
}

// `full` (the baseline) and `lora` of so many ranks, over seeds 1, 2, …; full alone with no ranks.
inline spec::Sweep MakeSweep(const std::string& name, std::int64_t ranks, std::int64_t seeds) {
  spec::Sweep sweep;
  sweep.name = name;
  sweep.text = "sweep: " + name + "\n";
  sweep.fingerprint = "fingerprint of " + name;
  sweep.baseline = "full";
  sweep.retry = {.attempts = 3, .backoff = std::chrono::seconds(30)};
  for (std::int64_t seed = 1; seed <= seeds; ++seed) sweep.seeds.push_back(seed);
  for (std::int64_t i = 0; i <= ranks; ++i) {
    spec::Configuration configuration;
    configuration.name = i == 0 ? "full" : "lora rank=" + std::to_string(i);
    configuration.arm = i == 0 ? "full" : "lora";
    configuration.baseline = i == 0;
    if (i > 0) configuration.axes = {{"rank", std::to_string(i)}};
    Trial& trial = configuration.trial;
    trial.sweep = name;
    trial.configuration = configuration.name;
    trial.method = i == 0 ? Method::kFull : Method::kLora;
    trial.lora.rank = std::max<std::int64_t>(1, i);
    trial.model = "/models/tiny";
    trial.data.train = "/data/train.jsonl";
    trial.data.validation = "/data/validation.jsonl";
    trial.data.test = "/data/test.jsonl";
    trial.train.epochs = 1;
    trial.train.learning_rate = 1e-3;
    sweep.configurations.push_back(std::move(configuration));
  }
  return sweep;
}
// The settings of `lora rank=1` are chosen from so many learning rates (0.001, 0.002, …), each tried with
// seed 101.
inline void Tune(spec::Sweep& sweep, std::int64_t tries) {
  sweep.tune = {.axes = {"learning_rate"}, .by = "validation_rouge1", .seeds = {101}};
  sweep.configurations.at(1).tries = tries;
  for (std::int64_t i = 1; i <= tries; ++i) {
    spec::Configuration candidate = sweep.configurations[1];
    candidate.tries = 1;
    candidate.candidate_of = 1;
    const double rate = static_cast<double>(i) / 1000;
    candidate.axes.push_back({"learning_rate", fmt::format("{}", rate)});
    candidate.name = fmt::format("lora rank=1 learning_rate={}", rate);
    candidate.settings = {{"rank", "1"}, {"learning_rate", fmt::format("{}", rate)}};
    candidate.trial.configuration = candidate.name;
    candidate.trial.train.learning_rate = rate;
    sweep.configurations.push_back(std::move(candidate));
  }
}
inline void NeedGpus(spec::Sweep& sweep, std::int64_t gpus) {
  sweep.resources.gpus = gpus;
  for (spec::Configuration& configuration : sweep.configurations) configuration.trial.resources.gpus = gpus;
}

inline Started MakeStarted() {
  return {.device = "cpu",
          .device_model = "CPU one",
          .build = "0.1.0 (trainer)",
          .threads = 1,
          .micro_batch_size = 4,
          .from_step = 0,
          .total_steps = 10};
}
// A result that counts `predictions`, over one document a split.
inline core::Result MakeScores(std::int64_t predictions) {
  core::Result result = store::MakeResult(0.4);
  result.test.documents = result.validation.documents = 1;
  result.predictions = predictions;
  return result;
}

// ROUGE-1 of the document, 0 to 1: other seeds and documents differ a little.
inline double ScoreOf(double mean, std::int64_t seed, int document) {
  return mean + 0.002 * static_cast<double>(seed) + 0.01 * (document % 4) +
         0.0005 * static_cast<double>((7 * document + 3 * seed) % 5);
}

class ServiceTest : public ::testing::Test {
 protected:
  void SetUp() override { Start(); }

  void Start() {
    store::OpenOptions options{.build = "0.1.0 (test)", .vfs = ""};
    options.free_bytes = [this]() -> StatusOr<std::int64_t> { return free_bytes_; };
    auto opened = store::Store::Open(folder_.path(), options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
    auto service =
        Service::Create({.reserve_bytes = 2LL << 30,
                         .build = "0.1.0 (test)",
                         .remove_files = [this](const std::string& path) { removed_.push_back(path); }},
                        *store_, clock_, random_);
    ASSERT_TRUE(service.ok()) << service.status();
    service_ = *std::move(service);
  }
  // As after kill -9: nothing is closed cleanly. Workers must connect again.
  void Restart() {
    service_.reset();
    store_.reset();
    Start();
  }

  Hello MakeHello(const std::string& id, std::vector<core::Slot> slots, std::vector<Held> held = {}) const {
    return {.protocol_version = kProtocolVersion,
            .build = "0.1.0 (worker)",
            .worker_id = id,
            .hostname = "host-" + id,
            .slots = std::move(slots),
            .held = std::move(held),
            .draining = false};
  }
  FakeWorker Connect(const Hello& hello) {
    FakeWorker worker{.id = hello.worker_id, .session = 0, .connection = std::make_shared<FakeConnection>()};
    const auto session = service_->Connect(hello, worker.connection);
    EXPECT_TRUE(session.ok()) << session.status();
    if (session.ok()) worker.session = *session;
    return worker;
  }
  FakeWorker Connect(const std::string& id, std::int64_t slots, std::vector<Held> held = {}) {
    return Connect(MakeHello(id, CpuSlots(slots), std::move(held)));
  }
  // With the connection gone, as far as the coordinator knows.
  void Disconnect(const FakeWorker& worker) { EXPECT_TRUE(service_->Disconnect(worker.session).ok()); }

  Submitted Submit(const spec::Sweep& sweep) {
    auto submitted = service_->Submit(sweep);
    EXPECT_TRUE(submitted.ok()) << submitted.status();
    return submitted.ok() ? *submitted : Submitted{};
  }

  // Time goes by in steps of a second, as a composer ticks.
  void Pass(Duration time) {
    for (Duration step; time > Duration::zero(); time -= step) {
      step = std::min<Duration>(time, seconds(1));
      clock_.Advance(step);
      ASSERT_TRUE(service_->Tick().ok());
    }
  }
  void PassRenewing(const FakeWorker& worker, const Grant& grant, Duration time) {
    for (; time > Duration::zero(); time -= seconds(10)) {
      Pass(seconds(10));
      Renew(worker, grant);
    }
  }
  Renewed Renew(const FakeWorker& worker, const Grant& grant) {
    const service::Renew renew{.nonce = ++nonce_, .leases = {{grant.attempt.id, grant.attempt.token}}};
    EXPECT_TRUE(service_->HandleRenew(worker.session, renew).ok());
    const auto all = worker.connection->All<Renewed>();
    return all.empty() ? Renewed{} : all.back();
  }

  // Events numbered from `first`.
  static Report MakeReport(const Grant& grant, std::int64_t first, std::vector<Event> events) {
    Report report{.attempt_id = grant.attempt.id, .token = grant.attempt.token, .events = {}};
    for (Event& event : events) report.events.emplace_back(first++, std::move(event));
    return report;
  }
  Status Send(const FakeWorker& worker, const Grant& grant, std::int64_t first, std::vector<Event> events) {
    return service_->HandleReport(worker.session, MakeReport(grant, first, std::move(events)));
  }
  static std::vector<Event> WholeRun() {
    return {MakeStarted(), store::MakePrediction("test", "d1", 0.4), MakeScores(1)};
  }
  void Close(const FakeWorker& worker, const Grant& grant) {
    EXPECT_TRUE(service_->HandleClosed(worker.session, {grant.attempt.id, grant.attempt.token}).ok());
  }
  void Succeed(const FakeWorker& worker, const Grant& grant) {
    ASSERT_TRUE(Send(worker, grant, 1, WholeRun()).ok());
    Close(worker, grant);
  }
  std::string WaitingOf(const std::string& trial) { return service_->GetTrial(trial)->waiting; }

  core::Trial TrialOf(const Grant& grant) {
    const auto view = service_->GetTrial(grant.attempt.trial_id);
    EXPECT_TRUE(view.ok()) << view.status();
    return view.ok() ? view->trial : core::Trial{};
  }
  std::string StateOf(const Grant& grant) { return core::Name(TrialOf(grant).state); }
  // Of the attempt, as the database has it.
  std::string AttemptState(const Grant& grant) {
    return One("SELECT state FROM attempts WHERE id = '" + grant.attempt.id + "'");
  }
  SweepView View(const std::string& sweep) {
    const auto view = service_->GetSweep(sweep);
    EXPECT_TRUE(view.ok()) << view.status();
    return view.ok() ? *view : SweepView{};
  }
  std::string One(const std::string& sql) { return store::One(store_->path(), sql); }

  store::Folder folder_;
  FakeClock clock_;
  SeededRandom random_{7};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Service> service_;
  std::int64_t nonce_ = 0;
  std::vector<std::string> removed_;     // paths of artifacts whose files are to go
  std::int64_t free_bytes_ = 1LL << 40;  // of the data folder's disk
};

}  // namespace lorikeet::service
