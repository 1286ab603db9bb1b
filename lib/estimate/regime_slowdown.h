// The slow-down factor as one of two regimes, such as "the co-runner is off" and "it is on", between which
// the machine switches (a hidden Markov model). Within a regime x = ln(factor) is Student-t distributed with
// 4 degrees of freedom.
#pragma once

#include <array>

#include "estimate/log_factor.h"
#include "estimate/student_t.h"

namespace alertbench {

struct RegimeConstants {
  double stay = 0.97;            // 0.5..1: probability that the next input is in the same regime
  double forgetting = 0.97;      // g, 0..1 (not 1): the share of a regime's past that stays
  double second_location = 0.5;  // m of the second regime at the start, > 0; that of the first is 0
  double variance = 0.02;        // v, squared scale of both at the start
  double count = 10;             // n, how many observations the start is worth, > 0
  double least_variance = 1e-4;
  double least_distance = 0.1;  // between the two locations, so that they do not become one
};

// P(x <= its argument). Branch-free, for loops over all configurations.
struct RegimeCdf {
  std::array<double, 2> weight{}, location{}, inverse_scale{};
  double operator()(double x) const {
    return weight[0] * student_cdf((x - location[0]) * inverse_scale[0]) +
           weight[1] * student_cdf((x - location[1]) * inverse_scale[1]);
  }
};

class RegimeSlowdown {
 public:
  explicit RegimeSlowdown(const RegimeConstants& constants);

  // ratio: measured over profiled latency. One that is not finite or not above 0 changes nothing. For both
  // regimes k, with p_k their predicted probabilities (see weights()):
  //   d_k = (x-m_k)^2 / v_k      w_k ~ p_k * v_k^-1/2 * (1 + d_k/4)^-5/2, normalised
  //   n_k <- min(n_k*(1 - (1-g)*w_k) + w_k, 1/(1-g))      u = 5 / (4 + d_k)      D = x - m_k
  //   m_k <- m_k + D * w_k*u / (n_k + w_k*u)
  //   v_k <- max(least_variance, (1-b)*v_k + b*u*D^2),  b = w_k / (n_k + 1)
  // Then the regimes are put in the order of their locations, and the less likely one is moved away where
  // they are closer than least_distance.
  void update(double ratio);
  // All that is known is that the ratio was above `bound`: the weights change by how likely that was in each
  // regime, and the regimes stay as they are.
  void exceeded(double bound);

  // Probability of each regime for the next input, the slower one second:
  //   p_k = stay * w_k + (1-stay) * (1-w_k)
  const std::array<double, 2>& weights() const { return cdf_.weight; }
  const std::array<double, 2>& locations() const { return cdf_.location; }  // m, as ln(factor)

  const RegimeCdf& log_cdf() const { return cdf_; }
  double cdf(double factor) const { return factor > 0 ? cdf_(log_factor(factor)) : 0; }
  double quantile(double p) const;               // to 1e-9 of the factor's logarithm
  double mean() const { return moments_.mean; }  // see FactorMoments
  double sd() const { return moments_.sd(); }

 private:
  struct Regime {
    double location, variance, count, weight;
  };
  void keep_apart();
  void predict();

  RegimeConstants constants_;
  std::array<Regime, 2> regimes_;
  RegimeCdf cdf_;
  FactorMoments moments_;
};

}  // namespace alertbench
