// The level of the quantile that the next observation must stay below, adapted until the wanted share of
// observations exceeds it, whatever distribution the quantile is taken from (adaptive conformal inference:
// Gibbs, Candes, "Adaptive Conformal Inference Under Distribution Shift", NeurIPS 2021).
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace alertbench {

struct ConformalConstants {
  double miss_share = 0.05;  // a, above 0 and below 1: the share of observations that may exceed the quantile
  double gamma = 0.02;       // step, above 0 and at most 1; larger reacts sooner and wobbles more
};

// Its state is a working miss share a_t, a at the start. The quantile q_t to use is that of level 1 - a_t; it
// is infinite if a_t <= 0 (nothing exceeds it), and nothing if a_t >= 1 (everything exceeds it). After each
// observation, with err_t = 1 if it exceeded q_t, else 0:
//     a_{t+1} = a_t + gamma * (a - err_t)
// Guarantee, for any sequence, without any assumption: after T observations
//     | sum of err_t / T - a |  <=  (max(a, 1-a) + gamma) / (T * gamma)
// because a_t cannot leave [-gamma, 1 + gamma]. It holds although the scheduler's choices decide what is
// observed. With a = 0.05, gamma = 0.02 and T = 600 the right side is 0.081: the guarantee is weak for short
// runs, and what helps in practice is the adaptation.
//
// For a scheduler that calls a configuration feasible if q_t times its profiled latency is within the
// deadline, a late input with a feasible choice is one whose factor exceeded q_t, so over T observations at
// most a*T + (max(a, 1-a) + gamma) / gamma such inputs are late. If no configuration is feasible, nothing is
// promised. Such inputs are counted apart. Their factors still count as observations, since the factor does
// not depend on what was promised: a level that was too cautious for any configuration could not recover
// otherwise. Lateness itself is never counted as an error, so that a deadline that nobody can meet does not
// wind the level up.
class ConformalLevel {
 public:
  explicit ConformalLevel(const ConformalConstants& constants)
      : constants_(constants), working_(constants.miss_share) {}

  // The factor that the next one should stay below: quantile(level), infinity, or 0.
  template <class Quantile>
  double bound(const Quantile& quantile) const {
    if (working_ <= 0) return std::numeric_limits<double>::infinity();
    return working_ >= 1 ? 0 : quantile(1 - working_);
  }
  // Whether the observation exceeded the bound. Call it only if that is known.
  void observe(bool exceeded) {
    working_ += constants_.gamma * (constants_.miss_share - (exceeded ? 1.0 : 0.0));
    ++observed_;
    exceeded_ += exceeded;
  }
  void count_unpromised() { ++unpromised_; }

  double working_miss_share() const { return working_; }  // a_t
  int64_t observed() const { return observed_; }          // T
  int64_t exceeded() const { return exceeded_; }          // the sum of err_t
  int64_t unpromised() const { return unpromised_; }      // inputs without a feasible configuration
  // The right side of the guarantee; infinite before the first observation.
  double guarantee() const {
    const double a = constants_.miss_share;
    return (std::max(a, 1 - a) + constants_.gamma) / (static_cast<double>(observed_) * constants_.gamma);
  }

 private:
  ConformalConstants constants_;
  double working_;
  int64_t observed_ = 0, exceeded_ = 0, unpromised_ = 0;
};

}  // namespace alertbench
