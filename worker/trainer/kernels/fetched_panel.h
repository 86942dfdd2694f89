// What Panels (panels.h) multiplies floats with on x86-64 with AVX2 and no AVX-512.
#pragma once

#include <cstdint>

namespace lorikeet::trainer {

// Columns of a vector, and of a panel: three vectors of sums for each of four rows leave four of the
// processor's 16 registers for the panel and for x.
inline constexpr std::int64_t kFetchedVector = 8, kFetchedWidth = 24;

// y [rows, columns] = x [rows, in] · panel [in, width], or added to y, while what lies behind the panel is
// fetched. width: a multiple of kFetchedVector up to kFetchedWidth; columns ≤ width.
void MultiplyFetched(std::int64_t rows, std::int64_t in, const float* x, std::int64_t ldx, const float* panel,
                     std::int64_t width, float* y, std::int64_t ldy, std::int64_t columns, bool add);

}  // namespace lorikeet::trainer
