// Files of trials: who may hand them in, which count, and when they go.
#include "tests/coordinator/service/fixture.h"

namespace lorikeet::service {
namespace {

using core::ArtifactKind;
using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ArtifactsTest : public ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    worker_ = Connect("w-1", 1);
    spec::Sweep sweep = MakeSweep("tiny", 1, 1);
    sweep.configurations.erase(sweep.configurations.begin());  // lora alone
    sweep.configurations[0].baseline = true;
    sweep.baseline = sweep.configurations[0].name;
    sweep.keep = {.checkpoints = hours(24), .artifacts = hours(48), .logs = hours(72)};
    Submit(sweep);
    ASSERT_EQ(worker_.Grants().size(), 1U);
    grant_ = worker_.Grants()[0];
  }

  static core::Artifact Of(const Grant& grant, ArtifactKind kind, std::int64_t step) {
    return {.trial_id = grant.attempt.trial_id,
            .attempt_id = grant.attempt.id,
            .kind = kind,
            .token = grant.attempt.token,
            .step = step,
            .path = {},
            .files = {{"state-1.safetensors", 1000, std::string(64, 'a')}},
            .created_at = {}};
  }
  Status Hand(core::Artifact artifact, const std::string& worker = "w-1") {
    auto path = service_->OfferArtifact(artifact, worker, 0);
    RETURN_IF_ERROR(path.status());
    artifact.path = *path;
    return service_->KeepArtifact(artifact, worker);
  }
  std::string Paths() {
    return One("SELECT coalesce(group_concat(kind || ' ' || step, ', '), '') FROM artifacts");
  }

  FakeWorker worker_;
  Grant grant_;
};

TEST_F(ArtifactsTest, ACheckpointGoesWithTheNextGrant) {
  EXPECT_FALSE(grant_.checkpoint.has_value());
  ASSERT_TRUE(Send(worker_, grant_, 1, {MakeStarted(), CheckpointSaved{20}}).ok());
  ASSERT_TRUE(Hand(Of(grant_, ArtifactKind::kCheckpoint, 20)).ok());
  EXPECT_EQ(Paths(), "checkpoint 20");
  const FakeWorker other = Connect("w-2", 1);
  Disconnect(worker_);
  Pass(seconds(200));
  ASSERT_EQ(other.Grants().size(), 1U);
  const Grant again = other.Grants()[0];
  ASSERT_TRUE(again.checkpoint.has_value());
  EXPECT_EQ(again.checkpoint->token, grant_.attempt.token);
  EXPECT_EQ(again.checkpoint->step, 20);
  EXPECT_EQ(again.checkpoint->bytes, 1000);
  // The new holder may have it, the old one may neither have nor bring any.
  const Lease lease{again.attempt.id, again.attempt.token};
  const auto found = service_->FindCheckpoint(again.attempt.trial_id, lease, "w-2");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->artifact.step, 20);
  EXPECT_TRUE(absl::IsAborted(service_->FindCheckpoint(again.attempt.trial_id, lease, "w-1").status()));
  EXPECT_TRUE(absl::IsAborted(Hand(Of(grant_, ArtifactKind::kCheckpoint, 30))));
  EXPECT_EQ(Paths(), "checkpoint 20");
}

TEST_F(ArtifactsTest, OnlyTheHolderHandsIn) {
  core::Artifact artifact = Of(grant_, ArtifactKind::kCheckpoint, 5);
  EXPECT_TRUE(absl::IsAborted(Hand(artifact, "w-9")));
  artifact.token += 1;
  EXPECT_TRUE(absl::IsAborted(Hand(artifact)));
  artifact = Of(grant_, ArtifactKind::kCheckpoint, 5);
  artifact.attempt_id = "a-9";
  EXPECT_TRUE(absl::IsAborted(Hand(artifact)));
  artifact.trial_id = "t-9";
  EXPECT_TRUE(absl::IsNotFound(Hand(artifact)));
  EXPECT_TRUE(absl::IsFailedPrecondition(Hand(Of(grant_, ArtifactKind::kAdapter, 5))))
      << "it has no result yet";
  EXPECT_EQ(Paths(), "");
}

// Offered in time, and superseded before its last byte came.
TEST_F(ArtifactsTest, TheFenceIsLookedAtAgainWhenTheRowIsWritten) {
  core::Artifact artifact = Of(grant_, ArtifactKind::kCheckpoint, 5);
  artifact.path = *service_->OfferArtifact(artifact, "w-1", 0);
  ASSERT_TRUE(service_->Cancel("tiny", "").ok());
  EXPECT_FALSE(service_->KeepArtifact(artifact, "w-1").ok());
  EXPECT_EQ(Paths(), "");
}

TEST_F(ArtifactsTest, EachPathIsAnother) {
  const core::Artifact artifact = Of(grant_, ArtifactKind::kCheckpoint, 5);
  EXPECT_NE(*service_->OfferArtifact(artifact, "w-1", 0), *service_->OfferArtifact(artifact, "w-1", 0));
}

TEST_F(ArtifactsTest, ANewerOneTakesTheOldersPlaceOnceItIsCommitted) {
  ASSERT_TRUE(Hand(Of(grant_, ArtifactKind::kCheckpoint, 5)).ok());
  const std::string first = One("SELECT path FROM artifacts");
  EXPECT_THAT(removed_, IsEmpty());
  ASSERT_TRUE(Hand(Of(grant_, ArtifactKind::kCheckpoint, 9)).ok());
  EXPECT_THAT(removed_, ElementsAre(first));
  EXPECT_EQ(Paths(), "checkpoint 9");
}

TEST_F(ArtifactsTest, TheDisksReserveStays) {
  free_bytes_ = (2LL << 30) + 1500;
  const core::Artifact artifact = Of(grant_, ArtifactKind::kCheckpoint, 5);
  EXPECT_TRUE(service_->OfferArtifact(artifact, "w-1", 500).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(service_->OfferArtifact(artifact, "w-1", 501).status()));
}

TEST_F(ArtifactsTest, AResultEndsTheCheckpointAndBringsTheAdapter) {
  ASSERT_TRUE(Hand(Of(grant_, ArtifactKind::kCheckpoint, 5)).ok());
  EXPECT_THAT(Message(service_->FindAdapter("lora rank=1 seed=1").status()),
              HasSubstr("comes with its result"));
  Succeed(worker_, grant_);
  EXPECT_EQ(Paths(), "");
  EXPECT_EQ(removed_.size(), 1U);
  EXPECT_TRUE(absl::IsFailedPrecondition(Hand(Of(grant_, ArtifactKind::kCheckpoint, 6))))
      << "its trial is over";
  EXPECT_THAT(Message(service_->FindAdapter("lora rank=1 seed=1").status()),
              HasSubstr("has not sent it yet"));
  ASSERT_TRUE(Hand(Of(grant_, ArtifactKind::kAdapter, 10)).ok());
  const auto found = service_->FindAdapter("lora rank=1 seed=1");
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->artifact.step, 10);
  EXPECT_EQ(found->trial_name, "lora rank=1 seed=1");
  EXPECT_EQ(One("SELECT count(*) FROM events WHERE kind = 'adapter'"), "1");
  Restart();
  EXPECT_TRUE(service_->FindAdapter(grant_.attempt.trial_id).ok());
}

TEST_F(ArtifactsTest, ACancelEndsTheCheckpoint) {
  ASSERT_TRUE(Hand(Of(grant_, ArtifactKind::kCheckpoint, 5)).ok());
  ASSERT_TRUE(service_->Cancel("tiny", "").ok());
  EXPECT_EQ(Paths(), "");
  EXPECT_EQ(removed_.size(), 1U);
}

TEST_F(ArtifactsTest, AFailureThatARetryMayMendKeepsTheCheckpoint) {
  ASSERT_TRUE(Hand(Of(grant_, ArtifactKind::kCheckpoint, 5)).ok());
  Grant grant = grant_;
  for (int tries = 1;; ++tries) {
    ASSERT_TRUE(Send(worker_, grant, 1, {MakeStarted(), Failed{"crashed", "signal 9"}}).ok());
    Close(worker_, grant);
    if (tries == 3) break;
    Pass(seconds(100));
    grant = worker_.Grants().back();
  }
  EXPECT_EQ(StateOf(grant_), "failed");
  EXPECT_EQ(Paths(), "checkpoint 5");
  ASSERT_TRUE(service_->Retry("tiny").ok());
  ASSERT_TRUE(service_->Tick().ok());
  EXPECT_EQ(worker_.Grants().back().checkpoint->step, 5);
}

TEST_F(ArtifactsTest, AFailureThatIsTheSameEachTimeDoesNot) {
  ASSERT_TRUE(Hand(Of(grant_, ArtifactKind::kCheckpoint, 5)).ok());
  ASSERT_TRUE(Send(worker_, grant_, 1, {MakeStarted(), Failed{"diverged", "a loss that is no number"}}).ok());
  EXPECT_EQ(StateOf(grant_), "failed");
  EXPECT_EQ(Paths(), "");
}

TEST_F(ArtifactsTest, PruneTakesWhatIsOverAfterTheSweepsEnd) {
  ASSERT_TRUE(Send(worker_, grant_, 1, {MakeStarted(), Log{"info", "hello"}}).ok());
  ASSERT_TRUE(Send(worker_, grant_, 3, {store::MakePrediction("test", "d1", 0.4), MakeScores(1)}).ok());
  ASSERT_TRUE(Hand(Of(grant_, ArtifactKind::kAdapter, 10)).ok());
  EXPECT_THAT(*service_->Prune("", false), IsEmpty()) << "its time has not come";
  clock_.Advance(hours(49));
  const auto planned = service_->Prune("tiny", true);
  ASSERT_TRUE(planned.ok()) << planned.status();
  ASSERT_EQ(planned->size(), 1U);
  EXPECT_EQ((*planned)[0].adapters, 1);
  EXPECT_EQ((*planned)[0].adapter_bytes, 1000);
  EXPECT_EQ((*planned)[0].log_lines, 0);
  EXPECT_EQ(Paths(), "adapter 10") << "a dry run removes nothing";
  const std::string path = One("SELECT path FROM artifacts");
  EXPECT_EQ(service_->Prune("", false)->size(), 1U);
  EXPECT_EQ(Paths(), "");
  EXPECT_THAT(removed_, ElementsAre(path));
  EXPECT_THAT(*service_->Prune("", false), IsEmpty()) << "there is nothing left";
  clock_.Advance(hours(30));
  EXPECT_EQ((*service_->Prune("", false))[0].log_lines, 1);
  EXPECT_EQ(One("SELECT count(*) FROM events WHERE kind = 'log'"), "0");
  EXPECT_TRUE(absl::IsNotFound(service_->Prune("tinny", true).status()));
}

TEST_F(ArtifactsTest, PruneLeavesASweepThatRuns) {
  ASSERT_TRUE(Hand(Of(grant_, ArtifactKind::kCheckpoint, 5)).ok());
  clock_.Advance(hours(1000));
  EXPECT_THAT(*service_->Prune("", false), IsEmpty());
  EXPECT_EQ(Paths(), "checkpoint 5");
}

TEST_F(ArtifactsTest, FullFineTuningSaysWhereItsModelIs) {
  Succeed(worker_, grant_);
  Submit(MakeSweep("full", 0, 1));
  const Grant grant = worker_.Grants().back();
  Succeed(worker_, grant);
  EXPECT_THAT(Message(service_->FindAdapter("full seed=1").status()),
              ::testing::AllOf(HasSubstr("full fine-tuning"), HasSubstr("host-w-1")));
}

}  // namespace
}  // namespace lorikeet::service
