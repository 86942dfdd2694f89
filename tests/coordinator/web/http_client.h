// Bytes to a server and back, for tests that look at what is on the wire.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace lorikeet::web {

inline int PortOf(const std::string& address) { return std::stoi(address.substr(address.rfind(':') + 1)); }

// Of one read: a peer that does not answer fails a test instead of holding it up.
inline constexpr std::chrono::seconds kAnswersWithin{30};

// A connection, or -1.
inline int Dial(const std::string& address) {
  const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval within{.tv_sec = kAnswersWithin.count(), .tv_usec = 0};
  setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &within, sizeof(within));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(PortOf(address)));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(file, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) return file;
  close(file);
  return -1;
}

// The whole answer to these bytes.
inline std::string Ask(const std::string& address, const std::string& request) {
  const int file = Dial(address);
  if (file < 0) return "no connection";
  std::string answer;
  // The server may have hung up in the middle of it.
  if (send(file, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size())) {
    char bytes[4096];
    for (ssize_t got; (got = read(file, bytes, sizeof(bytes))) > 0;)
      answer.append(bytes, static_cast<std::size_t>(got));
  }
  close(file);
  return answer;
}

inline std::string Get(const std::string& address, const std::string& path, const std::string& headers = "",
                       const std::string& method = "GET") {
  return Ask(address, method + " " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n");
}

}  // namespace lorikeet::web
