#include "tests/paths.h"

namespace lorikeet {

const char* const kSourceDir = LORIKEET_SOURCE_DIR;
const char* const kTestsDir = LORIKEET_SOURCE_DIR "/tests";
const char* const kBinDir = LORIKEET_BIN_DIR;

}  // namespace lorikeet
