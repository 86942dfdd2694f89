#include "sweeps/sweepctl/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "common/files.h"

namespace lorikeet::sweepctl {
namespace {

using ::testing::HasSubstr;

// A home of its own, and none of the variables.
class ConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "lorikeet-config-XXXXXX";
    folder_ = mkdtemp(name.data());
    for (const char* variable : kVariables) {
      const char* value = std::getenv(variable);
      before_.emplace_back(variable, value == nullptr ? std::optional<std::string>() : std::string(value));
      unsetenv(variable);
    }
    setenv("XDG_CONFIG_HOME", folder_.c_str(), 1);
    std::filesystem::create_directories(folder_ + "/lorikeet");
  }
  void TearDown() override {
    for (const auto& [variable, value] : before_) {
      value ? setenv(variable, value->c_str(), 1) : unsetenv(variable);
    }
    std::filesystem::remove_all(folder_);
  }
  void Write(const std::string& text) const { ASSERT_TRUE(WriteFileAtomically(file_(), text).ok()); }
  std::string file_() const { return folder_ + "/lorikeet/sweepctl.toml"; }
  static ClientOptions Filled(ClientOptions options) {
    const Status status = FillFromConfig(options);
    EXPECT_TRUE(status.ok()) << status;
    return options;
  }

  static constexpr const char* kVariables[] = {"XDG_CONFIG_HOME", "LORIKEET_COORDINATOR",
                                               "LORIKEET_TOKEN_FILE", "LORIKEET_TLS_CA"};
  std::string folder_;
  std::vector<std::pair<const char*, std::optional<std::string>>> before_;
};

constexpr const char* kWhole =
    "# mine\ncoordinator = \"head:7070\"\ntoken_file = \"mine.token\"\ntls_ca = '/etc/ca.pem'\n";

TEST_F(ConfigTest, IsReadWhereNothingElseIsSaid) {
  EXPECT_EQ(Filled({}).coordinator, "") << "no file, no word";
  Write(kWhole);
  const ClientOptions options = Filled({});
  EXPECT_EQ(options.coordinator, "head:7070");
  EXPECT_EQ(options.token_file, folder_ + "/lorikeet/mine.token") << "beside the file";
  EXPECT_EQ(options.tls_ca, "/etc/ca.pem");
}

TEST_F(ConfigTest, FlagsAndVariablesGoFirst) {
  Write(kWhole);
  EXPECT_EQ(Filled({.token_file = "other"}).token_file, "other");
  setenv("LORIKEET_TLS_CA", "/else", 1);
  EXPECT_EQ(Filled({}).tls_ca, "") << "the variable is read where it always is";
}

TEST_F(ConfigTest, ItsTokenIsForItsCoordinatorAlone) {
  Write(kWhole);
  EXPECT_EQ(Filled({.coordinator = "other:7070"}).token_file, "");
  EXPECT_EQ(Filled({.coordinator = "head:7070"}).token_file, folder_ + "/lorikeet/mine.token");
  EXPECT_EQ(Filled({.data = "/run"}).coordinator, "");
  setenv("LORIKEET_COORDINATOR", "third:7070", 1);
  EXPECT_EQ(Filled({}).token_file, "");
  EXPECT_EQ(Filled({}).coordinator, "");
}

TEST_F(ConfigTest, WhatItMustNotHoldIsNamedWithItsLine) {
  const std::pair<const char*, const char*> wrong[] = {
      {"coordinator = \"a:1\"\ncordinator = \"b:1\"\n",
       "sweepctl.toml:2: unknown key 'cordinator'; did you mean"},
      {"\nport = 7\n", "sweepctl.toml:2: unknown key 'port': coordinator, token_file or tls_ca"},
      {"coordinator = [\"a:1\", \"b:1\"]\n", "sweepctl.toml:1: coordinator: one text, such as"},
      {"token_file = \"\"\n", "sweepctl.toml:1: token_file: one text, such as"},
  };
  for (const auto& [text, message] : wrong) {
    Write(text);
    ClientOptions options;
    const Status status = FillFromConfig(options);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(Message(status), HasSubstr(message));
  }
}

}  // namespace
}  // namespace lorikeet::sweepctl
