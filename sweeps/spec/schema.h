// A JSON Schema of the sweep file, for editors: printed from the declarations of the keys.
//
// Draft 7, which editors' YAML language server knows best. It takes every file that the reader takes; what it
// cannot say (rules across sections, files that are there) is listed in docs/sweep-file.md. Pure;
// thread-safe.
#pragma once

#include <string>

namespace lorikeet::spec {

// Indented, with a newline at its end. The same text each time.
std::string SweepFileSchema();

}  // namespace lorikeet::spec
