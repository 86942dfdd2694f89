#include "coordinator/service/request_queue.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include "tests/coordinator/service/fixture.h"

namespace lorikeet::service {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using Code = absl::StatusCode;
using Kind = Request::Kind;

class RequestQueueTest : public ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    queue_ = std::make_unique<RequestQueue>(*service_, clock_);
    Submit(MakeSweep("demo", 1, 2));
    worker_ = Connect("w", 2);
    grants_ = worker_.Grants();
    ASSERT_EQ(grants_.size(), 2U);
  }

  void Ask(const std::string& name, Kind kind, std::function<Status(Service&)> work) {
    queue_->Add({.kind = kind,
                 .work = std::move(work),
                 .done = [this, name](const Status& status) { done_.emplace_back(name, status.code()); },
                 .posted = clock_.Steady()});
  }
  void AskReport(const std::string& name, std::size_t grant) {
    Ask(name, Kind::kWorker, [this, grant](Service& service) {
      return service.HandleReport(worker_.session, MakeReport(grants_[grant], 1, WholeRun()));
    });
  }
  void AskCancel(const std::string& name) {
    Ask(name, Kind::kChange, [](Service& service) { return service.Cancel("demo", "").status(); });
  }
  void AskLook(const std::string& name) {
    Ask(name, Kind::kLook, [](Service& service) { return service.GetSweep("demo").status(); });
  }
  void Turn() { ASSERT_TRUE(queue_->RunTurn(clock_.Steady()).ok()); }
  // As somebody does in a shell, who then goes for lunch.
  void Lock() {
    other_ = std::make_unique<SQLite::Database>(store_->path(), SQLite::OPEN_READWRITE);
    other_->exec("BEGIN IMMEDIATE");
  }
  void Unlock() { other_.reset(); }

  std::unique_ptr<RequestQueue> queue_;
  FakeWorker worker_;
  std::vector<Grant> grants_;
  std::vector<std::pair<std::string, Code>> done_;
  std::unique_ptr<SQLite::Database> other_;
};

TEST_F(RequestQueueTest, NobodyIsAnsweredBeforeTheCommitOfAll) {
  AskReport("one", 0);
  Ask("between", Kind::kWorker, [this](Service&) {
    EXPECT_EQ(worker_.Acks(), 0U);
    EXPECT_EQ(One("SELECT count(*) FROM results"), "0");
    return absl::OkStatus();
  });
  AskReport("two", 1);
  EXPECT_EQ(worker_.Acks(), 0U);
  Turn();
  EXPECT_EQ(worker_.Acks(), 2U);
  EXPECT_EQ(One("SELECT count(*) FROM results"), "2");
  EXPECT_THAT(done_, ElementsAre(Pair("one", Code::kOk), Pair("between", Code::kOk), Pair("two", Code::kOk)));
}

TEST_F(RequestQueueTest, WhatIsRefusedTakesOnlyItself) {
  AskReport("one", 0);
  Ask("too early", Kind::kChange, [this](Service& service) {  // in the middle of its transaction
    core::Artifact adapter;
    adapter.kind = core::ArtifactKind::kAdapter;
    adapter.trial_id = grants_[1].attempt.trial_id;
    adapter.attempt_id = grants_[1].attempt.id;
    adapter.token = grants_[1].attempt.token;
    return service.KeepArtifact(adapter, grants_[1].attempt.worker_id);
  });
  AskReport("two", 1);
  Turn();
  EXPECT_THAT(done_, ElementsAre(Pair("one", Code::kOk), Pair("too early", Code::kFailedPrecondition),
                                 Pair("two", Code::kOk)));
  EXPECT_EQ(One("SELECT count(*) FROM results"), "2");
}

TEST_F(RequestQueueTest, ALockedDatabaseKeepsChangesWaitingAndAnswersQuestions) {
  Lock();
  AskReport("report", 0);
  AskReport("behind", 1);
  AskLook("look");
  Turn();
  EXPECT_THAT(done_, ElementsAre(Pair("look", Code::kOk)));
  EXPECT_FALSE(queue_->busy());
  Unlock();
  Turn();
  EXPECT_THAT(done_,
              ElementsAre(Pair("look", Code::kOk), Pair("report", Code::kOk), Pair("behind", Code::kOk)));
}

TEST_F(RequestQueueTest, AClientDoesNotWaitForALockForEver) {
  Lock();
  AskReport("report", 0);
  AskCancel("cancel");
  Turn();
  clock_.Advance(seconds(9));
  Turn();
  EXPECT_THAT(done_, IsEmpty());
  clock_.Advance(seconds(2));
  Turn();
  EXPECT_THAT(done_, ElementsAre(Pair("cancel", Code::kUnavailable)));
  Unlock();
  Turn();
  EXPECT_EQ(One("SELECT count(*) FROM results"), "1");
  EXPECT_EQ(View("demo").cancelled, 0);
}

TEST_F(RequestQueueTest, NoLeaseEndsBeforeWhatCameInItsTimeHasBeenHeard) {
  Lock();
  AskReport("report", 0);
  for (int i = 0; i < 200; ++i) {
    clock_.Advance(seconds(1));
    Turn();
  }
  Unlock();
  Turn();
  EXPECT_EQ(AttemptState(grants_[0]), "succeeded");
  EXPECT_EQ(AttemptState(grants_[1]), "granted") << "the coordinator had not listened either";
}

TEST_F(RequestQueueTest, ALeaseThatRanOutAfterTheOldestRequestGoesOn) {
  service_->Tick().IgnoreError();
  clock_.Advance(seconds(1));
  const SteadyTime heard = clock_.Steady();
  for (int i = 0; i < 90; ++i) {
    clock_.Advance(seconds(1));
    ASSERT_TRUE(service_->Tick(heard).ok());
  }
  EXPECT_EQ(AttemptState(grants_[0]), "granted");
  ASSERT_TRUE(service_->Tick().ok());
  EXPECT_EQ(AttemptState(grants_[0]), "lost");
}

TEST_F(RequestQueueTest, WhatIsLeftAtTheEndIsRefused) {
  AskReport("report", 0);
  AskLook("look");
  queue_->Refuse(Unavailable("stopping"));
  EXPECT_THAT(done_, ElementsAre(Pair("report", Code::kUnavailable), Pair("look", Code::kUnavailable)));
  EXPECT_FALSE(queue_->busy());
}

}  // namespace
}  // namespace lorikeet::service
