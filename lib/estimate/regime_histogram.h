// The distribution of the next slow-down factor (measured over profiled latency) on a machine where a
// co-runner comes and goes: a hidden Markov model of a few regimes. What a regime looks like is a Student-t
// distribution of the logarithm at first, and increasingly a histogram of what was seen.
//
//   x = ln(factor) in bins of width 0.05 from -2 to 3.6 (0.14 to 37 times the profile); what lies beyond
//   counts in the outermost bins.
//   predict   w-_k = stay * w_k + (1 - stay) * (the others' mean weight)
//             P(bin) = sum_k w-_k * (n_k * histogram_k(bin) + n0 * student_k(bin)) / (n_k + n0)
//   update    w_k ~ w-_k * (Student-t density of x); histogram, location and scale of each regime then follow
//             x by that weight, the location and scale less the further out x lies
//
// The weights come from the Student-t densities alone, so that an empty bin rules nothing out. Regimes stay
// in the order of their locations and at least 0.1 apart. A lower bound (a network was stopped before its
// first output) moves the weights by the probability of exceeding it, and fills the bins above it as
// predicted; it moves no location.
#pragma once

#include <array>
#include <cstddef>

namespace alertbench {

struct RegimeHistogramConstants {
  int regimes = 2;      // 1..RegimeHistogram::most_regimes
  double stay = 0.97;   // probability that the next input is in the same regime
  double scale = 0.03;  // squared scale of the Student-t distributions (4 degrees of freedom) at the start
  double seen = 10;     // how many inputs their locations 0, 0.5, 1, ... count as at the start
  double forgetting = 0.03;  // of locations and scales, per input of the regime
  bool histogram = true;     // false: the Student-t distributions alone
  double histogram_forgetting = 0.01;
  double histogram_prior = 10;  // n0: how many inputs the Student-t distribution counts as
};

class RegimeHistogram {
 public:
  static constexpr int most_regimes = 4, bins = 112;
  static constexpr double low = -2, width = 0.05, per_bin = 20;

  explicit RegimeHistogram(const RegimeHistogramConstants& constants);

  // Learns a factor, or a lower bound of one. One that is not finite, or not above 1e-6, changes nothing.
  // Takes about 1 us. No allocation.
  void update(double factor, bool lower_bound);

  // The part of the next factor's distribution up to a limit: P(factor <= limit), and the mean over all
  // factors of those up to the limit, with 0 for the others.
  struct Part {
    double share = 0, mean = 0;
  };
  // ln(limit) is at position (ln(limit) - low) * per_bin; NaN counts as below everything.
  Part up_to(double position) const {
    const double inside = position > 0 ? (position < bins ? position : bins) : 0;
    const int piece = static_cast<int>(inside);
    const double t = inside - piece;
    const Piece& p = pieces_[static_cast<size_t>(piece)];
    return {p.share + t * p.share_step, p.mean + t * p.mean_step};
  }
  double mean() const { return pieces_[bins].mean; }
  double sd() const;
  // For tests and figures: where a regime is (of ln(factor)), and the probability that the next input is in
  // it.
  double location(int regime) const { return regimes_[static_cast<size_t>(regime)].location; }
  double weight(int regime) const { return regimes_[static_cast<size_t>(regime)].weight_next; }

 private:
  using Bins = std::array<double, bins>;
  struct Regime {
    double location = 0, scale2 = 0, seen = 0, weight = 0, weight_next = 0;
    double histogram_seen = 0;
    Bins histogram{};
  };
  struct Piece {  // of the running sums, from one edge of the bins to the next
    double share = 0, share_step = 0, mean = 0, mean_step = 0;
  };

  void weigh(double x, bool lower_bound);
  Bins kernel_of(double x, bool lower_bound) const;
  void keep_in_order();
  void predict();

  const RegimeHistogramConstants constants_;
  const size_t count_;
  std::array<Regime, most_regimes> regimes_;
  Bins factor_;  // in the middle of each bin
  std::array<Piece, bins + 1> pieces_;
};

}  // namespace alertbench
