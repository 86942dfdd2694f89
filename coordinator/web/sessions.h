// Who is logged in at the page: a cookie and a key for the token that somebody typed, so that the token
// itself is kept nowhere and stands in no URL.
//
// A browser sends cookies to every port of a host, and on loopback the other ports are other people's: so the
// cookie alone opens nothing. The page sends the key besides, in a header; it keeps it in its origin's
// storage, which other ports do not see. A script that got into the page would have the key but not the
// cookie, which is HttpOnly.
//
// Nothing is stored: both are sealed with the secret (HMAC-SHA256), so sessions outlive a restart, and there
// is no table that a flood could fill. A session ends with its token, with its time, and with the secret's
// file.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/clock.h"
#include "common/ids.h"
#include "coordinator/rpc/tokens_file.h"

namespace lorikeet::web {

inline constexpr std::chrono::hours kSessionLasts{24 * 14};

// Thread-safe, as far as the random source is.
class Sessions {
 public:
  struct Opened {
    std::string cookie;  // hexadecimal digits and '.'
    std::string key;     // hexadecimal digits
  };
  // Clock and random source outlive it.
  Sessions(std::string secret, const Clock& clock, RandomSource& random)
      : secret_(std::move(secret)), clock_(clock), random_(random) {}

  Opened Open(const rpc::TokenHash& token) const;
  // Whose token opened it; nothing where either is not ours, they are not of one session, or its time is
  // over.
  std::optional<rpc::TokenHash> Find(std::string_view cookie, std::string_view key) const;

 private:
  rpc::TokenHash Seal(std::string_view what, std::string_view text) const;

  const std::string secret_;
  const Clock& clock_;
  RandomSource& random_;
};

}  // namespace lorikeet::web
