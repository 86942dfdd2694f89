#include "sweeps/export/mlflow_http.h"

#include <httplib.h>

#include <regex>

namespace lorikeet::exporting {
namespace {

constexpr int kSeconds = 60;
constexpr std::size_t kMostSaidBytes = 300;

struct Url {
  std::string scheme, host, origin,
      path;  // origin: scheme and host with its port; path: without a slash at its end
};

StatusOr<Url> ParseUrl(const std::string& text) {
  static const std::regex kUrl(
      R"((https?)://(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?((?:/[A-Za-z0-9._~%+-]*)*))");
  std::smatch match;
  if (!std::regex_match(text, match, kUrl)) {
    return InvalidArgument(
        "'{}' is no address of an MLflow server: http://HOST:PORT or https://HOST would be right", text);
  }
  Url url{.scheme = match[1], .host = match[2], .origin = {}, .path = match[4]};
  url.origin = url.scheme + "://" + url.host + match[3].str();
  while (!url.path.empty() && url.path.back() == '/') url.path.pop_back();
  return url;
}

bool IsThisMachine(const std::string& host) {
  static const std::regex kLoopback(R"(localhost|\[::1\]|127(\.[0-9]{1,3}){3})");
  return std::regex_match(host, kLoopback);
}

// The server's words, short and on one line: it may be anybody's.
std::string Said(const std::string& body) {
  const Json json = Json::parse(body, nullptr, false);
  std::string said = json.is_object() && !Text(json, "message").empty() ? Text(json, "message") : body;
  said = said.substr(0, kMostSaidBytes);
  for (char& c : said)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return said;
}

}  // namespace

struct Mlflow::Http::Impl {
  Url url;
  httplib::Client client;
  explicit Impl(Url parsed) : url(std::move(parsed)), client(url.origin) {}

  StatusOr<Json> Answer(const std::string& call, const httplib::Result& result) const {
    if (!result) {
      return Unavailable("the MLflow server at {} does not answer ({})", url.origin + url.path,
                         httplib::to_string(result.error()));
    }
    if (result->status == 401 || result->status == 403) {
      return MakeStatus(
          absl::StatusCode::kPermissionDenied,
          "the MLflow server at {} refuses: HTTP {}; MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and "
          "MLFLOW_TRACKING_PASSWORD, are what it may want: {}",
          url.origin + url.path, result->status, Said(result->body));
    }
    if (result->status != 200) {
      return FailedPrecondition("the MLflow server at {} answers {} with HTTP {}: {}", url.origin + url.path,
                                call, result->status, Said(result->body));
    }
    Json json = Json::parse(result->body, nullptr, false);
    if (!json.is_object()) {
      return FailedPrecondition("{} is no MLflow server: it answers {} with what is no JSON object",
                                url.origin + url.path, call);
    }
    return json;
  }
  std::string Path(const std::string& call) const { return url.path + "/api/2.0/mlflow/" + call; }
};

Mlflow::Http::Http(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Mlflow::Http::~Http() = default;

StatusOr<std::unique_ptr<Mlflow::Http>> Mlflow::Http::Create(const MlflowOptions& options) {
  ASSIGN_OR_RETURN(const Url url, ParseUrl(options.url));
  const bool secret = !options.token.empty() || !options.password.empty();
  if (secret && url.scheme == "http" && !IsThisMachine(url.host)) {
    return InvalidArgument("{}: a token or password goes over https only, or to this machine", options.url);
  }
  auto impl = std::make_unique<Impl>(url);
  impl->client.set_keep_alive(true);
  impl->client.set_connection_timeout(kSeconds);
  impl->client.set_read_timeout(kSeconds);
  impl->client.set_write_timeout(kSeconds);
  if (!options.token.empty()) {
    impl->client.set_bearer_token_auth(options.token);
  } else if (!options.user.empty()) {
    impl->client.set_basic_auth(options.user, options.password);
  }
  return std::unique_ptr<Http>(new Http(std::move(impl)));
}

StatusOr<Json> Mlflow::Http::Post(const std::string& call, const Json& request) {
  const std::string body = request.dump(-1, ' ', false, Json::error_handler_t::replace);
  return impl_->Answer(call, impl_->client.Post(impl_->Path(call), body, "application/json"));
}

StatusOr<std::optional<Json>> Mlflow::Http::Find(const std::string& call, const std::string& key,
                                                 const std::string& value) {
  const httplib::Result result =
      impl_->client.Get(impl_->Path(call), httplib::Params{{key, value}}, httplib::Headers());
  // 404 comes from servers that are none of MLflow's, too: theirs has a code in JSON.
  if (result && result->status == 404) {
    const Json json = Json::parse(result->body, nullptr, false);
    if (json.is_object() && Text(json, "error_code") == "RESOURCE_DOES_NOT_EXIST") return std::nullopt;
  }
  ASSIGN_OR_RETURN(Json answer, impl_->Answer(call, result));
  return std::optional<Json>(std::move(answer));
}

}  // namespace lorikeet::exporting
