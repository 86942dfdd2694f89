// Student's t. Boost.Math's, behind plain numbers: its headers stop here. Thread-safe.
#pragma once

namespace lorikeet::comparison {

// P(T > t) with `degrees` > 0 degrees of freedom; exact in the far tail. `t` may be infinite.
double UpperTail(double t, double degrees);

// The t that `tail` (in 0 to 1, both excluded) of the distribution lies above.
double UpperQuantile(double tail, double degrees);

// The distance of the truth from zero, in standard errors, at which a two-sided test at level `alpha` finds
// it, with the right sign, with probability `power`: t follows the noncentral distribution there.
double DetectableShift(double alpha, double power, double degrees);

}  // namespace lorikeet::comparison
