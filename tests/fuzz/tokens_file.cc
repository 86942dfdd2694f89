// DATA/tokens: what is accepted says who may do what, each once, and nothing of what is refused that could be
// a secret is said.
#include "coordinator/rpc/tokens_file.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace lorikeet::fuzz {
namespace {

using rpc::TokenEntry;

std::string Line(const TokenEntry& entry) {
  std::string hex;
  for (const unsigned char byte : entry.hash) hex += fmt::format("{:02x}", byte);
  return fmt::format("{} {} {}\n", rpc::Name(entry.role), entry.name, hex);
}

bool Same(const TokenEntry& a, const TokenEntry& b) {
  return a.role == b.role && a.name == b.name && rpc::SameHash(a.hash, b.hash);
}

void CheckEntries(const std::vector<TokenEntry>& entries) {
  std::set<std::pair<rpc::Role, std::string>> names;
  std::string text;
  for (const TokenEntry& entry : entries) {
    Require(names.emplace(entry.role, entry.name).second, "a role has a name once");
    Require(!entry.name.empty() && entry.name.size() <= 64, "a name is neither empty nor long");
    text += Line(entry);
  }
  const auto again = rpc::ParseTokens(text, "tokens");
  RequireOk(again.status(), "entries are read as they were written");
  Require(again->size() == entries.size() &&
              std::equal(entries.begin(), entries.end(), again->begin(), again->end(), &Same),
          "entries are the same when they are read again");
}

// A word as long as a token, and as nobody calls anybody.
bool CouldBeSecret(std::string_view word) {
  return word.size() >= 64 && word.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void CheckSilence(std::string_view input, const std::string& message) {
  constexpr std::string_view kSpace = " \t\r\n";
  for (std::size_t at = input.find_first_not_of(kSpace); at != std::string_view::npos;) {
    const std::size_t end = std::min(input.find_first_of(kSpace, at), input.size());
    const std::string_view word = input.substr(at, end - at);
    at = input.find_first_not_of(kSpace, end);
    if (CouldBeSecret(word)) Require(message.find(word) == std::string::npos, "a secret is not told");
  }
}

}  // namespace

void TryInput(std::string_view input) {
  const auto entries = rpc::ParseTokens(input, "tokens");
  if (entries.ok()) return CheckEntries(*entries);
  RequireRefusal(entries.status(), "tokens:");
  CheckSilence(input, Message(entries.status()));
}

}  // namespace lorikeet::fuzz
