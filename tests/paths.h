// Where this build and its source lie. In a file of its own, so that what tests are compiled to is the same
// in every checkout.
#pragma once

namespace lorikeet {

extern const char* const kSourceDir;
extern const char* const kTestsDir;  // where golden files are
extern const char* const kBinDir;    // where the programs are

}  // namespace lorikeet
