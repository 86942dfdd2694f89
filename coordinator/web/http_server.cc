#include "coordinator/web/http_server.h"

#include <httplib.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/rpc/certificates.h"
#include "coordinator/web/bounded_pool.h"
#include "coordinator/web/routes.h"

namespace lorikeet::web {
namespace {

constexpr std::chrono::seconds kEndsWithin{4};

class TaskQueue : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> work) override { pool_.Add(std::move(work)); }
  void shutdown() override { pool_.Shutdown(); }

 private:
  BoundedPool pool_{kThreads, kMostWaiting};
};

void Answer(httplib::Response& response, int code, const std::string& text,
            const char* type = "text/plain; charset=utf-8") {
  response.status = code;
  response.set_content(text, type);
}

void AnswerMetrics(const HttpOptions& options, const httplib::Request& request, httplib::Response& response) {
  if (const Status allowed = options.access->Check(PresentedTokens(request), rpc::Role::kRead).status();
      !allowed.ok()) {
    const bool unknown = absl::IsUnauthenticated(allowed);
    if (unknown) response.set_header("WWW-Authenticate", "Bearer");
    return Answer(response, unknown ? 401 : 403, Message(allowed) + "\n");
  }
  Answer(response, 200, options.metrics(), "text/plain; version=0.0.4; charset=utf-8");
}

void AnswerHealth(const HttpOptions& options, httplib::Response& response) {
  const std::optional<Duration> since = options.since_last_turn();
  if (since && *since <= kUnwellAfter) return Answer(response, 200, "ok\n");
  Answer(response, 503,
         since ? fmt::format("the service has not finished a turn for {} s\n",
                             std::chrono::duration_cast<std::chrono::seconds>(*since).count())
               : "the service has not finished its first turn yet\n");
}

// `listening` gets the socket once there is one.
void SetRules(httplib::Server& server, const std::shared_ptr<socket_t>& listening) {
  server.new_task_queue = [] { return new TaskQueue; };
  server.set_keep_alive_max_count(1);  // an idle connection would hold a thread
  server.set_keep_alive_timeout(kReadWithin.count());
  server.set_read_timeout(kReadWithin);
  server.set_write_timeout(kWriteWithin);
  server.set_payload_max_length(kMostLoginBytes);
  server.set_tcp_nodelay(true);
  // httplib's own options would let a second coordinator share the port in silence.
  server.set_socket_options([listening](socket_t socket) {
    *listening = socket;
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    // Accepted connections inherit it: a stream of changes ends with its peer.
    const unsigned int within = std::chrono::milliseconds(kAcknowledgesWithin).count();
    setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &within, sizeof(within));
  });
  // What is no page may load nothing (the page says what it may); and no header lets another site's page read
  // an answer.
  server.set_default_headers({{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
                              {"X-Content-Type-Options", "nosniff"},
                              {"Referrer-Policy", "no-referrer"},
                              {"Cache-Control", "no-store"}});
}

void SetAnswers(httplib::Server& server, const std::shared_ptr<const HttpOptions>& options) {
  server.set_pre_routing_handler([](const httplib::Request& request, httplib::Response& response) {
    const bool session = request.path == kLogin || request.path == kLogout;
    if (session ? request.method == "POST" : request.method == "GET" || request.method == "HEAD")
      return httplib::Server::HandlerResponse::Unhandled;
    response.set_header("Allow", session ? "POST" : "GET, HEAD");
    Answer(response, 405, session ? "only POST\n" : "only GET and HEAD\n");
    return httplib::Server::HandlerResponse::Handled;
  });
  server.Get("/metrics", [options](const httplib::Request& request, httplib::Response& response) {
    AnswerMetrics(*options, request, response);
  });
  server.Get("/healthz", [options](const httplib::Request&, httplib::Response& response) {
    AnswerHealth(*options, response);
  });
  server.set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (response.body.empty())
      response.set_content("there are /, /metrics and /healthz\n", "text/plain; charset=utf-8");
  });
  // NOLINTNEXTLINE(performance-unnecessary-value-param): httplib's own signature
  server.set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
    Answer(response, 500, "the coordinator could not make this answer\n");
  });
}

StatusOr<std::shared_ptr<httplib::Server>> MakeServer(const HttpOptions& options) {
  if (rpc::IsLoopback(options.listen)) return std::make_shared<httplib::Server>();
  const rpc::TlsFiles& tls = options.tls;
  auto server = std::make_shared<httplib::SSLServer>([&](SSL_CTX& context) {
    SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION);
    return SSL_CTX_use_certificate_chain_file(&context, tls.certificate.c_str()) == 1 &&
           SSL_CTX_use_PrivateKey_file(&context, tls.key.c_str(), SSL_FILETYPE_PEM) == 1;
  });
  if (!server->is_valid()) {
    return InvalidArgument("{} and {}: TLS refuses them", tls.certificate, tls.key);
  }
  return server;
}

}  // namespace

Status CheckHttpListen(const std::string& listen, const rpc::TlsFiles& tls) {
  if (Status address = rpc::CheckAddress(listen); !address.ok()) return Annotate(address, "--http");
  if (rpc::IsLoopback(listen)) return absl::OkStatus();
  if (tls.certificate.empty() || tls.key.empty()) {
    return InvalidArgument(
        "--http {}: beyond loopback only with TLS: --tls-certificate FILE --tls-key FILE; or --http off",
        listen);
  }
  return rpc::ReadPair(tls.certificate, tls.key, RealClock().Wall()).status();
}

struct HttpServer::Impl {
  std::shared_ptr<Live> live;        // null without a page
  std::shared_ptr<Changes> changes;  // null without a page
  std::string address;
  bool tls = false;
  std::shared_ptr<httplib::Server> server;
  std::thread listener;
  // Set by the listener when it is done. Shared, since it may be left behind.
  struct Ended {
    absl::Mutex mutex;
    bool ended ABSL_GUARDED_BY(mutex) = false;
  };
  std::shared_ptr<Ended> ended = std::make_shared<Ended>();
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

const std::string& HttpServer::address() const { return impl_->address; }
std::string HttpServer::url() const { return (impl_->tls ? "https://" : "http://") + impl_->address; }

StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpOptions& options) {
  RETURN_IF_ERROR(CheckHttpListen(options.listen, options.tls));
  auto impl = std::make_unique<Impl>();
  impl->tls = !rpc::IsLoopback(options.listen);
  ASSIGN_OR_RETURN(impl->server, MakeServer(options));
  const auto listening = std::make_shared<socket_t>(INVALID_SOCKET);
  SetRules(*impl->server, listening);
  SetAnswers(*impl->server, std::make_shared<const HttpOptions>(options));
  std::string host = rpc::HostOf(options.listen);
  int port = std::stoi(options.listen.substr(options.listen.rfind(':') + 1));
  const std::string bare = host.front() == '[' ? host.substr(1, host.size() - 2) : host;
  errno = 0;
  if (port == 0) {
    port = impl->server->bind_to_any_port(bare);
  } else if (!impl->server->bind_to_port(bare, port)) {
    port = -1;
  }
  if (port <= 0) {
    return FailedPrecondition("--http {}: cannot listen there: {}", options.listen,
                              errno != 0 ? std::strerror(errno) : "no such address");
  }
  listen(*listening, kKernelQueue);  // httplib's own is 5; where it cannot be longer, that serves
  impl->address = host + ":" + std::to_string(port);
  if (options.live != nullptr) {
    const auto api = std::make_shared<const Api>(ApiOptions{.database_path = options.database_path,
                                                            .version = options.version,
                                                            .build = options.build,
                                                            .live = options.live});
    impl->live = options.live;
    impl->changes = std::make_shared<Changes>([api] { return api->Look(); });
    SetPageRoutes(*impl->server, std::make_shared<const Routes>(
                                     Routes{.access = options.access,
                                            .api = api,
                                            .changes = impl->changes,
                                            .sessions = {options.page_secret, RealClock(), SystemRandom()},
                                            .page = {},
                                            .tls = impl->tls,
                                            .cookie = fmt::format("lorikeet_{}", port)}));
  }
  impl->listener = std::thread([server = impl->server, ended = impl->ended] {
    server->listen_after_bind();
    absl::MutexLock lock(&ended->mutex);
    ended->ended = true;
  });
  // Before that, stopping it would do nothing.
  const auto is_done = [&] {
    absl::MutexLock lock(&impl->ended->mutex);
    return impl->ended->ended;
  };
  while (!impl->server->is_running() && !is_done()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::~HttpServer() {
  if (impl_->changes != nullptr) impl_->changes->Close();  // streams end
  if (impl_->live != nullptr) impl_->live->Close();
  impl_->server->stop();
  bool ended = false;
  {
    Impl::Ended& end = *impl_->ended;
    absl::MutexLock lock(&end.mutex);
    ended = end.mutex.AwaitWithTimeout(absl::Condition(&end.ended), absl::FromChrono(kEndsWithin));
  }
  // Somebody drips bytes into a connection, and httplib cannot be told to end it. The threads hold what they
  // use.
  ended ? impl_->listener.join() : impl_->listener.detach();
}

}  // namespace lorikeet::web
