// What this build is called: in --version, in every attempt's row, on the wire.
#pragma once

#include <string>

namespace lorikeet {

// "0.1.0"
std::string Version();
// "0.1.0 (4f2a9c81d0e3)": version and revision. Two builds with the same text hold the same code.
std::string Build();
// The wire protocol's version; coordinator N serves workers N and N - 1.
inline constexpr int kProtocolVersion = 1;

}  // namespace lorikeet
