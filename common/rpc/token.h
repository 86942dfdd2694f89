// The token that every call carries ("authorization: Bearer …"), on loopback too: login nodes are shared.
//
// A coordinator on loopback makes one at its first start, keeps it in its data folder and leaves it in
// $XDG_CONFIG_HOME/lorikeet/tokens/ADDR:PORT (~/.config where unset), readable by its owner alone. Beyond
// loopback tokens are made by hand (deploy/make-token.sh). None ever stands on a command line or in a log.
#pragma once

#include <grpcpp/grpcpp.h>

#include <map>
#include <string>
#include <vector>

#include "common/status.h"

namespace lorikeet::rpc {

// Where a coordinator listening at `address` leaves its token, and where tools look for it; localhost:PORT is
// the same as 127.0.0.1:PORT.
StatusOr<std::string> DefaultTokenFile(const std::string& address);
// Refuses what is no file (InvalidArgument), and one that others than its owner may read
// (FailedPrecondition).
Status CheckOwnersAlone(const std::string& file);
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

// Of a call, as a server sees it: what its "authorization: Bearer …" headers carry.
std::vector<std::string> PresentedTokens(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata);
// Adds the token to a call.
void Authorize(grpc::ClientContext& context, const std::string& token);

}  // namespace lorikeet::rpc
