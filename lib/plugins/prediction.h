// What schedulers of the user's own may predict. Each value may be left out, which is NaN.
#pragma once

#include <limits>

namespace alertbench {

constexpr double unpredicted = std::numeric_limits<double>::quiet_NaN();
constexpr double most_predicted = 1e12;  // seconds or joules

}  // namespace alertbench
