// Finds the duty of a generator that slows the inference down by a wanted factor.
#pragma once

#include <functional>

namespace alertbench {

struct DutyCalibration {
  double duty = 0;      // the best one tried, 0.02 to 0.95
  double slowdown = 0;  // what was measured there
  int evaluations = 0;
  bool within_tolerance = false;  // slowdown within 10 % of the target
};

// measure(duty) returns the median slow-down against quiet; it may be noisy, and should grow with duty.
// `workers`: that share one processor (or GPU) with the inference, each of that duty. Two slow it as much at
// half the duty, and further: up to about (1 + workers)-fold where the processor is shared fairly. Only the
// first guess depends on it. At most 8 evaluations; ends early within 3 % of the target, or at a bound that
// cannot reach it. Throws InputError unless target_slowdown > 1, RunError when measure returns no positive
// finite number.
DutyCalibration calibrate_duty(double target_slowdown, const std::function<double(double duty)>& measure,
                               int workers = 1);

}  // namespace alertbench
