// What this host calls itself: a worker says it in its Hello, and whoever runs beside one compares.
#pragma once

#include <string>

namespace lorikeet {

// gethostname's; "unknown" where there is none.
std::string HostName();

}  // namespace lorikeet
