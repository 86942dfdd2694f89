#include "common/rpc/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "common/files.h"

namespace lorikeet::rpc {
namespace {

using ::testing::HasSubstr;

TEST(Address, HasAHostAndAPort) {
  for (const std::string good :
       {"127.0.0.1:7070", "127.0.0.1:0", "[::1]:7070", "gpu-host:65535", "0.0.0.0:1"}) {
    EXPECT_TRUE(CheckAddress(good).ok()) << good;
  }
  for (const std::string bad : {"", "7070", ":7070", "host", "host:", "host:x", "host:70x", "host:-1",
                                "host:65536", "::1:70", "http://host:70", "a b:70", "host: 70", "[]:70"}) {
    const Status status = CheckAddress(bad);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << bad;
    EXPECT_THAT(Message(status), HasSubstr("127.0.0.1:7070")) << "says what would be right";
  }
  EXPECT_EQ(HostOf("[::1]:7070"), "[::1]");
  EXPECT_EQ(HostOf("127.0.0.1:7070"), "127.0.0.1");
}

TEST(Address, KnowsLoopback) {
  for (const std::string here : {"127.0.0.1:1", "127.8.9.10:1", "localhost:1", "[::1]:1"}) {
    EXPECT_TRUE(IsLoopback(here)) << here;
  }
  for (const std::string beyond : {"0.0.0.0:1", "[::]:1", "192.168.0.1:1", "128.0.0.1:1", "127.example.org:1",
                                   "localhost.example.org:1", "[::2]:1", "127.0.0.1", ""}) {
    EXPECT_FALSE(IsLoopback(beyond)) << beyond;
  }
}

TEST(Channel, BeyondLoopbackOnlyWithTls) {
  EXPECT_TRUE(OpenChannel("127.0.0.1:7070", {}).ok());
  const Status status = OpenChannel("gpu-host:7070", {}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(Message(status), HasSubstr("--tls-ca"));
  EXPECT_TRUE(absl::IsNotFound(
      OpenChannel("gpu-host:7070", {.certificate = {}, .key = {}, .ca = "/nowhere/ca.pem"}).status()));
}

TEST(Channel, ACertificateIsShownOverTlsAlone) {
  EXPECT_THAT(Message(OpenChannel("127.0.0.1:7070", {.certificate = "c.pem", .key = {}, .ca = {}}).status()),
              HasSubstr("--tls-key is missing"));
  EXPECT_TRUE(absl::IsNotFound(
      OpenChannel("127.0.0.1:7070", {.certificate = "/nowhere/c.pem", .key = "/nowhere/k.pem", .ca = {}})
          .status()));
}

TEST(Credentials, BeyondLoopbackOnlyWithTls) {
  EXPECT_TRUE(ListenCredentials("127.0.0.1:0", {}).ok());
  for (const std::string beyond : {"0.0.0.0:7070", "[::]:7070", "192.168.0.1:7070"}) {
    const Status status = ListenCredentials(beyond, {}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << beyond;
    EXPECT_THAT(Message(status), HasSubstr("--tls-certificate"));
  }
  const auto listen = [](const TlsFiles& tls) {
    return Message(ListenCredentials("127.0.0.1:0", tls).status());
  };
  EXPECT_THAT(listen({.certificate = "c.pem", .key = {}, .ca = {}}), HasSubstr("--tls-key is missing"));
  EXPECT_THAT(listen({.certificate = {}, .key = "k.pem", .ca = {}}),
              HasSubstr("--tls-certificate is missing"));
  EXPECT_THAT(listen({.certificate = {}, .key = {}, .ca = "ca.pem"}), HasSubstr("--tls-client-ca needs TLS"));
}

TEST(Credentials, RefuseAFileThatIsNoPem) {
  char name[] = "/tmp/lorikeet-pem-XXXXXX";
  const std::string folder = mkdtemp(name);
  ASSERT_TRUE(WriteFileAtomically(folder + "/text", "hello").ok());
  const Status text =
      ListenCredentials("127.0.0.1:0", {.certificate = folder + "/text", .key = folder + "/text", .ca = {}})
          .status();
  EXPECT_TRUE(absl::IsInvalidArgument(text));
  EXPECT_THAT(Message(text), HasSubstr(folder + "/text: no CERTIFICATE"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace lorikeet::rpc
