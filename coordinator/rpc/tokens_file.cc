#include "coordinator/rpc/tokens_file.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "common/files.h"
#include "common/rpc/token.h"

namespace lorikeet::rpc {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;
constexpr std::size_t kMostName = 64;
constexpr std::size_t kMostCreated = 32;
constexpr const char* kLine = "'role name sha256-hex [created]', as deploy/make-token.sh writes it";

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._-@").find(c) != std::string_view::npos;
}

std::optional<Role> ParseRole(std::string_view word) {
  for (const Role role : {Role::kRead, Role::kClient, Role::kWorker}) {
    if (word == Name(role)) return role;
  }
  return std::nullopt;
}

std::optional<unsigned char> Digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned char>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned char>(c - 'a' + 10);
  return std::nullopt;
}

std::optional<TokenHash> ParseHash(std::string_view hex) {
  TokenHash hash{};
  if (hex.size() != 2 * hash.size()) return std::nullopt;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const auto high = Digit(hex[2 * i]), low = Digit(hex[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    hash[i] = static_cast<unsigned char>(*high << 4 | *low);
  }
  return hash;
}

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  constexpr std::string_view kSpace = " \t\r";
  for (std::size_t at = line.find_first_not_of(kSpace); at != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(kSpace, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(kSpace, end);
  }
  return words;
}

// What is wrong is said without the line itself: a token may have been put where its hash belongs.
StatusOr<TokenEntry> ParseLine(const std::vector<std::string_view>& words) {
  if (words.size() < 3 || words.size() > 4) {
    return InvalidArgument("{} words; a line is {}", words.size(), kLine);
  }
  const std::optional<Role> role = ParseRole(words[0]);
  if (!role) return InvalidArgument("the first word is no role: read, client or worker");
  const std::string_view name = words[1];
  if (name.size() > kMostName || !std::all_of(name.begin(), name.end(), IsNameCharacter)) {
    return InvalidArgument("the second word is no name: letters, digits, '.', '_', '-' and '@', at most {}",
                           kMostName);
  }
  const std::optional<TokenHash> hash = ParseHash(words[2]);
  if (!hash) return InvalidArgument("the third word is no SHA-256: 64 hexadecimal digits in lower case");
  if (words.size() == 4 && words[3].size() > kMostCreated) {
    return InvalidArgument("the fourth word is no time: at most {} characters", kMostCreated);
  }
  return TokenEntry{*role, std::string(name), *hash};
}

}  // namespace

std::string Name(Role role) {
  switch (role) {
    case Role::kRead:
      return "read";
    case Role::kClient:
      return "client";
    case Role::kWorker:
      return "worker";
  }
  return "unknown";
}

bool Grants(Role has, Role needed) {
  return has == needed || (has == Role::kClient && needed == Role::kRead);
}

TokenHash HashOfToken(std::string_view token) {
  TokenHash hash{};
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), hash.data());
  return hash;
}

bool SameHash(const TokenHash& a, const TokenHash& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

StatusOr<std::vector<TokenEntry>> ParseTokens(std::string_view text, const std::string& file) {
  if (text.size() > kMostBytes) {
    return InvalidArgument("{}: {} bytes; a file of tokens has at most {}", file, text.size(), kMostBytes);
  }
  std::vector<TokenEntry> entries;
  std::map<std::pair<Role, std::string>, int> lines;
  std::string mistakes;
  const auto refuse = [&](int line, const std::string& what) {
    mistakes += fmt::format("{}{}:{}: {}", mistakes.empty() ? "" : "\n", file, line, what);
  };
  int number = 0;
  for (std::size_t at = 0; at < text.size();) {
    ++number;
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::vector<std::string_view> words = Words(text.substr(at, end - at));
    at = end + 1;
    if (words.empty() || words[0].front() == '#') continue;
    StatusOr<TokenEntry> entry = ParseLine(words);
    if (!entry.ok()) {
      refuse(number, Message(entry.status()));
      continue;
    }
    const auto [known, fresh] = lines.emplace(std::pair(entry->role, entry->name), number);
    if (!fresh) {
      refuse(number,
             fmt::format("the same role and name as line {}: each name of a role once", known->second));
    }
    entries.push_back(*std::move(entry));
  }
  if (!mistakes.empty()) return InvalidArgument("{}", mistakes);
  return entries;
}

StatusOr<std::vector<TokenEntry>> ReadTokens(const std::string& file) {
  RETURN_IF_ERROR(CheckOwnersAlone(file));
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  return ParseTokens(text, file);
}

}  // namespace lorikeet::rpc
