// The page's routes, as bytes on the wire: who is let in, what headers say, what streams do.
#include "coordinator/web/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/files.h"
#include "coordinator/web/http_server.h"
#include "tests/coordinator/service/fixture.h"
#include "tests/coordinator/web/http_client.h"

namespace lorikeet::web {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class RoutesTest : public service::ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    ASSERT_TRUE(WriteTokens("read me " + Hex("reader") + "\nworker gpu-1 " + Hex("worker") + "\n").ok());
    access_ = *rpc::Access::Create("own", folder_.path() + "/tokens");
    live_ = std::make_shared<Live>([this](Live::Work work, std::function<void(const Status&)> done) {
      absl::MutexLock lock(&service_mutex_);
      done(work(*service_));
    });
    auto server =
        HttpServer::Start({.listen = "127.0.0.1:0",
                           .tls = {},
                           .access = access_,
                           .metrics = [] { return std::string("lorikeet_x 1\n"); },
                           .since_last_turn = []() -> std::optional<Duration> { return Duration(0); },
                           .live = live_,
                           .database_path = store_->path(),
                           .version = "0.1.0",
                           .build = "0.1.0 (abc)",
                           .page_secret = "a secret"});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    absl::MutexLock lock(&service_mutex_);  // the port's threads are not told by anything else
    sweep_ = Submit(service::MakeSweep("demo", 1, 1)).sweep_id;
  }
  void TearDown() override { server_.reset(); }

  Status WriteTokens(const std::string& text) {
    return WriteFileAtomically(folder_.path() + "/tokens", text, 0600);
  }
  static std::string Hex(const std::string& token) {
    std::string digits;
    for (const unsigned char byte : rpc::HashOfToken(token)) digits += fmt::format("{:02x}", byte);
    return digits;
  }
  std::string Get(const std::string& path, const std::string& headers = "") {
    return web::Get(server_->address(), path, headers);
  }
  std::string Post(const std::string& path, const std::string& body, const std::string& headers = "") {
    return Ask(
        server_->address(),
        fmt::format(
            "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}\r\n{}",
            path, body.size(), headers, body));
  }
  static std::string BodyOf(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }
  // The headers of a session.
  std::string LogIn(const std::string& token) {
    const std::string answer = Post("/api/login", nlohmann::json{{"token", token}}.dump());
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
    const std::size_t begin = answer.find("Set-Cookie: ") + 12;
    cookie_ = answer.substr(begin, answer.find(';', begin) - begin);
    key_ = nlohmann::json::parse(BodyOf(answer))["key"];
    return "Cookie: theme=dark; " + cookie_ + "\r\nLorikeet-Key: " + key_ + "\r\n";
  }

  absl::Mutex service_mutex_;
  std::shared_ptr<rpc::Access> access_;
  std::shared_ptr<Live> live_;
  std::unique_ptr<HttpServer> server_;
  std::string sweep_, cookie_, key_;
};

TEST_F(RoutesTest, EveryQuestionNeedsATokenThatMayRead) {
  std::vector<std::string> paths = {
      "/api/sweeps",     "/api/workers",           "/api/events",          "/api/none",
      "/api/trials/t-1", "/api/trials/t-1/events", "/api/sweeps/" + sweep_};
  for (const char* of_sweep :
       {"table", "grid", "trials", "curves", "pareto", "sensitivity", "documents", "document", "events"})
    paths.push_back("/api/sweeps/" + sweep_ + "/" + of_sweep);
  for (const std::string& path : paths) {
    for (const char* headers : {"", "Authorization: Bearer wrong\r\n", "Authorization: Basic own\r\n",
                                "Cookie: lorikeet_1=x\r\nLorikeet-Key: y\r\n"}) {
      const std::string answer = Get(path, headers);
      EXPECT_THAT(answer, StartsWith("HTTP/1.1 401")) << path << " " << headers;
      EXPECT_THAT(answer, HasSubstr("{\"error\":")) << path;
      EXPECT_THAT(answer, Not(HasSubstr("demo"))) << path;
    }
    EXPECT_THAT(Get(path, "Authorization: Bearer worker\r\n"), StartsWith("HTTP/1.1 403")) << path;
  }
  for (const char* token : {"own", "reader"})
    EXPECT_THAT(Get("/api/sweeps", std::string("Authorization: Bearer ") + token + "\r\n"),
                HasSubstr("\"demo\""));
}

TEST_F(RoutesTest, ASessionIsACookieAndAKey) {
  const std::string session = LogIn("reader");
  EXPECT_THAT(Get("/api/sweeps", session), HasSubstr("\"demo\""));
  EXPECT_THAT(Get("/api/sweeps", "Cookie: " + cookie_ + "\r\n"), StartsWith("HTTP/1.1 401"))
      << "as another port sees it";
  EXPECT_THAT(Get("/api/sweeps", "Lorikeet-Key: " + key_ + "\r\n"), StartsWith("HTTP/1.1 401"));
  // Withdrawn.
  ASSERT_TRUE(WriteTokens("worker gpu-1 " + Hex("worker") + "\n").ok());
  ASSERT_TRUE(access_->Reload().ok());
  EXPECT_THAT(Get("/api/sweeps", session), StartsWith("HTTP/1.1 401"));
}

TEST_F(RoutesTest, TheCookieIsNobodyElses) {
  const std::string answer = Post("/api/login", R"({"token": "own"})");
  EXPECT_THAT(answer, HasSubstr("; Path=/api; HttpOnly; SameSite=Strict; Max-Age=1209600\r\n"));
  EXPECT_THAT(answer, HasSubstr(fmt::format("Set-Cookie: lorikeet_{}=", PortOf(server_->address()))));
  EXPECT_THAT(answer, Not(HasSubstr("own")));
  EXPECT_THAT(Post("/api/logout", "{}"), HasSubstr("=; Path=/api; HttpOnly; SameSite=Strict; Max-Age=0"));
}

TEST_F(RoutesTest, ALoginSaysWhatIsWrong) {
  EXPECT_THAT(Post("/api/login", R"({"token": "wrong"})"), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(Post("/api/login", R"({"token": "worker"})"), StartsWith("HTTP/1.1 403"));
  for (const char* body : {"", "{", "[]", R"({"token": 1})", R"({"tokens": "own"})"})
    EXPECT_THAT(Post("/api/login", body), StartsWith("HTTP/1.1 400")) << body;
  EXPECT_THAT(Post("/api/login", std::string(5000, ' ')), StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(Post("/api/login", R"({"token": "own"})", "Origin: https://elsewhere.example\r\n"),
              StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(Post("/api/login", R"({"token": "own"})", "Origin: http://x\r\n"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Ask(server_->address(),
                  "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: "
                  "application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\ntoken=own"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Get("/api/login"), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(Post("/api/sweeps", "{}"), StartsWith("HTTP/1.1 405"));
}

TEST_F(RoutesTest, ThePageHoldsNothingAndMayLoadNothingFromElsewhere) {
  const std::string page = Get("/");
  EXPECT_THAT(page, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(
      page, HasSubstr("Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "));
  EXPECT_THAT(page, Not(HasSubstr("unsafe")));
  EXPECT_THAT(page, Not(HasSubstr("<style")));
  EXPECT_THAT(page, Not(HasSubstr(" style=")));
  EXPECT_THAT(page, Not(HasSubstr("Access-Control")));
  EXPECT_THAT(page, Not(HasSubstr("%ASSETS%")));
  EXPECT_THAT(page, Not(HasSubstr("demo")));
  std::size_t at = 0;
  int assets = 0;
  while ((at = page.find("\"/assets/", at)) != std::string::npos) {
    const std::string path = page.substr(at + 1, page.find('"', at + 1) - at - 1);
    const std::string answer = Get(path, "Accept-Encoding: gzip\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200")) << path;
    EXPECT_THAT(answer, HasSubstr("immutable")) << path;
    EXPECT_THAT(answer, HasSubstr("Content-Encoding: gzip")) << path;
    ++at;
    ++assets;
  }
  EXPECT_GE(assets, 5);
  EXPECT_THAT(Get("/assets/0000000000000000/main.js"), StartsWith("HTTP/1.1 404")) << "of another build";
  EXPECT_THAT(Get("/assets/../../etc/passwd"), StartsWith("HTTP/1.1 404"));
}

TEST_F(RoutesTest, EveryEmbeddedFileIsPlain) {
  const std::string namespace_of_svg = "http://www.w3.org/2000/svg";
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    EXPECT_FALSE(file.bytes.empty()) << file.name;
    if (file.name == "chart.min.js") continue;
    std::string text(file.bytes);
    for (std::size_t at; (at = text.find(namespace_of_svg)) != std::string::npos;)
      text.erase(at, namespace_of_svg.size());
    for (const char* forbidden : {".innerHTML = ", "insertAdjacentHTML", "outerHTML", "document.write",
                                  "eval(", "http://", "https://", "new Function"})
      EXPECT_THAT(text, Not(HasSubstr(forbidden))) << file.name;
  }
}

TEST_F(RoutesTest, MistakesAreJson) {
  const std::string token = "Authorization: Bearer own\r\n";
  const std::string wrong = Get("/api/sweeps/" + sweep_ + "/grid?most=501", token);
  EXPECT_THAT(wrong, StartsWith("HTTP/1.1 400"));
  EXPECT_EQ(nlohmann::json::parse(BodyOf(wrong))["error"], "most: '501' is no whole number from 1 to 500");
  EXPECT_THAT(Get("/api/sweeps/s-none", token), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Get("/api/sweeps/%2e%2e", token), Not(StartsWith("HTTP/1.1 200")));
}

TEST_F(RoutesTest, LargeAnswersArePackedForWhoTakesThat) {
  {
    absl::MutexLock lock(&service_mutex_);
    for (int i = 0; i < 8; ++i) Submit(service::MakeSweep("more-" + std::to_string(i), 1, 1));
  }
  const std::string token = "Authorization: Bearer own\r\n";
  const std::string packed = Get("/api/sweeps", token + "Accept-Encoding: br, gzip\r\n");
  EXPECT_THAT(packed, HasSubstr("Content-Encoding: gzip"));
  EXPECT_THAT(packed, Not(HasSubstr("more-7")));
  EXPECT_THAT(Get("/api/sweeps", token), HasSubstr("more-7"));
}

// So many follow, and one more is told so; when one goes there is a place again.
TEST_F(RoutesTest, StreamsAreFew) {
  const std::string ask = "GET /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer own\r\n\r\n";
  const auto open = [&] {
    const int file = Dial(server_->address());
    EXPECT_EQ(write(file, ask.data(), ask.size()), static_cast<ssize_t>(ask.size()));
    // A stream goes on after its head, a refusal ends: head and body may come apart.
    std::string answer;
    char bytes[4096];
    for (ssize_t got; (got = read(file, bytes, sizeof(bytes))) > 0;) {
      answer.append(bytes, static_cast<std::size_t>(got));
      if (answer.starts_with("HTTP/1.1 200")) break;
    }
    return std::pair(file, answer);
  };
  std::vector<int> streams;
  for (int i = 0; i < Changes::kMostListeners; ++i) {
    const auto [file, answer] = open();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200")) << i;
    streams.push_back(file);
  }
  const auto [late, refused] = open();
  close(late);
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(refused, HasSubstr("16 pages follow already"));
  EXPECT_THAT(Get("/api/sweeps", "Authorization: Bearer own\r\n"), HasSubstr("demo"))
      << "questions are answered meanwhile";
  EXPECT_THAT(Get("/healthz"), HasSubstr("ok"));
  for (const int file : streams) close(file);
  // A closed one is noticed at its next beat.
  std::string again;
  for (int i = 0; i < 30 && !again.starts_with("HTTP/1.1 200"); ++i) {
    const auto [file, answer] = open();
    again = answer;
    close(file);
    if (!again.starts_with("HTTP/1.1 200")) std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  EXPECT_THAT(again, StartsWith("HTTP/1.1 200"));
}

TEST_F(RoutesTest, AStreamSaysWhatHasChangedAndEndsWithTheServer) {
  const int file = Dial(server_->address());
  const std::string ask =
      "GET /api/events HTTP/1.1\r\nHost: x\r\nAccept-Encoding: br\r\nAuthorization: Bearer own\r\n\r\n";
  ASSERT_EQ(write(file, ask.data(), ask.size()), static_cast<ssize_t>(ask.size()));
  std::string heard;
  const auto hear = [&](const std::string& text) {
    char bytes[4096];
    while (heard.find(text) == std::string::npos) {
      const ssize_t got = read(file, bytes, sizeof(bytes));
      if (got <= 0) return false;
      heard.append(bytes, static_cast<std::size_t>(got));
    }
    return true;
  };
  ASSERT_TRUE(hear("\"" + sweep_ + "\":true")) << heard;
  EXPECT_THAT(heard, HasSubstr("Content-Type: text/event-stream"));
  std::string other;
  {
    absl::MutexLock lock(&service_mutex_);
    other = Submit(service::MakeSweep("other", 1, 1)).sweep_id;
  }
  EXPECT_TRUE(hear("\"" + other + "\":true")) << heard;
  const auto begun = std::chrono::steady_clock::now();
  server_.reset();
  EXPECT_FALSE(hear("nothing more"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(4));
  close(file);
}

}  // namespace
}  // namespace lorikeet::web
