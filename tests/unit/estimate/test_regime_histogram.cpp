#include <cmath>
#include <limits>

#include "base/random.h"
#include "catch.h"
#include "estimate/regime_histogram.h"

using namespace alertbench;

namespace {

double position_of(double factor) {
  return (std::log(factor) - RegimeHistogram::low) * RegimeHistogram::per_bin;
}
double share_up_to(const RegimeHistogram& h, double factor) { return h.up_to(position_of(factor)).share; }

// Phases of 40 inputs at each level in turn, with 5 % noise.
RegimeHistogram after_phases(RegimeHistogramConstants constants, const std::vector<double>& levels,
                             int inputs) {
  RegimeHistogram h(constants);
  Random random(7);
  for (int i = 0; i < inputs; ++i)
    h.update(levels[static_cast<size_t>(i / 40) % levels.size()] * std::exp(0.05 * random.normal()), false);
  return h;
}

}  // namespace

// Before anything is seen: half a Student-t distribution at 0, half at ln(factor) = 0.5, squared scale 0.03.
TEST_CASE("regimes at the start, by hand") {
  const RegimeHistogram h{RegimeHistogramConstants{}};
  const auto t4 = [](double z) {
    const double u = z / std::sqrt(4 + z * z);
    return 0.5 + 0.75 * (u - u * u * u / 3);
  };
  const double scale = std::sqrt(0.03);
  CHECK(share_up_to(h, 1) == Approx((0.5 + t4(-0.5 / scale)) / 2));
  CHECK(share_up_to(h, std::exp(0.5)) == Approx((0.5 + t4(0.5 / scale)) / 2));
  CHECK(h.up_to(0).share == 0);
  CHECK(h.up_to(RegimeHistogram::bins).share == Approx(1));
  CHECK(h.up_to(RegimeHistogram::bins).mean == h.mean());
  CHECK(h.weight(0) == 0.5);
}

TEST_CASE("a distribution stays one, whatever is observed") {
  RegimeHistogram h{RegimeHistogramConstants{}};
  Random random(3);
  bool proper = true;
  for (int i = 0; i < 5000; ++i) {
    const int kind = static_cast<int>(random.below(10));
    const double factor = kind == 0   ? std::exp(60 * random.normal())
                          : kind == 1 ? std::numeric_limits<double>::infinity()
                          : kind == 2 ? std::nan("")
                          : kind == 3 ? -random.uniform()
                                      : std::exp(random.normal());
    h.update(factor, random.below(4) == 0);
    double before = 0;
    for (int b = 0; b <= RegimeHistogram::bins; ++b) {
      const double share = h.up_to(b).share;
      proper = proper && share >= before - 1e-12 && share <= 1 + 1e-9;
      before = share;
    }
    proper = proper && std::abs(before - 1) < 1e-9 && std::isfinite(h.mean()) && std::isfinite(h.sd());
    proper = proper && h.location(1) - h.location(0) >= 0.1 - 1e-12;
  }
  CHECK(proper);
  CHECK(h.up_to(std::nan("")).share == 0);
  CHECK(h.up_to(-std::numeric_limits<double>::infinity()).share == 0);
  CHECK(h.up_to(std::numeric_limits<double>::infinity()).share == Approx(1));
}

TEST_CASE("what is not a factor teaches nothing") {
  RegimeHistogram a{RegimeHistogramConstants{}}, b{RegimeHistogramConstants{}};
  for (double nothing : {0.0, -1.0, 1e-7, std::nan(""), std::numeric_limits<double>::infinity()})
    a.update(nothing, false), a.update(nothing, true);
  CHECK(a.mean() == b.mean());
  CHECK(a.weight(0) == b.weight(0));
}

TEST_CASE("two regimes find the two levels of a co-runner, and which one it is") {
  const RegimeHistogram off = after_phases({}, {1, 1.8}, 400 - 40), on = after_phases({}, {1, 1.8}, 400);
  for (const RegimeHistogram& h : {off, on}) {
    CHECK(h.location(0) == Approx(0).margin(0.03));
    CHECK(h.location(1) == Approx(std::log(1.8)).margin(0.03));
  }
  CHECK(off.weight(0) > 0.9);
  CHECK(on.weight(1) > 0.9);
  CHECK(share_up_to(off, 1.3) > 0.9);
  CHECK(share_up_to(on, 1.3) < 0.1);
  CHECK(off.mean() == Approx(1).margin(0.08));
}

TEST_CASE("three regimes find three levels; two merge two of them") {
  RegimeHistogramConstants three;
  three.regimes = 3;
  const std::vector<double> levels = {1, 1.6, 2.6};
  const RegimeHistogram h = after_phases(three, levels, 720);
  for (int k = 0; k < 3; ++k)
    CHECK(h.location(k) == Approx(std::log(levels[static_cast<size_t>(k)])).margin(0.05));
  CHECK(h.weight(2) > 0.9);  // the last phase was the third level
  CHECK(share_up_to(h, 2.1) < 0.1);
}

TEST_CASE("a histogram takes any shape, a Student-t distribution does not") {
  RegimeHistogramConstants one;
  one.regimes = 1;
  RegimeHistogram with(one);
  one.histogram = false;
  RegimeHistogram without(one);
  for (int i = 0; i < 400; ++i) {
    const double factor = i % 2 == 0 ? 1.0 : 1.5;
    with.update(factor, false), without.update(factor, false);
  }
  const auto between = [](const RegimeHistogram& h) { return share_up_to(h, 1.35) - share_up_to(h, 1.1); };
  CHECK(between(with) < 0.1);
  CHECK(between(without) > 0.25);
  CHECK(share_up_to(with, 1.2) == Approx(0.5).margin(0.03));
}

TEST_CASE("a lower bound moves what lies above it, and no location") {
  RegimeHistogram h{RegimeHistogramConstants{}};
  const double before = 1 - share_up_to(h, 1.4), location = h.location(1);
  for (int i = 0; i < 20; ++i) h.update(1.4, true);
  CHECK(1 - share_up_to(h, 1.4) > before + 0.2);
  CHECK(h.weight(1) > 0.9);
  CHECK(h.location(1) == location);
  for (int i = 0; i < 200; ++i) h.update(1e9, true);  // beyond the last bin
  CHECK(std::isfinite(h.mean()));
}
