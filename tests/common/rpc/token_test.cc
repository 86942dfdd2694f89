#include "common/rpc/token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <string>

#include "common/files.h"

namespace lorikeet::rpc {
namespace {

using ::testing::HasSubstr;

class TokenTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/lorikeet-token-XXXXXX";
    folder_ = mkdtemp(name);
    setenv("XDG_CONFIG_HOME", folder_.c_str(), 1);
    unsetenv("LORIKEET_TOKEN_FILE");
  }
  void TearDown() override {
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("LORIKEET_TOKEN_FILE");
    std::filesystem::remove_all(folder_);
  }
  static unsigned Mode(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }
  std::string File(const std::string& name, const std::string& content, unsigned mode = 0600) const {
    const std::string path = folder_ + "/" + name;
    EXPECT_TRUE(WriteFileAtomically(path, content, mode).ok());
    return path;
  }

  std::string folder_;
};

TEST_F(TokenTest, LiesUnderTheAddressInTheUsersConfiguration) {
  EXPECT_EQ(*DefaultTokenFile("127.0.0.1:7070"), folder_ + "/lorikeet/tokens/127.0.0.1:7070");
  EXPECT_EQ(*DefaultTokenFile("localhost:7070"), folder_ + "/lorikeet/tokens/127.0.0.1:7070");
  EXPECT_EQ(*DefaultTokenFile("gpu-host:7070"), folder_ + "/lorikeet/tokens/gpu-host:7070");
}

TEST_F(TokenTest, IsMadeOnceForItsOwnerAlone) {
  const std::string file = *DefaultTokenFile("127.0.0.1:7070");
  const StatusOr<std::string> made = ReadOrMakeToken(file);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_GE(made->size(), 32U);
  EXPECT_EQ(Mode(file), 0600U);
  EXPECT_EQ(Mode(folder_ + "/lorikeet/tokens"), 0700U);
  EXPECT_EQ(*ReadOrMakeToken(file), *made) << "a restart keeps the token";
  EXPECT_NE(*ReadOrMakeToken(folder_ + "/other"), *made);
}

TEST_F(TokenTest, RefusesWhatOthersMayRead) {
  const std::string file = File("token", "secret\n", 0640);
  const Status status = ReadToken(file).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("chmod 600 " + file));
  EXPECT_FALSE(ReadOrMakeToken(file).ok()) << "a token that leaked is not replaced in silence";
}

TEST_F(TokenTest, DropsWhiteSpaceAndRefusesWhatIsNoToken) {
  EXPECT_EQ(*ReadToken(File("good", "  secret\n\n")), "secret");
  EXPECT_TRUE(absl::IsInvalidArgument(ReadToken(File("empty", " \n")).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ReadToken(File("words", "two words")).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ReadToken(File("binary", "a\x01z")).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ReadToken(folder_).status())) << "a folder";
  EXPECT_TRUE(absl::IsNotFound(ReadToken(folder_ + "/none").status()));
}

TEST_F(TokenTest, FlagBeatsEnvironmentBeatsDefault) {
  const std::string address = "127.0.0.1:7070";
  ASSERT_TRUE(WriteToken(*DefaultTokenFile(address), "from-default").ok());
  EXPECT_EQ(*FindToken("", address), "from-default");
  setenv("LORIKEET_TOKEN_FILE", File("environment", "from-environment").c_str(), 1);
  EXPECT_EQ(*FindToken("", address), "from-environment");
  EXPECT_EQ(*FindToken(File("flag", "from-flag"), address), "from-flag");
}

TEST_F(TokenTest, SaysWhereItLooked) {
  const Status status = FindToken("", "127.0.0.1:9").status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << "a coordinator may yet leave one";
  EXPECT_THAT(Message(status), HasSubstr("lorikeet/tokens/127.0.0.1:9"));
  EXPECT_THAT(Message(status), HasSubstr("--token-file"));
  EXPECT_THAT(Message(status), HasSubstr("LORIKEET_TOKEN_FILE"));
}

TEST(PresentedTokens, AreThoseOfTheHeader) {
  const auto presented = [](const std::string& name, const std::string& value) {
    return PresentedTokens({{grpc::string_ref(name), grpc::string_ref(value)}});
  };
  EXPECT_THAT(presented("authorization", "Bearer secret"), ::testing::ElementsAre("secret"));
  EXPECT_THAT(presented("authorization", "Bearer "), ::testing::ElementsAre(""));
  for (const std::string wrong : {"secret", "Basic secret", "bearer secret", ""}) {
    EXPECT_TRUE(presented("authorization", wrong).empty()) << wrong;
  }
  EXPECT_TRUE(presented("token", "Bearer secret").empty());
  EXPECT_TRUE(PresentedTokens({}).empty());
}

}  // namespace
}  // namespace lorikeet::rpc
