// Finds the duty at which a generator slows the inference down by a target factor.
#pragma once

#include <functional>

namespace alertbench {

struct DutyCalibration {
  double duty = 0;      // the best one tried, 0.02 to 0.95
  double slowdown = 0;  // the slow-down measured at that duty
  int evaluations = 0;
  bool within_tolerance = false;  // slowdown within 10 % of the target
};

// measure(duty) returns the median slow-down relative to runs without a co-runner; it may be noisy, and
// should grow with the duty. `workers` is the number of workers that share one processor (or GPU) with the
// inference, each with that duty. Two reach the same slow-down at half the duty, and can slow the inference
// further: up to about (1 + workers)-fold if the processor is shared fairly. Only the first guess depends on
// `workers`. The calibration takes at most 8 evaluations, and ends early within 3 % of the target, or at a
// bound that cannot reach it. Throws InputError unless target_slowdown > 1, and RunError if measure does not
// return a positive finite number.
DutyCalibration calibrate_duty(double target_slowdown, const std::function<double(double duty)>& measure,
                               int workers = 1);

}  // namespace alertbench
