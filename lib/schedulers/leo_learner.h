// LEO's hierarchical model (Mishra, Zhang, Lafferty, Hoffmann, ASPLOS 2015), the learner of CALOREE: what a
// new application does under every configuration, from a few samples of it and from what other applications
// do under all of them. Written after the formulas of its authors' Matlab code (runEM4).
//
// Application l has a value for each of n configurations, y_l ~ Normal(w_l, v*I), w_l ~ Normal(mu, C), with
// conjugate priors of weight 1. Of m applications the last, the target, has values only at the sampled
// configurations O; diag(O) is 1 there, else 0. Expectation-maximisation from mu = mean of the others, C = I,
// v = 1:
//   E  others  C_l = (I/v + C^-1)^-1        w_l = C_l (y_l/v + C^-1 mu)
//      target  C_i = (diag(O)/v + C^-1)^-1  w_i = C_i (y_i/v + C^-1 mu), y_i 0 outside O
//   M  mu' = sum w / (m+1)
//      C' = (mu' mu'^T + 3 I + sum of all C_l, C_i + sum (w-mu)(w-mu)^T) / (m+1)
//      v' = (sum over the others (|y_l-w_l|^2 + tr C_l) + |O (y_i-w_i)|^2 + tr(O C_i)) / ((m-1) n + |O|)
// In C', mu' is the new mean and mu the old one. One of the 3 I is a prior; the others are there because the
// Matlab code starts both sums at I. (The authors' C++ code computes the others' w_l without C_l before C^-1
// mu; it is not followed.) All values must be of about the same size, 1: the caller normalises them.
#pragma once

#include <cstddef>
#include <vector>

namespace alertbench {

class LeoLearner {
 public:
  // `others` [application][configuration], at least one of each, finite.
  explicit LeoLearner(std::vector<std::vector<double>> others);

  // Runs `iterations` (>= 1) from the start. `values` [configuration] are used where `sampled` is not 0.
  // Takes O(iterations * (n^3 + applications * n^2)), and does not allocate.
  void learn(const std::vector<double>& values, const std::vector<char>& sampled, int iterations);

  // Of the target, per configuration: w_i, and the square roots of the diagonal of C_i. Before learn(): the
  // mean of the others, and 1.
  const std::vector<double>& mean() const { return mean_; }
  const std::vector<double>& sd() const { return sd_; }
  // The mean of the others, per configuration.
  const std::vector<double>& mean_of_others() const { return mean_of_others_; }

 private:
  using Matrix = std::vector<double>;  // n*n, by rows

  void estimate(const Matrix& covariance, const std::vector<double>& right, std::vector<double>& w) const;

  const std::vector<std::vector<double>> others_;
  const size_t n_;
  std::vector<double> mean_of_others_, mean_, sd_;
  // Working space.
  std::vector<double> mu_, new_mu_, prior_mean_, right_;
  std::vector<std::vector<double>> w_;  // of the others
  Matrix prior_, inverse_prior_, covariance_, target_covariance_, factor_;
};

}  // namespace alertbench
