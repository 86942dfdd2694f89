#include "coordinator/web/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "common/files.h"
#include "tests/coordinator/web/http_client.h"
#include "tests/paths.h"

namespace lorikeet::web {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest() {
    char name[] = "/tmp/lorikeet-http-XXXXXX";
    folder_ = mkdtemp(name);
    EXPECT_TRUE(WriteFileAtomically(
                    folder_ + "/tokens",
                    "read prometheus " + Hex("reader") + "\nworker gpu-1 " + Hex("worker") + "\n", 0600)
                    .ok());
    options_ = {.listen = "127.0.0.1:0",
                .tls = {},
                .access = *rpc::Access::Create("own", folder_ + "/tokens"),
                .metrics = [] { return std::string("lorikeet_x 1\n"); },
                .since_last_turn = [this]() -> std::optional<Duration> {
                  if (since_ < 0) return std::nullopt;
                  return seconds(since_);
                }};
    auto server = HttpServer::Start(options_);
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  ~HttpServerTest() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }
  static std::string Hex(const std::string& token) {
    std::string digits;
    for (const unsigned char byte : rpc::HashOfToken(token)) digits += fmt::format("{:02x}", byte);
    return digits;
  }
  std::string Get(const std::string& path, const std::string& headers = "",
                  const std::string& method = "GET") {
    return web::Get(server_->address(), path, headers, method);
  }

  std::string folder_;
  std::atomic<int> since_{0};
  HttpOptions options_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, MetricsNeedATokenThatMayRead) {
  for (const char* token : {"own", "reader"}) {
    const std::string answer = Get("/metrics", std::string("Authorization: Bearer ") + token + "\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200")) << token;
    EXPECT_THAT(answer, HasSubstr("\r\n\r\nlorikeet_x 1\n"));
    EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4"));
  }
  for (const char* headers : {"", "Authorization: Bearer wrong\r\n", "Authorization: Basic own\r\n"}) {
    const std::string answer = Get("/metrics", headers);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 401")) << headers;
    EXPECT_THAT(answer, HasSubstr("WWW-Authenticate: Bearer"));
    EXPECT_THAT(answer, Not(HasSubstr("lorikeet_x")));
  }
  const std::string worker = Get("/metrics", "Authorization: Bearer worker\r\n");
  EXPECT_THAT(worker, StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(worker, HasSubstr("this needs a client's or a read token"));
}

TEST_F(HttpServerTest, HealthSaysWhetherTheServiceGoesOn) {
  EXPECT_THAT(Get("/healthz"), HasSubstr("\r\n\r\nok\n"));
  since_ = 30;
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200"));
  since_ = 31;
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(Get("/healthz"), HasSubstr("has not finished a turn for 31 s"));
  since_ = -1;
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 503"));
}

TEST_F(HttpServerTest, ThereIsNothingElse) {
  for (const char* path : {"/", "/metrics/", "/metricsx", "/healthz/..", "/../etc/passwd", "/favicon.ico"})
    EXPECT_THAT(Get(path), StartsWith("HTTP/1.1 404")) << path;
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    const std::string answer = Get("/metrics", "Authorization: Bearer own\r\nContent-Length: 0\r\n", method);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 405")) << method;
    EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD"));
  }
}

TEST_F(HttpServerTest, NoOtherSiteMayReadOrRunAnything) {
  for (const char* path : {"/healthz", "/metrics", "/none"}) {
    const std::string answer = Get(path, "Origin: https://elsewhere.example\r\n");
    EXPECT_THAT(answer, HasSubstr("Content-Security-Policy: default-src 'none'"));
    EXPECT_THAT(answer, HasSubstr("X-Content-Type-Options: nosniff"));
    EXPECT_THAT(answer, HasSubstr("Cache-Control: no-store"));
    EXPECT_THAT(answer, Not(HasSubstr("Access-Control")));
  }
}

TEST_F(HttpServerTest, RefusesWhatIsTooLong) {
  EXPECT_THAT(Get("/" + std::string(20'000, 'x')), Not(HasSubstr(" 200")));
  EXPECT_THAT(Get("/healthz", "X: " + std::string(20'000, 'x') + "\r\n"), Not(HasSubstr(" 200")));
  EXPECT_THAT(Ask(server_->address(), "nonsense\r\n\r\n"), Not(HasSubstr(" 200")));
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200")) << "and goes on";
}

// Silent connections take threads for a moment, and then no more.
TEST_F(HttpServerTest, SilentClientsAreDropped) {
  std::vector<int> silent;
  for (std::size_t i = 0; i < kThreads; ++i) silent.push_back(Dial(server_->address()));
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200"));
  for (const int file : silent) {
    char byte = 0;
    EXPECT_EQ(read(file, &byte, 1), 0) << "closed by the server";
    close(file);
  }
}

// Connections for which the kernel's queue has no room are tried again after a second, two, four, …
TEST_F(HttpServerTest, AnswersAHundredAtOnceWithoutDelay) {
  std::atomic<int> answered{0};
  std::atomic<std::int64_t> slowest{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 100; ++i) {
    clients.emplace_back([&] {
      const auto begun = std::chrono::steady_clock::now();
      if (Get("/healthz").starts_with("HTTP/1.1 200")) ++answered;
      const std::int64_t took =
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun)
              .count();
      for (std::int64_t seen = slowest; seen < took && !slowest.compare_exchange_weak(seen, took);) {
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(answered, 100);
  EXPECT_LT(slowest, 5000) << "milliseconds";
}

TEST_F(HttpServerTest, EndsThoughSomebodyHoldsAConnection) {
  const int held = Dial(server_->address());
  ASSERT_EQ(write(held, "GET /healthz HTTP/1.1\r\n", 23), 23);
  since_ = 7'654'321;  // an answer that is this server's alone
  // Connections are taken in their order: with this answer the server has the one that is held.
  ASSERT_THAT(Get("/healthz"), HasSubstr("7654321 s"));
  const auto begun = std::chrono::steady_clock::now();
  const std::string address = server_->address();
  server_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(30));
  // By now another program may have been given the port.
  EXPECT_THAT(web::Get(address, "/healthz"), Not(HasSubstr("7654321 s")));
  close(held);
}

TEST_F(HttpServerTest, NamesAPortThatIsTaken) {
  HttpOptions options = options_;
  options.listen = server_->address();
  const auto second = HttpServer::Start(options);
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status()));
  EXPECT_THAT(Message(second.status()), HasSubstr("--http " + server_->address()));
  EXPECT_THAT(Message(second.status()), HasSubstr("in use"));
}

TEST_F(HttpServerTest, BeyondLoopbackItSpeaksTlsAlone) {
  EXPECT_THAT(Message(CheckHttpListen("0.0.0.0:0", {})),
              HasSubstr("--tls-certificate FILE --tls-key FILE; or --http off"));
  EXPECT_THAT(Message(CheckHttpListen("nonsense", {})), StartsWith("--http: "));
  const std::string make = std::string(kSourceDir) + "/deploy/make-certs.sh --out " + folder_ +
                           "/tls --server 127.0.0.1 >/dev/null 2>&1";
  ASSERT_EQ(system(make.c_str()), 0);  // NOLINT: a command of the test's own
  HttpOptions options = options_;
  options.listen = "0.0.0.0:0";
  options.tls = {.certificate = folder_ + "/tls/server.crt", .key = folder_ + "/tls/server.key", .ca = {}};
  options.live =
      std::make_shared<Live>([](const Live::Work&, const std::function<void(const Status&)>& done) {
        done(Unavailable("not now"));
      });
  auto server = HttpServer::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_THAT((*server)->url(), StartsWith("https://0.0.0.0:"));
  EXPECT_THAT(web::Get((*server)->address(), "/healthz"), Not(HasSubstr("HTTP/1.1 200"))) << "plain";
  const std::string ask = fmt::format(
      "printf 'GET /metrics HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: Bearer reader\\r\\n\\r\\n' | openssl "
      "s_client -quiet "
      "-verify_return_error -CAfile {}/tls/ca.crt -connect 127.0.0.1:{} > {}/answer 2>/dev/null",
      folder_, PortOf((*server)->address()), folder_);
  EXPECT_NE(system(ask.c_str()), -1);  // NOLINT: a command of the test's own
  EXPECT_THAT(*ReadFile(folder_ + "/answer"), HasSubstr("\r\n\r\nlorikeet_x 1\n"));
  const std::string log_in = fmt::format(
      "printf 'POST /api/login HTTP/1.1\\r\\nHost: x\\r\\nContent-Type: "
      "application/json\\r\\nContent-Length: 18\\r\\n\\r\\n"
      "{{\"token\":\"reader\"}}' | openssl s_client -quiet -verify_return_error -CAfile {}/tls/ca.crt "
      "-connect "
      "127.0.0.1:{} > {}/answer 2>/dev/null",
      folder_, PortOf((*server)->address()), folder_);
  EXPECT_NE(system(log_in.c_str()), -1);  // NOLINT: a command of the test's own
  EXPECT_THAT(*ReadFile(folder_ + "/answer"),
              HasSubstr("; HttpOnly; SameSite=Strict; Max-Age=1209600; Secure\r\n"));
}

}  // namespace
}  // namespace lorikeet::web
