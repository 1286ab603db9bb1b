// The estimators beside the Kalman filter. Expected numbers are numpy's, from the formulas in the headers, on
// the sequence below; quantiles there by bisection of the distribution function.
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"
#include "catch.h"
#include "estimate/conformal_level.h"
#include "estimate/normal_cdf.h"
#include "estimate/slowdown_estimator.h"

using namespace alertbench;

namespace {

constexpr double inf_factor = std::numeric_limits<double>::infinity();
const std::vector<double> probe_levels = {0.001, 0.05, 0.3, 0.5, 0.9, 0.99, 0.9999};

// Two phases in turn, an outlier every 17th input, only a bound every 13th.
template <class Estimator>
void feed(Estimator& e) {
  for (int i = 0; i < 120; ++i) {
    const double r = std::exp(0.1 * std::sin(1.7 * i) + (i / 20 % 2 ? 0.5 : 0)) * (i % 17 == 16 ? 3 : 1);
    i % 13 == 12 ? e.exceeded(r) : e.update(r);
  }
}

template <class Estimator>
void check_quantiles(const Estimator& e, const std::vector<double>& expected) {
  for (size_t k = 0; k < probe_levels.size(); ++k) {
    INFO(probe_levels[k]);
    CHECK(e.quantile(probe_levels[k]) == Approx(expected[k]).epsilon(1e-6));
    CHECK(e.cdf(expected[k]) == Approx(probe_levels[k]).margin(1e-7));
  }
}

std::vector<EstimatorSettings> all_kinds() {
  std::vector<EstimatorSettings> all;
  for (EstimatorKind kind :
       {EstimatorKind::gaussian, EstimatorKind::student, EstimatorKind::regimes, EstimatorKind::quantiles}) {
    EstimatorSettings s;
    s.kind = kind;
    all.push_back(s);
  }
  return all;
}

}  // namespace

TEST_CASE("Student's t with 4 degrees of freedom, both ways") {
  // scipy.stats.t(4).cdf
  CHECK(student_cdf(0) == 0.5);
  CHECK(student_cdf(1) == Approx(0.8130495168499705).epsilon(1e-14));
  CHECK(student_cdf(-2.7764451051977987) == Approx(0.025).epsilon(1e-12));
  CHECK(student_density(1) == Approx(0.21466252583997981).epsilon(1e-12));
  for (double p : {1e-9, 0.01, 0.3, 0.5, 0.77, 0.95, 0.9999})
    CHECK(student_cdf(student_quantile(p)) == Approx(p).epsilon(1e-6));
  CHECK(std::isfinite(student_quantile(0)));
  CHECK(std::isfinite(student_quantile(1)));
}

TEST_CASE("the table of the normal distribution, inverted") {
  for (double p : {1e-6, 0.01, 0.3, 0.5, 0.77, 0.95, 0.999}) {
    CHECK(normal_cdf(normal_table.inverse(p)) == Approx(p).margin(1e-9));
    CHECK(normal_table.inverse(p) == Approx(normal_quantile(p)).margin(0.01));
  }
  CHECK(normal_table.inverse(0) == -6);
  CHECK(normal_table.inverse(1) == 6);
  CHECK(normal_table.inverse(std::nan("")) == -6);
}

TEST_CASE("estimator gaussian: the filter of the paper, to the bit") {
  for (const SlowdownConstants& c : {SlowdownConstants::paper(), SlowdownConstants::tuned()}) {
    EstimatorSettings settings;
    settings.gaussian = c;
    SlowdownEstimator estimator(settings);
    double q = c.process_noise_floor, k = c.gain, y = 0, mu = c.mean, sigma2 = c.variance;
    Random random(4);
    for (int i = 0; i < 500; ++i) {
      const double r = random.uniform(0.5, 3);
      q = std::max(c.process_noise_floor, c.forgetting * q + (1 - c.forgetting) * (k * y) * (k * y));
      sigma2 = (1 - k) * sigma2 + q;
      k = sigma2 / (sigma2 + c.measurement_noise);
      y = r - mu;
      mu += k * y;
      i % 7 ? estimator.update(r) : estimator.exceeded(r);  // a bound counts as the ratio
      REQUIRE(estimator.mean() == mu);
      REQUIRE(estimator.sd() == std::sqrt(sigma2));
      REQUIRE(estimator.cdf(r) == normal_cdf((r - mu) / std::sqrt(sigma2)));
    }
  }
}

TEST_CASE("estimator gaussian predicts with the noise of the measurement if asked") {
  EstimatorSettings settings;
  settings.gaussian = SlowdownConstants::tuned();
  SlowdownEstimator without(settings);
  settings.gaussian.predict_with_noise = true;
  SlowdownEstimator with(settings);
  feed(without);
  feed(with);
  CHECK(with.mean() == without.mean());
  CHECK(with.sd() == Approx(std::sqrt(without.sd() * without.sd() + 0.1)).epsilon(1e-12));
  CHECK(with.quantile(0.9) == Approx(with.mean() + 1.2815515655446004 * with.sd()).epsilon(1e-6));
}

TEST_CASE("estimator student against numpy") {
  StudentSlowdown e{StudentConstants{}};
  CHECK(e.quantile(0.5) == 1);
  feed(e);
  check_quantiles(e, {0.36797903281231076, 1.0822514493711684, 1.5121693104513734, 1.7078374548213604,
                      2.371000197246839, 3.807681482673307, 27.778022584879402});
  CHECK(e.cdf(1.3) == Approx(0.13564221864172055).epsilon(1e-10));
  CHECK(e.mean() == Approx(1.7878570671845277).epsilon(1e-10));
  CHECK(e.sd() == Approx(0.5536702904846732).epsilon(1e-10));
}

TEST_CASE("estimator regimes against numpy") {
  RegimeSlowdown e{RegimeConstants{}};
  feed(e);
  CHECK(e.weights()[1] == Approx(0.96990858).epsilon(1e-7));
  CHECK(e.locations()[0] == Approx(-0.00271).margin(1e-8));
  CHECK(e.locations()[1] == Approx(0.50996743).epsilon(1e-7));
  check_quantiles(e, {0.7111326274977213, 1.2069553582439065, 1.5512409532545781, 1.6576541816257624,
                      1.9677728060463429, 2.5120067731882125, 6.981581208118647});
  CHECK(e.cdf(1.3) == Approx(0.07271633294536606).epsilon(1e-10));
  CHECK(e.mean() == Approx(1.6652849336095399).epsilon(1e-10));
  CHECK(e.sd() == Approx(0.2870954660068544).epsilon(1e-8));
}

TEST_CASE("estimator quantiles against numpy, with a crossing") {
  QuantileSlowdown e{QuantileConstants{}};
  feed(e);  // the quantiles of 0.5 and 0.75 have crossed
  check_quantiles(e, {0.17001038637140187, 0.9635214249087738, 1.619298876079575, 1.8545988052769904,
                      2.098765093828528, 5.235772516746286, 18.937258907133298});
  CHECK(e.cdf(0.7) == Approx(0.024324452370488883).margin(1e-8));
  CHECK(e.cdf(1.3) == Approx(0.09872429557393034).epsilon(1e-10));
  CHECK(e.cdf(6) == Approx(0.9938617131240948).margin(1e-8));
  CHECK(e.mean() == Approx(1.8674309776850946).epsilon(1e-10));
  CHECK(e.sd() == Approx(0.7226416384559925).epsilon(1e-10));
}

TEST_CASE("estimators ignore what says nothing, and survive what is absurd") {
  for (const EstimatorSettings& settings : all_kinds()) {
    INFO(static_cast<int>(settings.kind));
    SlowdownEstimator e(settings), untouched(settings);
    for (double bad : {0.0, -1.0, std::nan(""), inf_factor, -inf_factor}) {
      e.update(bad);
      e.exceeded(bad);
    }
    CHECK(e.mean() == untouched.mean());
    CHECK(e.sd() == untouched.sd());
    CHECK(e.quantile(0.9) == untouched.quantile(0.9));
    if (settings.kind == EstimatorKind::gaussian) continue;
    for (int i = 0; i < 300; ++i) {
      e.update(i % 2 ? 1e200 : 1e-200);
      if (i % 5 == 0) e.exceeded(1e250);
      REQUIRE(std::isfinite(e.mean()));
      REQUIRE(std::isfinite(e.sd()));
      REQUIRE(std::isfinite(e.quantile(0.5)));
      REQUIRE(e.cdf(1) >= 0);
      REQUIRE(e.cdf(1) <= 1);
    }
    CHECK(e.cdf(0) == 0);
    CHECK(e.cdf(-1) == 0);
  }
}

TEST_CASE("what estimators predict is a distribution: rising, quantiles inverse, mean between") {
  for (const EstimatorSettings& settings : all_kinds()) {
    INFO(static_cast<int>(settings.kind));
    SlowdownEstimator e(settings);
    Random random(7);
    for (int i = 0; i < 200; ++i) {
      double before = -1;
      for (double f = 0.05; f < 20; f *= 1.1) {
        const double p = e.cdf(f);
        REQUIRE(p >= before - 1e-9);
        before = p;
      }
      for (double p : {0.02, 0.2, 0.5, 0.8, 0.97}) REQUIRE(e.cdf(e.quantile(p)) == Approx(p).margin(1e-6));
      REQUIRE(e.mean() > e.quantile(0.001));
      REQUIRE(e.mean() < e.quantile(0.999));
      e.update(std::exp(0.3 * random.normal()) * (random.uniform() < 0.1 ? 4 : 1));
    }
  }
}

TEST_CASE("estimators settle on a constant factor") {
  for (const EstimatorSettings& settings : all_kinds()) {
    INFO(static_cast<int>(settings.kind));
    SlowdownEstimator e(settings);
    for (int i = 0; i < 3000; ++i) e.update(1.7);
    CHECK(e.quantile(0.5) == Approx(1.7).epsilon(0.02));
    if (settings.kind != EstimatorKind::gaussian) CHECK(e.quantile(0.9) < 2);
  }
}

TEST_CASE("a lower bound: student learns nothing, regimes weigh, quantiles below it move") {
  StudentSlowdown student{StudentConstants{}};
  student.exceeded(5);
  CHECK(student.quantile(0.5) == 1);
  CHECK(student.log_cdf().inverse_scale == Approx(1 / std::sqrt(0.1 + 0.002 + 0.02)));

  RegimeSlowdown regimes{RegimeConstants{}};
  const auto before = regimes.locations();
  regimes.exceeded(1.5);
  CHECK(regimes.locations() == before);
  CHECK(regimes.weights()[1] > 0.9);
  regimes.exceeded(1e-3);  // says nothing: only the chance to switch
  CHECK(regimes.weights()[1] > 0.85);

  QuantileSlowdown quantiles{QuantileConstants{}};
  for (int i = 0; i < 50; ++i) quantiles.update(i % 2 ? 1.2 : 0.9);
  const double low = quantiles.quantile(0.05), high = quantiles.quantile(0.99);
  REQUIRE(high > 1.1);
  quantiles.exceeded(1.05);
  CHECK(quantiles.quantile(0.05) > low);
  CHECK(quantiles.quantile(0.99) == Approx(high));
}

TEST_CASE("regimes stay two, in order, with a floor below their scales") {
  RegimeConstants constants;
  RegimeSlowdown e(constants);
  const auto in_order = [&] {
    return e.locations()[1] - e.locations()[0] >= constants.least_distance - 1e-12;
  };
  for (int i = 0; i < 500; ++i) {  // one value alone: both would move there
    e.update(1.3);
    REQUIRE(in_order());
  }
  // The likely regime is where the data is; the other one gave way.
  const size_t likely = e.weights()[1] > 0.5;
  CHECK(e.locations()[likely] == Approx(std::log(1.3)).margin(1e-3));
  CHECK(1 / e.log_cdf().inverse_scale[likely] >= std::sqrt(constants.least_variance) - 1e-15);
  // The first regime's factors rise above the second's: they change places.
  RegimeSlowdown swapped(constants);
  for (int i = 0; i < 400; ++i) {
    swapped.update(i / 40 % 2 ? 1.65 : 1 + 0.01 * i);
    REQUIRE(swapped.locations()[1] > swapped.locations()[0]);
  }
}

TEST_CASE("regimes tell a co-runner that switches on and off") {
  RegimeSlowdown e{RegimeConstants{}};
  Random random(2);
  int right = 0;
  for (int i = 0; i < 600; ++i) {
    const bool on = i / 30 % 2;
    e.update((on ? 1.8 : 1.0) * std::exp(0.05 * random.normal()));
    right += i >= 100 && (e.weights()[1] > 0.5) == on;
  }
  CHECK(right > 480);
}

TEST_CASE("adaptive conformal inference keeps its bound on any sequence") {
  for (double a : {0.01, 0.05, 0.4})
    for (double gamma : {0.005, 0.02, 0.5}) {
      ConformalLevel level({a, gamma});
      INFO(a << " " << gamma);
      SlowdownEstimator e(all_kinds()[1]);
      const auto quantile = [&](double p) { return e.quantile(p); };
      Random random(3);
      for (int t = 1; t <= 2000; ++t) {
        const double bound = level.bound(quantile);
        // An adversary: above the bound wherever that can be, then far below for as long.
        const bool above = t / 100 % 2 ? random.uniform() < 0.9 : false;
        const bool exceeded = bound == 0 || (std::isfinite(bound) && above);
        level.observe(exceeded);
        e.update(exceeded ? bound * 1.5 + 0.1 : 0.5);
        REQUIRE(level.working_miss_share() >= -gamma);
        REQUIRE(level.working_miss_share() <= 1 + gamma);
        const double share = static_cast<double>(level.exceeded()) / t;
        REQUIRE(std::abs(share - a) <= level.guarantee() + 1e-12);
      }
      CHECK(level.observed() == 2000);
    }
  CHECK(ConformalLevel({0.05, 0.02}).bound([](double p) { return p; }) == Approx(0.95));
  ConformalLevel always({0.05, 1});
  always.observe(true);
  CHECK(always.bound([](double p) { return p; }) == inf_factor);
  ConformalLevel never({0.5, 1});
  never.observe(false);
  CHECK(never.bound([](double p) { return p; }) == 0);
}
