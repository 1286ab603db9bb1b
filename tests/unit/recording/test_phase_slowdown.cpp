#include <nlohmann/json.hpp>

#include "catch.h"
#include "recording/phase_slowdown.h"
#include "schedulers_fixture.h"

using namespace alertbench;

namespace {

TruthTable truth_of(const Profile& p, const std::vector<double>& slowdown, const std::vector<uint8_t>& on) {
  TruthTable t = fixture::truth_of(p, slowdown);
  t.co_runner_on = on;
  return t;
}

}  // namespace

TEST_CASE("Phases are cut where the co-runner is switched, and slowed by median and mean",
          "[phase-slowdown]") {
  const Profile p = fixture::mixed();
  const TruthTable t = truth_of(p, {1, 1.2, 1.5, 1.6, 2.3, 1, 2}, {0, 0, 1, 1, 1, 0, 1});
  const auto phases = phase_slowdowns(t, p);
  REQUIRE(phases.size() == 4);
  CHECK(phases[1].first == 2);
  CHECK(phases[1].end == 5);
  CHECK(phases[1].on);
  CHECK_FALSE(phases[0].on);
  CHECK(phases[3].end == 7);
  for (const PhaseSlowdown& phase : phases) REQUIRE(phase.median.size() == 3);
  for (size_t m = 0; m < 3; ++m) {
    CHECK(phases[0].median[m] == Approx(1.1));
    CHECK(phases[1].median[m] == Approx(1.6));
    CHECK(phases[1].mean[m] == Approx(1.8));
    CHECK(phases[3].mean[m] == Approx(2));
  }
  CHECK(phase_slowdowns(truth_of(p, {}, {}), p).empty());
}

TEST_CASE("The slow-down of an input is over the latency for its size", "[phase-slowdown]") {
  Profile p = fixture::two_by_two();
  p.size_unit = "tokens";
  p.mean_size = 100;
  p.models[1].size_growth = 1;
  TruthTable t = truth_of(p, {3, 3}, {1, 1});
  t.size = {100, 200};
  CHECK(slowdown_of(t, p, 0, 1) == Approx(3));
  CHECK(slowdown_of(t, p, 1, 0) == Approx(3));
  CHECK(slowdown_of(t, p, 1, 1) == Approx(1.5));
}

TEST_CASE("Facts of slow-downs hold the whole, and phases within bounds", "[phase-slowdown]") {
  const Profile p = fixture::two_by_two();
  const auto few = slowdown_facts(truth_of(p, {1, 1, 1.5, 2.1, 1, 1.7}, {0, 0, 1, 1, 0, 1}), p);
  CHECK(few["median_ratio_over_networks"].get<double>() == Approx(1.7));
  CHECK(few["networks"][1]["with_co_runner"]["inputs"] == 3);
  const auto& by_phase = few["by_phase"];
  CHECK(by_phase["phases"] == 4);
  CHECK(by_phase["left_out"] == 0);
  REQUIRE(by_phase["each"].size() == 4);
  CHECK(by_phase["each"][1].dump() == R"({"first":2,"end":4,"on":true,"median":[1.8,1.8],"mean":[1.8,1.8]})");
  CHECK(by_phase["networks"][0]["median_with_co_runner"]["min"].get<double>() == Approx(1.7));
  CHECK(by_phase["networks"][0]["median_without"]["phases"] == 2);

  // Off throughout: nothing to compare.
  const auto off = slowdown_facts(truth_of(p, {1, 1}, {0, 0}), p);
  CHECK(off["median_ratio_over_networks"].is_null());
  CHECK(off["by_phase"]["networks"][0]["median_with_co_runner"].is_null());
  CHECK(slowdown_facts(truth_of(p, {}, {}), p)["by_phase"]["each"].empty());

  std::vector<uint8_t> on;
  for (int n = 0; n < 5000; ++n) on.push_back(n % 2 != 0);
  const auto many = slowdown_facts(truth_of(p, std::vector<double>(5000, 1.25), on), p)["by_phase"];
  CHECK(many["phases"] == 5000);
  CHECK(many["left_out"] == 4960);
  CHECK(many["each"].size() == 40);
  CHECK(many["each"][39]["end"] == 5000);
  CHECK(many.dump().size() < 8000);
}
