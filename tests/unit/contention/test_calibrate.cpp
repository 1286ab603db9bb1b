#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "catch.h"
#include "contention/calibrate.h"

using namespace alertbench;

TEST_CASE("calibration hits the ideal curve at once", "[contention]") {
  const DutyCalibration c = calibrate_duty(1.5, [](double duty) { return 1 / (1 - duty); });
  CHECK(c.evaluations == 1);
  CHECK(c.duty == Approx(1 - 1 / 1.5));
  CHECK(c.slowdown == Approx(1.5));
  CHECK(c.within_tolerance);
}

TEST_CASE("calibration finds noisy curves of other shapes", "[contention]") {
  Random random(3);
  for (double exponent : {0.5, 1.0, 2.0})
    for (double strength : {0.6, 1.5, 4.0})
      for (double target : {1.2, 1.5, 1.9}) {
        auto truth = [&](double duty) { return 1 + strength * std::pow(duty, exponent); };
        if (truth(0.95) < target || truth(0.02) > target) continue;
        const DutyCalibration c = calibrate_duty(
            target, [&](double duty) { return truth(duty) * (0.98 + 0.04 * random.uniform()); });
        INFO("exponent " << exponent << ", strength " << strength << ", target " << target);
        CHECK(c.within_tolerance);
        CHECK(truth(c.duty) == Approx(target).epsilon(0.12));
        CHECK(c.evaluations <= 8);
      }
}

TEST_CASE("two workers on one processor reach further, at a fraction of the duty", "[contention]") {
  // Shares of one processor: each gets what it asks for, and never more than a fair part of it.
  const auto shared_by = [](int workers) {
    return [=](double duty) { return 1 / (1 - std::min(workers * duty, workers / (workers + 1.0))); };
  };
  for (const double target : {1.3, 2.0, 2.6}) {
    const DutyCalibration c = calibrate_duty(target, shared_by(2), 2);
    CHECK(c.evaluations == 1);
    CHECK(c.duty == Approx((1 - 1 / target) / 2));
    CHECK(c.within_tolerance);
  }
  CHECK_FALSE(calibrate_duty(2.6, shared_by(1)).within_tolerance);
  CHECK_FALSE(calibrate_duty(4, shared_by(2), 2).within_tolerance);
}

TEST_CASE("calibration stops at a bound that cannot reach the target", "[contention]") {
  const DutyCalibration weak = calibrate_duty(3, [](double duty) { return 1 + 0.1 * duty; });
  CHECK(weak.duty == Approx(0.95));
  CHECK_FALSE(weak.within_tolerance);
  CHECK(weak.evaluations < 8);
  const DutyCalibration strong = calibrate_duty(1.1, [](double duty) { return 5 + duty; });
  CHECK(strong.duty == Approx(0.02));
  CHECK_FALSE(strong.within_tolerance);
  int calls = 0;
  const DutyCalibration flat = calibrate_duty(1.5, [&](double) { return ++calls, 1.0; });
  CHECK_FALSE(flat.within_tolerance);
  CHECK(flat.evaluations == calls);
}

TEST_CASE("calibration refuses nonsense", "[contention]") {
  auto one = [](double) { return 1.0; };
  CHECK_THROWS_AS(calibrate_duty(1, one), InputError);
  CHECK_THROWS_AS(calibrate_duty(NAN, one), InputError);
  CHECK_THROWS_AS(calibrate_duty(1.5, [](double) { return std::nan(""); }), RunError);
  CHECK_THROWS_AS(calibrate_duty(1.5, [](double) { return 0.0; }), RunError);
}
