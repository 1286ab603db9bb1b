#include "contention/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace alertbench {
namespace {

constexpr double kMinDuty = 0.02, kMaxDuty = 0.95;
constexpr double kGoodEnough = 0.03, kTolerance = 0.10;
constexpr int kMaxEvaluations = 8;

// The share of a core that a slow-down takes away. Ideally it equals the duty, so that a straight line
// through two points hits the target far sooner than one through the slow-downs themselves.
double share(double slowdown) { return 1 - 1 / slowdown; }

struct Point {
  double duty, share;
};

double next_duty(double target, const Point& low, const Point& high, bool have_high) {
  if (!have_high) {
    if (low.share <= 0) return std::min(kMaxDuty, 2 * low.duty);
    return std::clamp(low.duty * target / low.share, std::min(kMaxDuty, 1.1 * low.duty), kMaxDuty);
  }
  const double width = high.duty - low.duty;
  const double rise = high.share - low.share;
  const double step = rise > 0 ? (target - low.share) / rise : 0.5;
  return std::max(kMinDuty, low.duty + width * std::clamp(step, 0.1, 0.9));
}

}  // namespace

DutyCalibration calibrate_duty(double target_slowdown, const std::function<double(double)>& measure,
                               int workers) {
  if (!(std::isfinite(target_slowdown) && target_slowdown > 1))
    throw InputError(fmt::format("co-runner: target slow-down {} is not above 1", target_slowdown));

  const double target = share(target_slowdown);
  DutyCalibration best;
  Point low{0, 0}, high{kMaxDuty, 0};
  bool have_high = false;
  double best_error = INFINITY;
  double duty = std::clamp(target / workers, kMinDuty, kMaxDuty);

  for (int evaluation = 1; evaluation <= kMaxEvaluations; ++evaluation) {
    const double slowdown = measure(duty);
    if (!(std::isfinite(slowdown) && slowdown > 0))
      throw RunError(fmt::format("co-runner: the slow-down measured at duty {:.3f} is {}", duty, slowdown));
    best.evaluations = evaluation;
    const double error = std::abs(slowdown / target_slowdown - 1);
    if (error < best_error) {
      best_error = error;
      best.duty = duty;
      best.slowdown = slowdown;
    }
    const bool too_low = slowdown < target_slowdown;
    if (error <= kGoodEnough || (too_low && duty >= kMaxDuty) || (!too_low && duty <= kMinDuty)) break;

    (too_low ? low : high) = Point{duty, share(slowdown)};
    have_high = have_high || !too_low;
    duty = next_duty(target, low, high, have_high);
  }
  best.within_tolerance = best_error <= kTolerance;
  return best;
}

}  // namespace alertbench
