// Real handshakes over loopback, with certificates that deploy/make-certs.sh makes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <utility>

#include "common/files.h"
#include "common/rpc/certificates.h"
#include "common/rpc/status_codes.h"
#include "fixture.h"
#include "lorikeet/v1/client.grpc.pb.h"
#include "tests/paths.h"
#include "worker_client.h"

namespace lorikeet::rpc {
namespace {

using ::testing::HasSubstr;

constexpr auto kDay = std::chrono::hours(24);

void Shell(const std::string& command) {
  ASSERT_EQ(system((command + " 2>/dev/null").c_str()), 0) << command;  // NOLINT: commands of the test's own
}

// Two CAs, ours and another's, each with a server's and a worker's certificate; made once.
class Certificates {
 public:
  Certificates() {
    char name[] = "/tmp/lorikeet-tls-XXXXXX";
    folder_ = mkdtemp(name);
    for (const char* ca : {"ours", "others"}) {
      Shell(std::string(kSourceDir) + "/deploy/make-certs.sh --out " + folder_ + "/" + ca +
            " --server head-node --worker gpu-1");
    }
    // Its day has passed: OpenSSL's small CA can say from when to when.
    const std::string ours = folder_ + "/ours", old = folder_ + "/old";
    std::filesystem::create_directories(old);
    EXPECT_TRUE(WriteFileAtomically(old + "/index.txt", "").ok());
    EXPECT_TRUE(
        WriteFileAtomically(old + "/ca.cnf", "[ca]\ndefault_ca = c\n[c]\nnew_certs_dir = " + old +
                                                 "\ndatabase = " + old +
                                                 "/index.txt\nrand_serial = yes\ndefault_md = sha256\n"
                                                 "policy = p\n[p]\ncommonName = supplied\n[server]\n"
                                                 "subjectAltName = IP:127.0.0.1\n")
            .ok());
    Shell("openssl req -new -key " + ours + "/server.key -subj /CN=head-node -out " + old + "/request");
    Shell("openssl ca -batch -notext -config " + old + "/ca.cnf -extensions server -cert " + ours +
          "/ca.crt -keyfile " + ours + "/ca.key -startdate 20200101000000Z -enddate 20200102000000Z -in " +
          old + "/request -out " + old + "/server.crt >/dev/null");
  }
  ~Certificates() { std::filesystem::remove_all(folder_); }
  std::string File(const std::string& name) const { return folder_ + "/" + name; }

 private:
  std::string folder_;
};

class TlsTest : public ServerTest {
 protected:
  void SetUp() override {
    Files();  // first: they hold from the moment at which they are made
    clock_.JumpWall(RealClock().Wall() - clock_.Wall());
    Serve({.certificate = Files().File("ours/server.crt"),
           .key = Files().File("ours/server.key"),
           .ca = Files().File("ours/ca.crt")});
  }
  static const Certificates& Files() {
    static const Certificates files;
    return files;
  }
  void Serve(const TlsFiles& tls) {
    ServerOptions options = Options();
    options.tls = tls;
    auto server = Server::Start(std::move(options), service_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  // A worker of that CA's, which trusts `trusted`; nothing: none is shown.
  grpc::Status Session(const std::string& ca, const std::string& trusted = "ours") {
    TlsFiles tls;
    tls.ca = Files().File(trusted + "/ca.crt");
    if (!ca.empty()) {
      tls.certificate = Files().File(ca + "/worker-gpu-1.crt");
      tls.key = Files().File(ca + "/worker-gpu-1.key");
    }
    const auto channel = OpenChannel(server_->address(), tls);
    EXPECT_TRUE(channel.ok()) << channel.status();
    Worker worker(*channel, Context());
    worker.Hello("w");
    worker.CloseWriting();
    return worker.End();
  }
  grpc::Status List(const std::string& trusted) {
    const auto channel = OpenChannel(server_->address(),
                                     {.certificate = {}, .key = {}, .ca = Files().File(trusted + "/ca.crt")});
    v1::ListSweepsResponse response;
    return v1::SweepService::NewStub(*channel)->ListSweeps(Context().get(), {}, &response);
  }
};

TEST_F(TlsTest, AWorkerShowsACertificateOfTheCa) {
  const grpc::Status status = Session("ours");
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(service_.WaitFor("hello w"));
}

TEST_F(TlsTest, WithoutOneItIsToldHowToGetIt) {
  const grpc::Status status = Session("");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(status.error_message(), HasSubstr("--tls-certificate FILE --tls-key FILE"));
  EXPECT_THAT(status.error_message(), HasSubstr("deploy/make-certs.sh --worker"));
  EXPECT_TRUE(service_.calls().empty());
}

TEST_F(TlsTest, OneOfAnotherCaIsRefusedByName) {
  const grpc::Status status = Session("others");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(status.error_message(), HasSubstr("the worker's certificate (CN=gpu-1) is refused: "));
  EXPECT_THAT(status.error_message(), HasSubstr("issuer certificate"));
  EXPECT_TRUE(service_.calls().empty());
}

TEST_F(TlsTest, OneThatExpiresIsRefusedFromThenOn) {
  clock_.JumpWall(364 * kDay);
  EXPECT_TRUE(Session("ours").ok());
  clock_.JumpWall(2 * kDay);
  const grpc::Status status = Session("ours");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(status.error_message(), HasSubstr("certificate has expired"));
}

TEST_F(TlsTest, AServersCertificateIsNotAWorkers) {
  TlsFiles tls{.certificate = Files().File("ours/server.crt"),
               .key = Files().File("ours/server.key"),
               .ca = Files().File("ours/ca.crt")};
  Worker worker(*OpenChannel(server_->address(), tls), Context());
  worker.Hello("w");
  const grpc::Status status = worker.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(status.error_message(), HasSubstr("purpose"));
}

TEST_F(TlsTest, SweepctlNeedsNone) { EXPECT_TRUE(List("ours").ok()); }

TEST_F(TlsTest, AClientThatTrustsAnotherCaSaysWhy) {
  for (const grpc::Status& status : {List("others"), Session("ours", "others")}) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_THAT(Message(FromGrpc(status, "coordinator x")), HasSubstr("its certificate is not trusted"))
        << status.error_message();
    EXPECT_THAT(Message(FromGrpc(status, "coordinator x")), HasSubstr("--tls-ca"));
  }
}

TEST_F(TlsTest, AServersCertificateThatHasExpiredIsNotServed) {
  ServerOptions options = Options();
  options.tls = {
      .certificate = Files().File("old/server.crt"), .key = Files().File("ours/server.key"), .ca = {}};
  const Status status = Server::Start(options, service_).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Message(status),
              HasSubstr(Files().File("old/server.crt") + ": this certificate has expired, on Jan  2"));
}

// One that runs while its certificate expires: its clients hear of it from their own TLS.
TEST_F(TlsTest, AServersCertificateThatHasExpiredIsNotTrusted) {
  grpc::SslServerCredentialsOptions credentials;
  credentials.pem_key_cert_pairs.push_back(
      {*ReadFile(Files().File("ours/server.key")), *ReadFile(Files().File("old/server.crt"))});
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(credentials), &port);
  v1::SweepService::Service nobody;
  builder.RegisterService(&nobody);
  const auto server = builder.BuildAndStart();
  const auto channel = OpenChannel("127.0.0.1:" + std::to_string(port),
                                   {.certificate = {}, .key = {}, .ca = Files().File("ours/ca.crt")});
  v1::ListSweepsResponse response;
  const grpc::Status status = v1::SweepService::NewStub(*channel)->ListSweeps(Context().get(), {}, &response);
  EXPECT_THAT(Message(FromGrpc(status, "coordinator x")), HasSubstr("or has expired"))
      << status.error_message();
}

TEST_F(TlsTest, PairsAreLookedAtFirst) {
  const auto pair = [](const std::string& certificate, const std::string& key, Duration later = {}) {
    const WallTime now = RealClock().Wall() + std::chrono::duration_cast<std::chrono::microseconds>(later);
    return ReadPair(Files().File(certificate), Files().File(key), now).status();
  };
  EXPECT_TRUE(pair("ours/server.crt", "ours/server.key").ok());
  EXPECT_THAT(Message(pair("ours/server.crt", "others/server.key")), HasSubstr("are no pair"));
  EXPECT_THAT(Message(pair("ours/server.crt", "ours/server.crt")), HasSubstr("no PRIVATE KEY"));
  EXPECT_THAT(Message(pair("ours/server.key", "ours/server.key")), HasSubstr("no CERTIFICATE"));
  EXPECT_TRUE(absl::IsNotFound(pair("ours/none", "ours/server.key")));
  EXPECT_THAT(Message(pair("ours/server.crt", "ours/server.key", 366 * kDay)), HasSubstr("has expired"));
  EXPECT_THAT(Message(pair("ours/server.crt", "ours/server.key", -kDay)), HasSubstr("holds from"));
}

}  // namespace
}  // namespace lorikeet::rpc
