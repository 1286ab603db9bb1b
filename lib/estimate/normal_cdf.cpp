#include "estimate/normal_cdf.h"

#include <algorithm>
#include <cmath>

namespace alertbench {
namespace {

double exact_cdf(double z) { return 0.5 * std::erfc(-z * std::sqrt(0.5)); }

}  // namespace

NormalTable::NormalTable() {
  const double inverse_root_2pi = 0.3989422804014327;
  auto value = [](int node) {
    return node == 0 ? 0.0 : node == pieces ? 1.0 : exact_cdf(node / per_unit - reach);
  };
  auto slope = [&](int node) {
    const double z = node / per_unit - reach;
    return inverse_root_2pi * std::exp(-0.5 * z * z) / per_unit;
  };
  for (int i = 0; i < pieces; ++i) {
    const double rise = value(i + 1) - value(i);
    double* c = coefficients_[i];
    c[0] = value(i);
    c[1] = slope(i);
    c[2] = 3 * rise - 2 * slope(i) - slope(i + 1);
    c[3] = slope(i) + slope(i + 1) - 2 * rise;
  }
  double* end = coefficients_[pieces];
  end[0] = 1;
  end[1] = end[2] = end[3] = 0;
}

double NormalTable::inverse(double p) const {
  if (!(p > 0)) return -reach;
  if (p >= 1) return reach;
  int low = 0, high = pieces;  // p is from the node `low` on, and before `high`
  while (high - low > 1) {
    const int middle_node = (low + high) / 2;
    (coefficients_[middle_node][0] <= p ? low : high) = middle_node;
  }
  const double* c = coefficients_[low];
  double t = 0.5;
  for (int i = 0; i < 4; ++i) {
    const double slope = c[1] + t * (2 * c[2] + t * 3 * c[3]);
    if (slope > 0) t = std::clamp(t - (in_piece(low, t) - p) / slope, 0.0, 1.0);
  }
  return (low + t) / per_unit - reach;
}

double normal_quantile(double p) {
  p = std::clamp(p, 1e-15, 1 - 1e-15);
  double low = -9, high = 9;
  while (high - low > 1e-12) {
    const double middle = 0.5 * (low + high);
    (exact_cdf(middle) < p ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace alertbench
