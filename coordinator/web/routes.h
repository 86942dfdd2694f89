// The page, its files, its questions and its stream of changes, as routes of the HTTP server.
//
// The page and its files hold nothing of anybody's and are given to whoever asks. Every question needs a
// token that may read, on loopback too: as `Authorization: Bearer`, or as a session that the page has opened
// with it (sessions.h).
#pragma once

#include <httplib.h>

#include <memory>
#include <string>

#include "coordinator/rpc/access.h"
#include "coordinator/web/api/api.h"
#include "coordinator/web/api/changes.h"
#include "coordinator/web/page/page.h"
#include "coordinator/web/sessions.h"

namespace lorikeet::web {

// Shared by the routes. Constant, but for what is thread-safe by itself.
struct Routes {
  std::shared_ptr<const rpc::Access> access;
  std::shared_ptr<const Api> api;
  std::shared_ptr<Changes> changes;
  Sessions sessions;
  Page page;
  bool tls = false;
  std::string cookie;  // its name: a host's cookies go to all of its ports
};

inline constexpr const char* kLogin = "/api/login";
inline constexpr const char* kLogout = "/api/logout";
// Of the login's body, which is the only one that is read.
inline constexpr std::size_t kMostLoginBytes = 4096;

// Tokens of the request's "Authorization: Bearer" headers.
std::vector<std::string> PresentedTokens(const httplib::Request& request);

void SetPageRoutes(httplib::Server& server, const std::shared_ptr<const Routes>& routes);

}  // namespace lorikeet::web
