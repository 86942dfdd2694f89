// The carrier against a coordinator in this process, on a real port.
#include "worker/agent/carrier.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>

#include "absl/time/clock.h"
#include "common/files.h"
#include "common/rpc/channel.h"
#include "common/rpc/transfer.h"
#include "lorikeet/v1/artifacts.grpc.pb.h"
#include "tests/worker/agent/fakes.h"

namespace lorikeet::agent {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::IsEmpty;

// Keeps what comes; answers as a test says. Thread-safe.
class FakeArtifactService : public v1::ArtifactService::Service {
 public:
  struct Received {
    v1::UploadBegin begin;
    std::string bytes, authorization;
  };
  FakeArtifactService() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
  }
  ~FakeArtifactService() override { server_->Shutdown(std::chrono::system_clock::now()); }
  const std::string& address() const { return address_; }

  std::vector<Received> uploads() {
    absl::MutexLock lock(&mutex_);
    return uploads_;
  }
  // The next calls, one each; then OK.
  void Answer(std::vector<grpc::Status> answers) {
    absl::MutexLock lock(&mutex_);
    answers_ = std::move(answers);
  }
  // What a download gives.
  void Offer(const v1::DownloadBegin& begin, const std::string& bytes) {
    absl::MutexLock lock(&mutex_);
    offered_ = begin;
    offered_bytes_ = bytes;
  }
  v1::DownloadRequest asked() {
    absl::MutexLock lock(&mutex_);
    return asked_;
  }
  int calls() {
    absl::MutexLock lock(&mutex_);
    return calls_;
  }

 private:
  grpc::Status Next() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ++calls_;
    if (answers_.empty()) return grpc::Status::OK;
    const grpc::Status answer = answers_.front();
    answers_.erase(answers_.begin());
    return answer;
  }
  grpc::Status Upload(grpc::ServerContext* context, grpc::ServerReader<v1::UploadMessage>* reader,
                      v1::UploadResponse*) override {
    Received upload;
    const auto token = context->client_metadata().find("authorization");
    if (token != context->client_metadata().end())
      upload.authorization = {token->second.data(), token->second.size()};
    v1::UploadMessage message;
    while (reader->Read(&message)) {
      if (message.has_begin()) upload.begin = message.begin();
      upload.bytes += message.chunk();
    }
    absl::MutexLock lock(&mutex_);
    uploads_.push_back(upload);
    return Next();
  }
  grpc::Status Download(grpc::ServerContext*, const v1::DownloadRequest* request,
                        grpc::ServerWriter<v1::DownloadMessage>* writer) override {
    v1::DownloadMessage message;
    std::string bytes;
    {
      absl::MutexLock lock(&mutex_);
      asked_ = *request;
      if (const grpc::Status answer = Next(); !answer.ok()) return answer;
      *message.mutable_begin() = offered_;
      bytes = offered_bytes_;
    }
    writer->Write(message);
    for (std::size_t at = 0; at < bytes.size(); at += 1000) {
      message.set_chunk(bytes.substr(at, 1000));
      writer->Write(message);
    }
    return grpc::Status::OK;
  }

  std::string address_;
  std::unique_ptr<grpc::Server> server_;
  absl::Mutex mutex_;
  std::vector<Received> uploads_ ABSL_GUARDED_BY(mutex_);
  std::vector<grpc::Status> answers_ ABSL_GUARDED_BY(mutex_);
  v1::DownloadBegin offered_ ABSL_GUARDED_BY(mutex_);
  std::string offered_bytes_ ABSL_GUARDED_BY(mutex_);
  v1::DownloadRequest asked_ ABSL_GUARDED_BY(mutex_);
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Stands still until a test moves it. Thread-safe.
class HeldClock : public Clock {
 public:
  SteadyTime Steady() const override {
    absl::MutexLock lock(&mutex_);
    return clock_.Steady();
  }
  WallTime Wall() const override { return RealClock().Wall(); }
  void Advance(Duration by) {
    absl::MutexLock lock(&mutex_);
    clock_.Advance(by);
  }

 private:
  mutable absl::Mutex mutex_;
  FakeClock clock_ ABSL_GUARDED_BY(mutex_);
};

struct Heard : public ArtifactListener {
  void OnAdapterSent(const std::string& attempt_id, const Status& status) override {
    adapters.emplace_back(attempt_id, status);
  }
  void OnCheckpointFetched(const std::string& attempt_id, const Status& status) override {
    fetched.emplace_back(attempt_id, status);
  }
  std::vector<std::pair<std::string, Status>> adapters, fetched;
};

class CarrierTest : public testing::Test {
 protected:
  void SetUp() override { Start(); }
  void Start(Clock& clock = RealClock()) {
    carrier_.reset();
    options_.channel = *rpc::OpenChannel(service_.address(), {});
    options_.address = service_.address();
    options_.token = [] { return "secret"; };
    options_.worker_id = "w-1";
    options_.first_wait = milliseconds(20);
    carrier_ = *Carrier::Create(options_, clock);
  }
  ArtifactOf Of(std::int64_t token = 1, std::int64_t step = 10, const std::string& attempt = "a-1") const {
    return {
        .trial_id = "t-1", .attempt_id = attempt, .token = token, .step = step, .trial_folder = temp_.path()};
  }
  // Whose checkpoint is sent now: that of this new attempt, unless another's is due.
  std::string Next(const std::string& attempt) {
    const std::size_t before = service_.uploads().size();
    carrier_->SendCheckpoint(Of(1, 10, attempt));
    EXPECT_TRUE(Eventually([&] { return service_.uploads().size() > before; }));
    const auto uploads = service_.uploads();
    return uploads.size() > before ? uploads[before].begin.attempt_id() : "nothing";
  }
  // Its token file is in trouble a few times.
  void BreakTokens() {
    options_.token = [tries = std::make_shared<std::atomic<int>>(0)]() -> StatusOr<std::string> {
      switch ((*tries)++) {
        case 0:
          return NotFound("no such file");
        case 1:
          return InvalidArgument("the token file is empty");
        case 2:
          return FailedPrecondition("others than its owner may read this token");
        default:
          return "secret";
      }
    };
  }
  void Put(const std::string& path, const std::string& bytes) const {
    fs::create_directories(fs::path(temp_.path() + "/" + path).parent_path());
    std::ofstream(temp_.path() + "/" + path, std::ios::binary) << bytes;
  }
  template <typename Condition>
  bool Eventually(const Condition& condition) {
    for (int i = 0; i < 1000; ++i) {
      carrier_->Step(heard_);
      if (condition()) return true;
      pollfd wake{carrier_->wake_file(), POLLIN, 0};
      poll(&wake, 1, 10);
    }
    return false;
  }
  v1::DownloadBegin Offered(const std::vector<std::pair<std::string, std::string>>& files,
                            std::int64_t token = 1) {
    v1::DownloadBegin begin;
    begin.set_kind("checkpoint");
    begin.set_token(token);
    std::string all;
    for (const auto& [name, bytes] : files) {
      Sha256 hash;
      hash.Add(bytes);
      v1::ArtifactFile& file = *begin.add_files();
      file.set_name(name);
      file.set_bytes(static_cast<std::int64_t>(bytes.size()));
      file.set_sha256(hash.Hex());
      all += bytes;
    }
    service_.Offer(begin, all);
    return begin;
  }
  Status Fetched() {
    carrier_->FetchCheckpoint(Of(2));
    EXPECT_TRUE(Eventually([&] { return !heard_.fetched.empty(); }));
    const Status status =
        heard_.fetched.empty() ? absl::UnknownError("nothing") : heard_.fetched.back().second;
    heard_.fetched.clear();
    return status;
  }
  std::vector<std::string> Checkpoints() const {
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(temp_.path() + "/checkpoint", none))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

  TempFolder temp_;
  FakeArtifactService service_;
  CarrierOptions options_;
  Heard heard_;
  std::unique_ptr<Carrier> carrier_;
};

TEST_F(CarrierTest, SendsACheckpoint) {
  const std::string state(rpc::kChunkBytes + 3, 's');
  Put("checkpoint/state-1.safetensors", state);
  Put("checkpoint/best-1-5.safetensors", "best");
  carrier_->SendCheckpoint(Of());
  ASSERT_TRUE(Eventually([&] { return service_.uploads().size() == 1; }));
  const auto upload = service_.uploads()[0];
  EXPECT_EQ(upload.authorization, "Bearer secret");
  EXPECT_EQ(upload.begin.trial_id(), "t-1");
  EXPECT_EQ(upload.begin.attempt_id(), "a-1");
  EXPECT_EQ(upload.begin.worker_id(), "w-1");
  EXPECT_EQ(upload.begin.kind(), "checkpoint");
  EXPECT_EQ(upload.begin.token(), 1);
  EXPECT_EQ(upload.begin.step(), 10);
  ASSERT_EQ(upload.begin.files_size(), 2);
  EXPECT_EQ(upload.begin.files(1).name(), "state-1.safetensors");
  EXPECT_EQ(upload.bytes, "best" + state);
}

TEST_F(CarrierTest, TheNextWaitsAndTheNewestWins) {
  HeldClock clock;
  options_.checkpoint_every = std::chrono::seconds(60);
  Start(clock);
  Put("checkpoint/state-1.safetensors", "s");
  EXPECT_EQ(Next("a-1"), "a-1");
  for (std::int64_t step = 20; step <= 50; step += 10) carrier_->SendCheckpoint(Of(1, step));
  EXPECT_EQ(Next("a-2"), "a-2") << "a-1's waits";
  clock.Advance(std::chrono::seconds(61));
  ASSERT_TRUE(Eventually([&] { return service_.uploads().size() == 3; }));
  EXPECT_EQ(service_.uploads()[2].begin.attempt_id(), "a-1");
  EXPECT_EQ(service_.uploads()[2].begin.step(), 50);
  clock.Advance(std::chrono::seconds(61));
  EXPECT_EQ(Next("a-3"), "a-3") << "there is nothing new";
  carrier_.reset();
}

TEST_F(CarrierTest, WhatCannotBeSentNowIsTriedAgain) {
  service_.Answer(
      {{grpc::StatusCode::RESOURCE_EXHAUSTED, "too many"}, {grpc::StatusCode::UNAVAILABLE, "away"}});
  Put("checkpoint/state-1.safetensors", "s");
  carrier_->SendCheckpoint(Of());
  EXPECT_TRUE(Eventually([&] { return service_.uploads().size() == 3; }));
}

TEST_F(CarrierTest, WhatIsRefusedIsNot) {
  options_.checkpoint_every = milliseconds(0);
  Start();
  service_.Answer({{grpc::StatusCode::ABORTED, "stale"}});
  Put("checkpoint/state-1.safetensors", "s");
  EXPECT_EQ(Next("a-1"), "a-1");
  EXPECT_EQ(Next("a-2"), "a-2");  // so the answer has come
  carrier_->SendCheckpoint(Of(1, 20));
  EXPECT_EQ(Next("a-3"), "a-3");
  EXPECT_EQ(Next("a-4"), "a-4");
}

TEST_F(CarrierTest, OneThatIsTooLargeIsNotTheLast) {
  options_.checkpoint_every = milliseconds(0);
  Start();
  service_.Answer({{grpc::StatusCode::INVALID_ARGUMENT, "the files have more than 7 bytes"}});
  Put("checkpoint/state-1.safetensors", "s");
  EXPECT_EQ(Next("a-1"), "a-1");
  EXPECT_EQ(Next("a-2"), "a-2") << "it is not tried again";
  carrier_->SendCheckpoint(Of(1, 20));
  ASSERT_TRUE(Eventually([&] { return service_.uploads().size() == 3; }));
  EXPECT_EQ(service_.uploads()[2].begin.step(), 20);
}

TEST_F(CarrierTest, WhatFailsOnThisHostIsNoRefusal) {
  BreakTokens();
  Start();
  Put("checkpoint/state-1.safetensors", "s");
  carrier_->SendCheckpoint(Of());
  EXPECT_TRUE(Eventually([&] { return service_.uploads().size() == 1; }));

  BreakTokens();
  Start();
  carrier_->SendAdapter(Of());  // there is none yet
  for (int i = 0; i < 10; ++i) {
    absl::SleepFor(absl::Milliseconds(10));
    carrier_->Step(heard_);
  }
  fs::create_directories(temp_.path() + "/kept");
  fs::create_symlink("nowhere", temp_.path() + "/kept/adapter_config.json");
  for (int i = 0; i < 10; ++i) {
    absl::SleepFor(absl::Milliseconds(10));
    carrier_->Step(heard_);
  }
  fs::remove(temp_.path() + "/kept/adapter_config.json");
  Put("kept/adapter_config.json", "{}");
  ASSERT_TRUE(Eventually([&] { return !heard_.adapters.empty(); }));
  EXPECT_TRUE(heard_.adapters[0].second.ok()) << heard_.adapters[0].second;

  BreakTokens();
  options_.fetch_tries = 1;
  Start();
  Offered({{"state-1.safetensors", "s"}});
  EXPECT_TRUE(Fetched().ok());
}

TEST_F(CarrierTest, AnOlderCoordinatorIsNoRefusal) {
  service_.Answer({{grpc::StatusCode::UNIMPLEMENTED, ""}});
  Put("kept/adapter_config.json", "{}");
  carrier_->SendAdapter(Of());
  ASSERT_TRUE(Eventually([&] { return !heard_.adapters.empty(); }));
  EXPECT_TRUE(heard_.adapters[0].second.ok()) << heard_.adapters[0].second;
}

TEST_F(CarrierTest, AForgottenAttemptIsNotTriedAgain) {
  HeldClock clock;
  Start(clock);
  service_.Answer({{grpc::StatusCode::UNAVAILABLE, "away"}});
  Put("checkpoint/state-1.safetensors", "s");
  EXPECT_EQ(Next("a-1"), "a-1");
  carrier_->Forget("a-1");
  clock.Advance(std::chrono::hours(1));
  for (const char* attempt : {"a-2", "a-3", "a-4"}) EXPECT_EQ(Next(attempt), attempt);
  carrier_.reset();
}

TEST_F(CarrierTest, AnAdapterIsSentUntilItIsThere) {
  service_.Answer({{grpc::StatusCode::UNAVAILABLE, "away"}});
  Put("kept/adapter_config.json", "{}");
  Put("kept/adapter_model.safetensors", "weights");
  carrier_->SendAdapter(Of());
  ASSERT_TRUE(Eventually([&] { return !heard_.adapters.empty(); }));
  EXPECT_TRUE(heard_.adapters[0].second.ok());
  ASSERT_EQ(service_.uploads().size(), 2U);
  EXPECT_EQ(service_.uploads()[1].begin.kind(), "adapter");
  EXPECT_EQ(service_.uploads()[1].bytes, "{}weights");
}

TEST_F(CarrierTest, ARefusedAdapterIsTold) {
  service_.Answer({{grpc::StatusCode::INVALID_ARGUMENT, "too large"}});
  Put("kept/adapter_config.json", "{}");
  carrier_->SendAdapter(Of());
  ASSERT_TRUE(Eventually([&] { return !heard_.adapters.empty(); }));
  EXPECT_THAT(Message(heard_.adapters[0].second), HasSubstr("too large"));
}

TEST_F(CarrierTest, FetchesACheckpoint) {
  const std::string state(5000, 's');
  Offered({{"best-1-5.safetensors", "best"}, {"state-1.safetensors", state}});
  ASSERT_TRUE(Fetched().ok());
  EXPECT_EQ(service_.asked().trial(), "t-1");
  EXPECT_EQ(service_.asked().attempt_id(), "a-1");
  EXPECT_EQ(service_.asked().token(), 2);
  EXPECT_EQ(service_.asked().worker_id(), "w-1");
  EXPECT_EQ(*ReadFile(temp_.path() + "/checkpoint/state-1.safetensors"), state);
  EXPECT_EQ(*ReadFile(temp_.path() + "/checkpoint/best-1-5.safetensors"), "best");
  EXPECT_FALSE(fs::exists(temp_.path() + "/fetched"));
}

TEST_F(CarrierTest, AFetchIsTriedAgainAndThenGivenUp) {
  Offered({{"state-1.safetensors", "s"}});
  service_.Answer({{grpc::StatusCode::INTERNAL, "broken"}});
  EXPECT_TRUE(Fetched().ok());
  EXPECT_EQ(service_.calls(), 2);
  service_.Answer(std::vector<grpc::Status>(100, {grpc::StatusCode::INTERNAL, "broken"}));
  EXPECT_TRUE(absl::IsInternal(Fetched()));
  EXPECT_EQ(service_.calls(), 2 + options_.fetch_tries);
  service_.Answer({{grpc::StatusCode::NOT_FOUND, "none"}});
  EXPECT_TRUE(absl::IsNotFound(Fetched()));
  EXPECT_EQ(service_.calls(), 3 + options_.fetch_tries);
}

TEST_F(CarrierTest, AFetchWaitsForSomeTimeForACoordinatorThatIsAwayOrBusy) {
  HeldClock clock;
  options_.longest_wait = milliseconds(20);
  Start(clock);
  Offered({{"state-1.safetensors", "s"}});
  std::vector<grpc::Status> answers(10, {grpc::StatusCode::UNAVAILABLE, "away"});
  answers.resize(1000, {grpc::StatusCode::RESOURCE_EXHAUSTED, "too many downloads"});
  service_.Answer(answers);
  carrier_->FetchCheckpoint(Of(2));
  ASSERT_TRUE(Eventually([&] { return service_.calls() > 12; }));
  EXPECT_TRUE(heard_.fetched.empty());
  clock.Advance(options_.fetch_patience);
  ASSERT_TRUE(Eventually([&] { return !heard_.fetched.empty(); }));
  EXPECT_TRUE(absl::IsUnavailable(heard_.fetched[0].second)) << heard_.fetched[0].second;
  carrier_.reset();
}

TEST_F(CarrierTest, AFetchEndsWhereNobodyWaitsForIt) {
  options_.first_wait = options_.longest_wait = std::chrono::hours(1);
  Start();
  service_.Answer({{grpc::StatusCode::UNAVAILABLE, "away"}});
  Offered({{"state-1.safetensors", "s"}});
  carrier_->FetchCheckpoint(Of(2));
  carrier_->FetchCheckpoint(Of(2, 0, "a-2"));
  carrier_->FetchCheckpoint(Of(2, 0, "a-3"));
  ASSERT_TRUE(Eventually([&] { return service_.calls() == 1; }));
  carrier_->Forget("a-2");
  carrier_->Forget("a-1");
  ASSERT_TRUE(Eventually([&] { return heard_.fetched.size() == 3; }));
  EXPECT_EQ(heard_.fetched[0].first, "a-2");
  EXPECT_TRUE(absl::IsCancelled(heard_.fetched[0].second));
  EXPECT_EQ(heard_.fetched[1].first, "a-1");
  EXPECT_TRUE(absl::IsCancelled(heard_.fetched[1].second));
  EXPECT_TRUE(heard_.fetched[2].second.ok()) << heard_.fetched[2].second;
}

TEST_F(CarrierTest, WhatIsNotWhatWasSaidIsNotPutInPlace) {
  options_.fetch_tries = 1;
  Start();
  v1::DownloadBegin begin = Offered({{"state-1.safetensors", "right"}});
  service_.Offer(begin, "wrong");
  EXPECT_EQ(Fetched().code(), absl::StatusCode::kDataLoss);
  service_.Offer(begin, "rig");
  EXPECT_FALSE(Fetched().ok());
  service_.Offer(begin, "right and more");
  EXPECT_FALSE(Fetched().ok());
  Offered({{"../state-1.safetensors", "s"}});
  EXPECT_FALSE(Fetched().ok());
  Offered({{"state-1.safetensors", "s"}, {"libevil.so", "s"}});
  EXPECT_FALSE(Fetched().ok());
  Offered({{"state-2.safetensors", "s"}}, 2);
  EXPECT_FALSE(Fetched().ok()) << "of the very attempt that asks";
  EXPECT_THAT(Checkpoints(), IsEmpty());
  EXPECT_FALSE(fs::exists(temp_.path() + "/fetched"));
  EXPECT_FALSE(fs::exists(temp_.path() + "/state-1.safetensors"));
}

TEST_F(CarrierTest, EndsInTheMiddleOfAnUpload) {
  options_.bytes_per_second = 1000;  // a chunk takes minutes
  Start();
  Put("checkpoint/state-1.safetensors", std::string(4 * rpc::kChunkBytes, 's'));
  carrier_->SendCheckpoint(Of());
  absl::SleepFor(absl::Milliseconds(400));
  const auto start = std::chrono::steady_clock::now();
  carrier_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  Start();
}

}  // namespace
}  // namespace lorikeet::agent
