// The standard normal distribution function, fast enough to be asked for every configuration on every input.
#pragma once

namespace alertbench {

// Cubic Hermite pieces of width 1/16 over [-6, 6], with the true slopes at the nodes. Within 1e-7 of the true
// value everywhere (piece error at most h^4/384 * max|phi'''| = 5.5e-8), never falling, and exactly 0 below
// -6 and 1 from 6 on, so that certainty costs no accuracy. NaN gives 0: what is not known to be in time does
// not count as in time.
class NormalTable {
 public:
  NormalTable();

  double operator()(double z) const {
    const double above = z > -reach ? z : -reach;  // in this order NaN turns into -reach
    const double position = (above < reach ? above : reach) * per_unit + middle;
    const int piece = static_cast<int>(position);
    return in_piece(piece, position - piece);
  }

  // The z at which this table is p, within [-6, 6]; some ten times as fast as normal_quantile().
  double inverse(double p) const;

  // For loops over many arguments: z is at position z * per_unit + middle, clamped to [0, last]. The whole
  // part of the position is the piece, the rest is `t`.
  double in_piece(int piece, double t) const {
    const double* c = coefficients_[piece];
    return c[0] + t * (c[1] + t * (c[2] + t * c[3]));
  }
  static constexpr double reach = 6, per_unit = 16, middle = reach * per_unit, last = 2 * middle;

 private:
  static constexpr int pieces = 192;
  alignas(64) double coefficients_[pieces + 1][4];  // the last piece is the point 6 itself
};

inline const NormalTable normal_table;

inline double normal_cdf(double z) { return normal_table(z); }

// z with Phi(z) = p, to 1e-12; p is clamped to [1e-15, 1 - 1e-15]. By bisection: for start-up, not for every
// input.
double normal_quantile(double p);

}  // namespace alertbench
