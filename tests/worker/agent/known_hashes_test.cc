#include "worker/agent/known_hashes.h"

#include <gtest/gtest.h>

#include "common/files.h"
#include "tests/worker/agent/fakes.h"

namespace lorikeet::agent {
namespace {

class KnownHashesTest : public testing::Test {
 protected:
  void Put(const std::string& name, const std::string& bytes) const {
    ASSERT_TRUE(WriteFileAtomically(temp_.path() + "/" + name, bytes).ok());
  }
  std::unique_ptr<rpc::FileReader> Open() const { return *rpc::FileReader::Open(temp_.path(), {"a", "b"}); }
  // That they are right, whether they were read or not.
  void Check(const rpc::FileReader& reader) {
    const auto hashes = known_.Of(reader, temp_.path(), "");
    ASSERT_TRUE(hashes.ok()) << hashes.status();
    EXPECT_EQ(*hashes, *reader.Describe());
  }

  TempFolder temp_;
  KnownHashes known_;
};

TEST_F(KnownHashesTest, TheSameFilesAreReadOnce) {
  Put("a", "1");
  Put("b", "2");
  for (int i = 0; i < 3; ++i) Check(*Open());
  EXPECT_EQ(known_.reads(), 1);
  Put("b", "3");
  for (int i = 0; i < 3; ++i) Check(*Open());
  EXPECT_EQ(known_.reads(), 2);
  known_.Forget(temp_.path());
  Check(*Open());
  EXPECT_EQ(known_.reads(), 3);
}

TEST_F(KnownHashesTest, WhatIsOpenCountsAndNotWhatHasItsNameNow) {
  Put("a", "1");
  Put("b", "2");
  Check(*Open());
  const auto old = Open();
  Put("b", "3");
  Check(*old);
  Check(*Open());
  Check(*old);
}

}  // namespace
}  // namespace lorikeet::agent
