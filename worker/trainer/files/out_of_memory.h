// What an exception of LibTorch or the standard library says, as a status. Thread-safe.
#pragma once

#include <exception>

#include "common/status.h"

namespace lorikeet::trainer {

// ResourceExhausted ("out of memory: …") where memory ran out, on the device or here; Internal for another
// exception. One line.
Status StatusOf(const std::exception& exception);

}  // namespace lorikeet::trainer
