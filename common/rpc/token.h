// The token that every call carries ("authorization: Bearer …"), on loopback too: login nodes are shared.
//
// A coordinator on loopback makes one at its first start, keeps it in its data folder and leaves it in
// $XDG_CONFIG_HOME/lorikeet/tokens/ADDR:PORT (~/.config where unset), readable by its owner alone.
#pragma once

#include <grpcpp/grpcpp.h>

#include <map>
#include <string>
#include <utility>

#include "common/status.h"

namespace lorikeet::rpc {

// Where a coordinator listening at `address` leaves its token, and where tools look for it; localhost:PORT is
// the same as 127.0.0.1:PORT.
StatusOr<std::string> DefaultTokenFile(const std::string& address);
// Reads a token: white space around it is dropped. Refuses an empty file, one that others may read, and a
// token that cannot travel in a header (anything but printable ASCII without spaces).
StatusOr<std::string> ReadToken(const std::string& file);
// Writes a token for its owner alone (0600), making the folders on the way (0700).
Status WriteToken(const std::string& file, const std::string& token);
// The token in `file`; where there is no such file, makes a token and writes it there.
StatusOr<std::string> ReadOrMakeToken(const std::string& file);
// For clients: `flag`, else $LORIKEET_TOKEN_FILE, else DefaultTokenFile(address). The error says all three;
// it is Unavailable where a coordinator on loopback has not left one yet: it may, once it starts.
StatusOr<std::string> FindToken(const std::string& flag, const std::string& address);

// For servers. Thread-safe; compares in constant time.
class TokenChecker {
 public:
  explicit TokenChecker(std::string token) : token_(std::move(token)) {}
  // Unauthenticated where the token is missing or wrong; the message says where tools look for it.
  Status Check(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) const;

 private:
  const std::string token_;
};

// Adds the token to a call.
void Authorize(grpc::ClientContext& context, const std::string& token);

}  // namespace lorikeet::rpc
