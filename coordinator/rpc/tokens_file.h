// DATA/tokens: who may do what, a line a token: `role name sha256-hex [created]`.
//
// Only hashes stand there: who reads the file, or a backup of it, can do nothing with it. Empty lines and
// lines that begin with # are passed over. deploy/make-token.sh adds lines; a token is withdrawn by taking
// its line out.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "common/status.h"

namespace lorikeet::rpc {

enum class Role {
  kRead,    // looks: list, status, trials, logs, workers, table
  kClient,  // all that sweepctl does
  kWorker,  // the session, and nothing else
};
// "read", "client", "worker".
std::string Name(Role role);
// Whether a token of role `has` may do what needs `needed`: a client may read, too.
bool Grants(Role has, Role needed);

using TokenHash = std::array<unsigned char, 32>;  // SHA-256
TokenHash HashOfToken(std::string_view token);
// Takes the same time wherever the first difference is.
bool SameHash(const TokenHash& a, const TokenHash& b);

struct TokenEntry {
  Role role = Role::kRead;
  std::string name;  // who has it, for people
  TokenHash hash{};
};

// InvalidArgument with file:line for a line that is malformed, or whose role and name stand in another line;
// every such line.
StatusOr<std::vector<TokenEntry>> ParseTokens(std::string_view text, const std::string& file);
// Besides: NotFound; FailedPrecondition where others than its owner can read it.
StatusOr<std::vector<TokenEntry>> ReadTokens(const std::string& file);

}  // namespace lorikeet::rpc
