#include "coordinator/web/sessions.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "common/status.h"

namespace lorikeet::web {
namespace {

constexpr std::size_t kHashDigits = 64, kNumberDigits = 16;
// "expires.nonce.token's hash.seal"
constexpr std::size_t kCookieParts = 4;

std::string Hex(const rpc::TokenHash& bytes) {
  std::string digits;
  for (const unsigned char byte : bytes) digits += fmt::format("{:02x}", byte);
  return digits;
}

int ValueOf(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

std::optional<std::uint64_t> NumberFrom(std::string_view digits) {
  if (digits.size() != kNumberDigits) return std::nullopt;
  std::uint64_t number = 0;
  for (const char digit : digits) {
    if (ValueOf(digit) < 0) return std::nullopt;
    number = number << 4 | static_cast<std::uint64_t>(ValueOf(digit));
  }
  return number;
}

std::optional<rpc::TokenHash> HashFrom(std::string_view digits) {
  if (digits.size() != kHashDigits) return std::nullopt;
  rpc::TokenHash hash{};
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const int high = ValueOf(digits[2 * i]), low = ValueOf(digits[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    hash.at(i) = static_cast<unsigned char>(high << 4 | low);
  }
  return hash;
}

std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t dot = text.find('.');
    parts.push_back(text.substr(0, dot));
    if (dot == std::string_view::npos || parts.size() > kCookieParts) return parts;
    text.remove_prefix(dot + 1);
  }
}

std::uint64_t SecondsOf(WallTime time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}

}  // namespace

rpc::TokenHash Sessions::Seal(std::string_view what, std::string_view text) const {
  // `what` keeps a cookie's seal and its key apart.
  const std::string sealed = std::string(what) + ":" + std::string(text);
  rpc::TokenHash seal{};
  unsigned int bytes = 0;
  HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
       reinterpret_cast<const unsigned char*>(sealed.data()), sealed.size(), seal.data(), &bytes);
  return seal;
}

Sessions::Opened Sessions::Open(const rpc::TokenHash& token) const {
  // That nonces differ is all that is asked of them: what cannot be guessed is the secret.
  const std::string text = fmt::format("{:016x}.{:016x}{:016x}.{}", SecondsOf(clock_.Wall() + kSessionLasts),
                                       random_.Next(), random_.Next(), Hex(token));
  return {.cookie = text + "." + Hex(Seal("cookie", text)), .key = Hex(Seal("key", text))};
}

std::optional<rpc::TokenHash> Sessions::Find(std::string_view cookie, std::string_view key) const {
  const std::vector<std::string_view> parts = Split(cookie);
  if (parts.size() != kCookieParts) return std::nullopt;
  const std::string_view text = cookie.substr(0, cookie.rfind('.'));
  const auto expires = NumberFrom(parts[0]);
  const auto token = HashFrom(parts[2]), seal = HashFrom(parts[3]), shown = HashFrom(key);
  if (!expires || !token || !seal || !shown) return std::nullopt;
  const bool sealed = rpc::SameHash(*seal, Seal("cookie", text));
  const bool keyed = rpc::SameHash(*shown, Seal("key", text));
  if (!sealed || !keyed || *expires <= SecondsOf(clock_.Wall())) return std::nullopt;
  return token;
}

}  // namespace lorikeet::web
