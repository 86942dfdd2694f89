// Several requests in one transaction: what becomes of each when one is refused.
#include "tests/coordinator/store/fixture.h"

namespace lorikeet::store {
namespace {

TEST_F(StoreTest, ARefusedPartIsUndoneAloneAndTheOthersAreCommitted) {
  Fill();
  Status refused, stale;
  ASSERT_TRUE(Write([&](Transaction& t) -> Status {
                RETURN_IF_ERROR(t.InsertSweep(MakeSweep("s-2", "before")));
                RETURN_IF_ERROR(t.Part([&] { return t.UpsertWorker(MakeWorker("w-2")); }));
                refused = t.Part([&]() -> Status {
                  RETURN_IF_ERROR(t.UpsertWorker(MakeWorker("w-3")));
                  RETURN_IF_ERROR(t.AdvanceSequence("a-1", 9));
                  return t.InsertSweep(MakeSweep("s-3", "demo"));  // the name is taken
                });
                stale = t.Part([&]() -> Status {
                  RETURN_IF_ERROR(t.UpsertWorker(MakeWorker("w-4")));
                  return Aborted("stale");
                });
                EXPECT_EQ(*t.CommittedSequence("a-1"), 0);
                RETURN_IF_ERROR(t.Part([&] { return t.AdvanceSequence("a-1", 3); }));
                return t.InsertSweep(MakeSweep("s-4", "after"));
              }).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(refused)) << refused;
  EXPECT_TRUE(absl::IsAborted(stale)) << stale;
  EXPECT_EQ(One("SELECT group_concat(id) FROM workers"), "w-1,w-2");
  EXPECT_EQ(One("SELECT group_concat(name) FROM sweeps"), "after,before,demo");
  EXPECT_EQ(One("SELECT sequence FROM attempts"), "3");
}

TEST_F(StoreTest, PartsGoWithAWriteThatFails) {
  Fill();
  EXPECT_TRUE(absl::IsAborted(Write([&](Transaction& t) -> Status {
    RETURN_IF_ERROR(t.Part([&] { return t.UpsertWorker(MakeWorker("w-2")); }));
    return Aborted("all of it");
  })));
  EXPECT_EQ(CodeOf(Write([&](Transaction& t) -> Status {
              return t.Part([&]() -> Status {
                RETURN_IF_ERROR(t.UpsertWorker(MakeWorker("w-2")));
                throw std::runtime_error("boom");
              });
            })),
            "INTERNAL");
  EXPECT_EQ(One("SELECT count(*) FROM workers"), "1");
  EXPECT_TRUE(
      Write([&](Transaction& t) { return t.Part([&] { return t.UpsertWorker(MakeWorker("w-2")); }); }).ok());
  EXPECT_EQ(One("SELECT count(*) FROM workers"), "2");
}

TEST_F(StoreTest, APartInsideAPart) {
  ASSERT_TRUE(Write([&](Transaction& t) -> Status {
                return t.Part([&]() -> Status {
                  RETURN_IF_ERROR(t.UpsertWorker(MakeWorker("w-1")));
                  const Status inner = t.Part([&]() -> Status {
                    RETURN_IF_ERROR(t.UpsertWorker(MakeWorker("w-2")));
                    return Aborted("the inner one");
                  });
                  EXPECT_TRUE(absl::IsAborted(inner));
                  return t.UpsertWorker(MakeWorker("w-3"));
                });
              }).ok());
  EXPECT_EQ(One("SELECT group_concat(id) FROM workers"), "w-1,w-3");
}

}  // namespace
}  // namespace lorikeet::store
