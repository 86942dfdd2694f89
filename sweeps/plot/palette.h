// Colours that people with colour-blindness tell apart, too.
#pragma once

#include <cstddef>

#include "sweeps/plot/figure.h"

namespace lorikeet::plot {

// Of lines that differ in kind: those of Okabe and Ito (Color Universal Design, 2008) without black, which is
// the baseline's, and yellow, which is not seen on white. From kHues on they come again.
inline constexpr std::size_t kHues = 6;
Colour Hue(std::size_t index);
// The marker that goes with it, and changes when the colours come again.
Marker MarkerOf(std::size_t index);
// Of many lines in an order: from dark to light by viridis, without its lightest end. `share` in [0, 1].
Colour Shade(double share);

inline constexpr Colour kInk{0.13, 0.13, 0.13}, kBaselineColour{0, 0, 0}, kFaint{0.45, 0.45, 0.45},
    kGrid{0.88, 0.88, 0.88}, kBandColour{0.55, 0.55, 0.55};

}  // namespace lorikeet::plot
