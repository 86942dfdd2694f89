#include "coordinator/web/routes.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "common/status.h"

namespace lorikeet::web {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr const char* kJsonType = "application/json";
// Nothing from elsewhere, nothing inline, nothing framed; scripts cannot make markup of text.
constexpr const char* kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'";
constexpr int kFast = 1;                     // of gzip's levels
constexpr std::size_t kWorthPacking = 1024;  // bytes
// A stream says so often that it is there, and is looked at so often whether its peer is.
constexpr std::chrono::seconds kHeartbeat{10}, kLook{1};

void SetHeader(httplib::Response& response, const std::string& name, const std::string& value) {
  response.headers.erase(name);
  response.set_header(name, value);
}

// As it is or packed, whichever the client takes; httplib's own packing takes brotli's time.
void Send(const httplib::Request& request, httplib::Response& response, const std::string& type,
          std::string_view plain, std::string gzip) {
  const bool pack =
      !gzip.empty() && request.get_header_value("Accept-Encoding").find("gzip") != std::string::npos;
  auto bytes = std::make_shared<const std::string>(pack ? std::move(gzip) : std::string(plain));
  if (pack) SetHeader(response, "Content-Encoding", "gzip");
  SetHeader(response, "Vary", "Accept-Encoding");
  response.set_content_provider(
      bytes->size(), type, [bytes](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
        return sink.write(bytes->data() + offset, std::min(length, bytes->size() - offset));
      });
}

void SendJson(const httplib::Request& request, httplib::Response& response, const std::string& json) {
  Send(request, response, kJsonType, json, json.size() < kWorthPacking ? "" : Gzip(json, kFast));
}

void Refuse(httplib::Response& response, int code, const std::string& why) {
  response.status = code;
  response.set_content(
      nlohmann::json{{"error", why}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
      kJsonType);
}

int CodeOf(const Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
      return 503;
    default:
      return 500;
  }
}

// The value of a cookie of that name; empty without.
std::string CookieOf(const httplib::Request& request, const std::string& name) {
  const std::string header = request.get_header_value("Cookie");
  for (std::size_t begin = 0; begin < header.size();) {
    std::size_t end = header.find(';', begin);
    if (end == std::string::npos) end = header.size();
    std::string_view pair(header.data() + begin, end - begin);
    while (!pair.empty() && pair.front() == ' ') pair.remove_prefix(1);
    if (pair.size() > name.size() && pair.substr(0, name.size()) == name && pair[name.size()] == '=')
      return std::string(pair.substr(name.size() + 1));
    begin = end + 1;
  }
  return "";
}

Status Allowed(const Routes& routes, const httplib::Request& request) {
  if (request.has_header("Authorization"))
    return routes.access->Check(PresentedTokens(request), rpc::Role::kRead).status();
  const std::string cookie = CookieOf(request, routes.cookie);
  const std::optional<rpc::TokenHash> token =
      routes.sessions.Find(cookie, request.get_header_value("Lorikeet-Key"));
  if (token && routes.access->Allows(*token, rpc::Role::kRead)) return absl::OkStatus();
  return absl::UnauthenticatedError(
      "this needs a token that may read: log in, or send Authorization: Bearer");
}

// Whether the request comes from a page of ours, as far as its browser says.
bool IsSameOrigin(const httplib::Request& request) {
  if (!request.has_header("Origin")) return true;
  const std::string origin = request.get_header_value("Origin"), host = request.get_header_value("Host");
  return origin == "http://" + host || origin == "https://" + host;
}

std::string CookieHeader(const Routes& routes, const std::string& value, std::chrono::seconds lasts) {
  return fmt::format("{}={}; Path=/api; HttpOnly; SameSite=Strict; Max-Age={}{}", routes.cookie, value,
                     lasts.count(), routes.tls ? "; Secure" : "");
}

void LogIn(const Routes& routes, const httplib::Request& request, httplib::Response& response) {
  if (!IsSameOrigin(request)) return Refuse(response, 403, "this is for the coordinator's own page");
  if (!request.get_header_value("Content-Type").starts_with(kJsonType))
    return Refuse(response, 400, std::string("the body is to be ") + kJsonType);
  const auto body = nlohmann::json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object() || !body.contains("token") || !body["token"].is_string())
    return Refuse(response, 400, R"(the body is to be {"token": "..."})");
  const StatusOr<rpc::TokenHash> token =
      routes.access->Check(std::vector<std::string>{body["token"].get<std::string>()}, rpc::Role::kRead);
  if (!token.ok()) return Refuse(response, CodeOf(token.status()), Message(token.status()));
  const Sessions::Opened session = routes.sessions.Open(*token);
  SetHeader(response, "Set-Cookie", CookieHeader(routes, session.cookie, kSessionLasts));
  response.set_content(nlohmann::json{{"key", session.key}}.dump(), kJsonType);
}

void LogOut(const Routes& routes, const httplib::Request& request, httplib::Response& response) {
  if (!IsSameOrigin(request)) return Refuse(response, 403, "this is for the coordinator's own page");
  SetHeader(response, "Set-Cookie", CookieHeader(routes, "", std::chrono::seconds(0)));
  response.set_content("{}", kJsonType);
}

void GivePage(const Routes& routes, const httplib::Request& request, httplib::Response& response) {
  const Page::File* const file = routes.page.Find("index.html");
  SetHeader(response, "Content-Security-Policy", kPagePolicy);
  SetHeader(response, "Cache-Control", "no-cache");
  SetHeader(response, "Cross-Origin-Opener-Policy", "same-origin");
  Send(request, response, std::string(file->type), file->bytes, file->gzip);
}

void GiveAsset(const Routes& routes, const httplib::Request& request, httplib::Response& response) {
  const Page::File* const file =
      request.matches[1].str() == routes.page.hash() ? routes.page.Find(request.matches[2].str()) : nullptr;
  if (file == nullptr) {
    response.status = 404;
    response.set_content("there is no such file; the page may be of another build: load it again\n",
                         "text/plain; charset=utf-8");
    return;
  }
  SetHeader(response, "Cache-Control", "public, max-age=31536000, immutable");
  SetHeader(response, "Cross-Origin-Resource-Policy", "same-origin");
  Send(request, response, std::string(file->type), file->bytes, file->gzip);
}

void Answer(const Routes& routes, const httplib::Request& request, httplib::Response& response) {
  if (const Status allowed = Allowed(routes, request); !allowed.ok()) {
    if (absl::IsUnauthenticated(allowed)) SetHeader(response, "WWW-Authenticate", "Bearer");
    return Refuse(response, CodeOf(allowed), Message(allowed));
  }
  const StatusOr<std::string> json =
      routes.api->Answer({.path = request.matches[1].str(), .parameters = request.params});
  if (!json.ok()) return Refuse(response, CodeOf(json.status()), Message(json.status()));
  SendJson(request, response, *json);
}

std::string EventOf(const Routes& routes, const Changes::News& news) {
  nlohmann::json json = {{"version", news.version},
                         {"sweeps", news.sweeps},
                         {"workers", news.workers},
                         {"unwell", news.unwell},
                         {"page", routes.page.hash()}};
  return "event: changed\ndata: " + json.dump() + "\n\n";
}

void Stream(const std::shared_ptr<const Routes>& routes, const httplib::Request& request,
            httplib::Response& response) {
  if (const Status allowed = Allowed(*routes, request); !allowed.ok())
    return Refuse(response, CodeOf(allowed), Message(allowed));
  if (!routes->changes->Enter()) {
    SetHeader(response, "Retry-After", "60");
    return Refuse(
        response, 503,
        fmt::format("{} pages follow already; this one has to ask again by itself", Changes::kMostListeners));
  }
  const auto seen = std::make_shared<std::int64_t>(0);
  // Told again at every beat: who has lost its token hears nothing more.
  const auto still_allowed = [routes, request_headers = request.headers] {
    httplib::Request again;
    again.headers = request_headers;
    return Allowed(*routes, again).ok();
  };
  response.set_chunked_content_provider(
      "text/event-stream",
      [routes, seen, still_allowed](std::size_t, httplib::DataSink& sink) {
        std::optional<Changes::News> news;
        for (Duration waited{}; !news && waited < kHeartbeat && sink.is_writable(); waited += kLook)
          news = routes->changes->Next(*seen, kLook);
        if (routes->changes->closed() || !sink.is_writable() || !still_allowed()) {
          sink.done();
          return true;
        }
        if (!news) return sink.write(":\n\n", 3);
        *seen = news->version;
        const std::string event = EventOf(*routes, *news);
        return sink.write(event.data(), event.size());
      },
      [routes](bool) { routes->changes->Leave(); });
}

}  // namespace

std::vector<std::string> PresentedTokens(const httplib::Request& request) {
  std::vector<std::string> tokens;
  const auto [begin, end] = request.headers.equal_range("Authorization");
  for (auto header = begin; header != end; ++header) {
    if (header->second.starts_with(kBearer)) tokens.push_back(header->second.substr(kBearer.size()));
  }
  return tokens;
}

void SetPageRoutes(httplib::Server& server, const std::shared_ptr<const Routes>& routes) {
  const auto with = [routes](void (*handle)(const Routes&, const httplib::Request&, httplib::Response&)) {
    return [routes, handle](const httplib::Request& request, httplib::Response& response) {
      handle(*routes, request, response);
    };
  };
  server.Get("/", with(GivePage));
  server.Get(R"(/assets/([0-9a-f]{1,64})/([A-Za-z0-9_.-]{1,64}))", with(GiveAsset));
  server.Post(kLogin, with(LogIn));
  server.Post(kLogout, with(LogOut));
  server.Get("/api/events", [routes](const httplib::Request& request, httplib::Response& response) {
    Stream(routes, request, response);
  });
  server.Get(R"(/api/([A-Za-z0-9/_-]{1,200}))", with(Answer));
}

}  // namespace lorikeet::web
