#include "sweeps/plot/palette.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace lorikeet::plot {
namespace {

constexpr Colour Bytes(int red, int green, int blue) { return {red / 255.0, green / 255.0, blue / 255.0}; }

constexpr std::array<Colour, kHues> kOkabeIto = {Bytes(0, 114, 178),    // blue
                                                 Bytes(213, 94, 0),     // vermillion
                                                 Bytes(0, 158, 115),    // bluish green
                                                 Bytes(204, 121, 167),  // reddish purple
                                                 Bytes(230, 159, 0),    // orange
                                                 Bytes(86, 180, 233)};  // sky blue
constexpr std::array<Colour, 6> kViridis = {Bytes(68, 1, 84),    Bytes(65, 68, 135),  Bytes(42, 120, 142),
                                            Bytes(34, 168, 132), Bytes(122, 209, 81), Bytes(165, 219, 54)};

}  // namespace

Colour Hue(std::size_t index) { return kOkabeIto[index % kHues]; }

Marker MarkerOf(std::size_t index) {
  // One further each time, so that a colour and a marker do not meet again for a while.
  const std::size_t place = (index + index / kHues) % static_cast<std::size_t>(kMarkers);
  return static_cast<Marker>(1 + place);
}

Colour Shade(double share) {
  const double place = std::clamp(share, 0.0, 1.0) * static_cast<double>(kViridis.size() - 1);
  const auto before = static_cast<std::size_t>(std::floor(place));
  const std::size_t after = std::min(before + 1, kViridis.size() - 1);
  const double part = place - static_cast<double>(before);
  const auto mix = [&](double a, double b) { return a + (b - a) * part; };
  const Colour &a = kViridis[before], &b = kViridis[after];
  return {mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue)};
}

}  // namespace lorikeet::plot
