// The estimator of the slow-down factor that a scheduler was told to use, and where their kinds meet: all of
// them learn from a ratio or a lower bound, and predict the next ratio as a distribution.
#pragma once

#include <string>
#include <variant>

#include "estimate/quantile_slowdown.h"
#include "estimate/regime_slowdown.h"
#include "estimate/slowdown_filter.h"
#include "estimate/student_slowdown.h"

namespace alertbench {

enum class EstimatorKind { gaussian, student, regimes, quantiles };  // in the order of Kind

struct EstimatorSettings {
  EstimatorKind kind = EstimatorKind::gaussian;
  SlowdownConstants gaussian;
  StudentConstants student;
  RegimeConstants regimes;
  QuantileConstants quantiles;
};

class SlowdownEstimator {
 public:
  using Kind = std::variant<SlowdownFilter, StudentSlowdown, RegimeSlowdown, QuantileSlowdown>;

  explicit SlowdownEstimator(const EstimatorSettings& settings) : kind_(made(settings)) {}

  // See each class for what it does with a ratio, and with a bound that the ratio is known to exceed.
  void update(double ratio) {
    std::visit([=](auto& e) { e.update(ratio); }, kind_);
  }
  void exceeded(double bound) {
    std::visit([=](auto& e) { e.exceeded(bound); }, kind_);
  }

  // Of the predicted distribution of the next ratio.
  double mean() const {
    return std::visit([](const auto& e) { return e.mean(); }, kind_);
  }
  double sd() const {
    return std::visit([](const auto& e) { return e.sd(); }, kind_);
  }
  double cdf(double factor) const {
    return std::visit([=](const auto& e) { return e.cdf(factor); }, kind_);
  }
  double quantile(double p) const {
    return std::visit([=](const auto& e) { return e.quantile(p); }, kind_);
  }

  // The kind itself, for loops over all configurations: visited once a decision.
  const Kind& kind() const { return kind_; }

 private:
  static Kind made(const EstimatorSettings& s) {
    switch (s.kind) {
      case EstimatorKind::student:
        return StudentSlowdown(s.student);
      case EstimatorKind::regimes:
        return RegimeSlowdown(s.regimes);
      case EstimatorKind::quantiles:
        return QuantileSlowdown(s.quantiles);
      case EstimatorKind::gaussian:
        break;
    }
    return SlowdownFilter(s.gaussian);
  }

  Kind kind_;
};

}  // namespace alertbench
