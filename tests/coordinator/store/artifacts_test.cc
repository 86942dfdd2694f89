// Rows of files that lie beside the database.
#include "tests/coordinator/store/fixture.h"

namespace lorikeet::store {
namespace {

using ::testing::Optional;

core::Artifact MakeArtifact(core::ArtifactKind kind, core::Token token, std::int64_t step,
                            const std::string& path) {
  return {.trial_id = "t-1",
          .attempt_id = "a-1",
          .kind = kind,
          .token = token,
          .step = step,
          .path = path,
          .files = {{"state-1.safetensors", 10, std::string(64, 'a')},
                    {"best-1-2.safetensors", 5, std::string(64, 'b')}},
          .created_at = At(5)};
}

class ArtifactsTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    Fill();
  }
  StatusOr<std::optional<std::string>> Put(const core::Artifact& artifact) {
    StatusOr<std::optional<std::string>> before = absl::UnknownError("not asked");
    const Status status = store_->Write([&](Transaction& transaction) -> Status {
      before = transaction.PutArtifact(artifact);
      return before.status();
    });
    if (!status.ok()) return status;
    return before;
  }
};

TEST_F(ArtifactsTest, ComeBackAsTheyWerePut) {
  const auto kind = core::ArtifactKind::kCheckpoint;
  const core::Artifact put = MakeArtifact(kind, 1, 20, "s-1/one");
  EXPECT_EQ(*Put(put), std::nullopt);
  Reopen();
  const auto found = store_->FindArtifact("t-1", kind);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_TRUE(found->has_value());
  const core::Artifact& artifact = **found;
  EXPECT_EQ(artifact.attempt_id, "a-1");
  EXPECT_EQ(artifact.token, 1);
  EXPECT_EQ(artifact.step, 20);
  EXPECT_EQ(artifact.path, "s-1/one");
  EXPECT_EQ(artifact.files, put.files);
  EXPECT_EQ(artifact.Bytes(), 15);
  EXPECT_EQ(artifact.created_at, At(5));
  EXPECT_EQ(*store_->FindArtifact("t-1", core::ArtifactKind::kAdapter), std::nullopt);
  EXPECT_EQ(*store_->FindArtifact("t-2", kind), std::nullopt);
  EXPECT_EQ(One("SELECT bytes FROM artifacts"), "15");
}

TEST_F(ArtifactsTest, TheNewestOfAKindStands) {
  const auto kind = core::ArtifactKind::kCheckpoint;
  ASSERT_TRUE(Put(MakeArtifact(kind, 1, 20, "s-1/one")).ok());
  EXPECT_THAT(*Put(MakeArtifact(kind, 1, 30, "s-1/two")), Optional(std::string("s-1/one")));
  // What was late.
  EXPECT_TRUE(absl::IsFailedPrecondition(Put(MakeArtifact(kind, 1, 25, "s-1/late")).status()));
  // A later attempt counts, however far it has come.
  EXPECT_THAT(*Put(MakeArtifact(kind, 2, 10, "s-1/three")), Optional(std::string("s-1/two")));
  EXPECT_TRUE(absl::IsFailedPrecondition(Put(MakeArtifact(kind, 1, 90, "s-1/stale")).status()));
  EXPECT_EQ(*Put(MakeArtifact(core::ArtifactKind::kAdapter, 2, 40, "s-1/adapter")), std::nullopt);
  EXPECT_THAT(*store_->ArtifactPaths(), ::testing::UnorderedElementsAre("s-1/three", "s-1/adapter"));
  const auto of_sweep = store_->ArtifactsOf("s-1");
  ASSERT_TRUE(of_sweep.ok()) << of_sweep.status();
  ASSERT_EQ(of_sweep->size(), 2U);
  EXPECT_EQ((*of_sweep)[0].path, "s-1/adapter");
  EXPECT_TRUE(store_->ArtifactsOf("s-2")->empty());
}

TEST_F(ArtifactsTest, RemovedOnesAreNamed) {
  const auto kind = core::ArtifactKind::kCheckpoint;
  ASSERT_TRUE(Put(MakeArtifact(kind, 1, 20, "s-1/one")).ok());
  std::optional<std::string> first, second;
  ASSERT_TRUE(store_
                  ->Write([&](Transaction& transaction) -> Status {
                    ASSIGN_OR_RETURN(first, transaction.RemoveArtifact("t-1", kind));
                    ASSIGN_OR_RETURN(second, transaction.RemoveArtifact("t-1", kind));
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_THAT(first, Optional(std::string("s-1/one")));
  EXPECT_EQ(second, std::nullopt);
  EXPECT_TRUE(store_->ArtifactPaths()->empty());
}

TEST_F(ArtifactsTest, AnAttemptThatIsNotThereHasNone) {
  core::Artifact artifact = MakeArtifact(core::ArtifactKind::kAdapter, 1, 1, "s-1/x");
  artifact.attempt_id = "a-9";
  EXPECT_TRUE(absl::IsNotFound(Put(artifact).status()));
}

TEST_F(ArtifactsTest, LogsGoAndTheHistoryStays) {
  ASSERT_TRUE(store_
                  ->Write([&](Transaction& transaction) -> Status {
                    for (const char* kind : {"log", "log", "checkpoint"}) {
                      RETURN_IF_ERROR(transaction.InsertEvent({.id = 0,
                                                               .time = At(1),
                                                               .sweep_id = "s-1",
                                                               .trial_id = "t-1",
                                                               .attempt_id = "a-1",
                                                               .worker_id = "w-1",
                                                               .kind = kind,
                                                               .message = "süß"}));
                    }
                    return absl::OkStatus();
                  })
                  .ok());
  const auto before = store_->LogsOf("s-1");
  ASSERT_TRUE(before.ok()) << before.status();
  EXPECT_EQ(before->lines, 2);
  EXPECT_EQ(before->bytes, 10) << "bytes, not characters";
  ASSERT_TRUE(store_->Write([](Transaction& transaction) { return transaction.RemoveLogs("s-1"); }).ok());
  EXPECT_EQ(store_->LogsOf("s-1")->lines, 0);
  EXPECT_EQ(One("SELECT count(*) FROM events WHERE kind = 'checkpoint'"), "1");
}

TEST_F(ArtifactsTest, ASweepKeepsWhatItSays) {
  core::Sweep sweep = MakeSweep("s-2", "other");
  sweep.fingerprint = "other";
  sweep.keep = {
      .checkpoints = std::chrono::hours(1), .artifacts = std::nullopt, .logs = std::chrono::milliseconds(0)};
  ASSERT_TRUE(store_->Write([&](Transaction& transaction) { return transaction.InsertSweep(sweep); }).ok());
  Reopen();
  const auto snapshot = store_->Load();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  for (const core::Sweep& loaded : snapshot->sweeps) {
    EXPECT_EQ(loaded.keep, loaded.id == "s-2" ? sweep.keep : Keep()) << loaded.id;
  }
}

}  // namespace
}  // namespace lorikeet::store
