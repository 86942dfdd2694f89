#include "coordinator/rpc/tokens_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "common/files.h"

namespace lorikeet::rpc {
namespace {

using ::testing::HasSubstr;

// printf secret | sha256sum
constexpr char kHash[] = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

Status Mistakes(const std::string& text) { return ParseTokens(text, "state/tokens").status(); }

TEST(TokensFile, ReadsALineAToken) {
  const auto entries =
      ParseTokens(std::string("# made by hand\n\n") + "client alice@lab " + kHash +
                      " 2026-03-01T12:00:00Z\r\n\tworker  gpu-1\t" + kHash + "\nread wall " + kHash,
                  "state/tokens");
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_EQ(entries->size(), 3U);
  EXPECT_EQ((*entries)[0].role, Role::kClient);
  EXPECT_EQ((*entries)[0].name, "alice@lab");
  EXPECT_TRUE(SameHash((*entries)[0].hash, HashOfToken("secret")));
  EXPECT_FALSE(SameHash((*entries)[0].hash, HashOfToken("Secret")));
  EXPECT_EQ((*entries)[1].role, Role::kWorker);
  EXPECT_EQ((*entries)[2].role, Role::kRead);
  EXPECT_TRUE(ParseTokens("", "state/tokens")->empty());
}

TEST(TokensFile, RefusesAMalformedLineByItsPlace) {
  const std::string hash = kHash;
  const auto expect = [](const std::string& line, const std::string& what) {
    const Status status = Mistakes("# first\n" + line + "\n");
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << line;
    EXPECT_THAT(Message(status), HasSubstr("state/tokens:2: " + what)) << line;
  };
  expect("client alice", "2 words; a line is 'role name sha256-hex [created]'");
  expect("client alice " + hash + " 2026 more", "5 words");
  expect("admin alice " + hash, "the first word is no role: read, client or worker");
  expect("client al/ice " + hash, "the second word is no name");
  expect("client " + std::string(65, 'a') + " " + hash, "the second word is no name");
  expect("client alice " + hash.substr(1), "the third word is no SHA-256");
  expect("client alice " + hash.substr(1) + "G", "the third word is no SHA-256");
  expect("client alice " + hash + " " + std::string(33, '0'), "the fourth word is no time");
}

TEST(TokensFile, RefusesALineThatStandsTwiceAndNamesEveryMistake) {
  const std::string hash = kHash;
  const std::string line = "worker gpu-1 " + hash + "\n";
  EXPECT_EQ(Message(Mistakes(line + line)),
            "state/tokens:2: the same role and name as line 1: each name of a role once");
  EXPECT_TRUE(Mistakes(line + "client gpu-1 " + hash + "\n").ok()) << "another role of the same name";
  EXPECT_THAT(Message(Mistakes("a\nb\n")), HasSubstr("state/tokens:1: "));
  EXPECT_THAT(Message(Mistakes("a\nb\n")), HasSubstr("\nstate/tokens:2: "));
}

TEST(TokensFile, DoesNotSayWhatMayBeASecret) {
  EXPECT_THAT(Message(Mistakes("client alice hunter2")), ::testing::Not(HasSubstr("hunter2")));
}

TEST(TokensFile, IsForItsOwnerAlone) {
  char name[] = "/tmp/lorikeet-tokens-XXXXXX";
  const std::string folder = mkdtemp(name), file = folder + "/tokens";
  EXPECT_TRUE(absl::IsNotFound(ReadTokens(file).status()));
  ASSERT_TRUE(WriteFileAtomically(file, std::string("read wall ") + kHash + "\n", 0640).ok());
  const Status status = ReadTokens(file).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("chmod 600 " + file));
  ASSERT_TRUE(WriteFileAtomically(file, std::string("read wall ") + kHash + "\n", 0600).ok());
  EXPECT_EQ(ReadTokens(file)->size(), 1U);
  std::filesystem::remove_all(folder);
}

TEST(Roles, ReachAsFarAsTheyShould) {
  using enum Role;
  for (const Role role : {kRead, kClient, kWorker}) EXPECT_TRUE(Grants(role, role)) << Name(role);
  EXPECT_TRUE(Grants(kClient, kRead));
  EXPECT_FALSE(Grants(kClient, kWorker));
  EXPECT_FALSE(Grants(kRead, kClient));
  EXPECT_FALSE(Grants(kRead, kWorker));
  EXPECT_FALSE(Grants(kWorker, kClient));
  EXPECT_FALSE(Grants(kWorker, kRead));
}

}  // namespace
}  // namespace lorikeet::rpc
