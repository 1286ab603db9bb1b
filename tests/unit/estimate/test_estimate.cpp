#include <cmath>
#include <limits>

#include "catch.h"
#include "estimate/idle_power_filter.h"
#include "estimate/normal_cdf.h"
#include "estimate/slowdown_filter.h"

using namespace alertbench;

namespace {
double exact(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }
const double inf = std::numeric_limits<double>::infinity();
}  // namespace

TEST_CASE("normal_cdf lies within 1e-7 of erfc, never falls and stays in 0..1") {
  double worst = 0, before = 0;
  bool rising = true, inside = true;
  for (int i = -1000000; i <= 1000000; ++i) {
    const double z = i * 1e-5;
    const double p = normal_cdf(z);
    worst = std::max(worst, std::fabs(p - exact(z)));
    rising = rising && p >= before - 1e-16;
    inside = inside && p >= 0 && p <= 1;
    before = p;
  }
  CHECK(worst < 1e-7);
  CHECK(rising);
  CHECK(inside);
}

TEST_CASE("normal_cdf is total") {
  CHECK(normal_cdf(-inf) == 0);
  CHECK(normal_cdf(inf) == 1);
  CHECK(normal_cdf(-6) == 0);
  CHECK(normal_cdf(6) == 1);
  CHECK(normal_cdf(1e300) == 1);
  CHECK(normal_cdf(std::nan("")) == 0);
  CHECK(normal_cdf(0) == Approx(0.5).margin(1e-12));
}

TEST_CASE("normal_quantile inverts the exact function") {
  for (double p : {1e-9, 0.01, 0.5, 0.9, 0.999}) CHECK(exact(normal_quantile(p)) == Approx(p).epsilon(1e-9));
  CHECK(normal_quantile(0) == normal_quantile(1e-15));
  CHECK(std::isfinite(normal_quantile(1)));
}

TEST_CASE("slow-down filter: two steps worked out by hand, paper constants") {
  SlowdownFilter filter(SlowdownConstants::paper());
  filter.update(1.5);  // Q = 0.1, sigma2 = 0.15, K = 0.15/0.151, y = 0.5
  CHECK(filter.variance() == Approx(0.15).epsilon(1e-12));
  CHECK(filter.gain() == Approx(0.9933774834).epsilon(1e-9));
  CHECK(filter.mean() == Approx(1.4966887417).epsilon(1e-9));
  filter.update(1.0);  // Q = 0.03 + 0.7 * (K*y)^2 = 0.2026897943
  CHECK(filter.variance() == Approx(0.2036831718).epsilon(1e-8));
  CHECK(filter.gain() == Approx(0.9951144007).epsilon(1e-8));
  CHECK(filter.mean() == Approx(1.0024266214).epsilon(1e-8));
}

TEST_CASE("slow-down filter converges to a constant environment") {
  for (const auto& constants : {SlowdownConstants::paper(), SlowdownConstants::tuned()}) {
    SlowdownFilter filter(constants);
    for (int i = 0; i < 200; ++i) filter.update(1.7);
    CHECK(filter.mean() == Approx(1.7).epsilon(1e-6));
    CHECK(filter.variance() >= constants.process_noise_floor);
  }
  SlowdownFilter paper(SlowdownConstants::paper());
  for (int i = 0; i < 200; ++i) paper.update(1);
  CHECK(std::sqrt(paper.variance()) > 0.316);
}

TEST_CASE("slow-down filter ignores what says nothing") {
  SlowdownFilter filter(SlowdownConstants::paper());
  for (double bad : {0.0, -1.0, std::nan(""), inf}) filter.update(bad);
  CHECK(filter.mean() == 1);
  CHECK(filter.variance() == 0.1);
}

TEST_CASE("idle power filter: one step by hand, then convergence") {
  IdlePowerFilter filter({}, 0.5);
  filter.update(0.2);  // W = 0.0101/0.0111
  CHECK(filter.ratio() == Approx(0.5 - 0.3 * 0.0101 / 0.0111).epsilon(1e-12));
  filter.update(std::nan(""));
  filter.update(-1);
  for (int i = 0; i < 100; ++i) filter.update(0.2);
  CHECK(filter.ratio() == Approx(0.2).epsilon(1e-9));
}
