#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "catch.h"
#include "schedulers/spectr_like.h"
#include "schedulers_fixture.h"

using namespace alertbench;
using namespace alertbench::fixture;
using Catch::Matchers::ContainsSubstring;

namespace {

using Spectr = SpectrSupervisor;
using Event = SpectrSupervisor::Event;

// What the specification speaks of, kept apart from the automaton.
struct History {
  bool power_gains = false;
  bool critical_under_qos = false;  // no controllable event since
  Event last_power = Event::met;    // since the gains were switched to power; met: none
  int safe_in_a_row = 0;            // likewise
  bool gains_since_plant = false, step_since_plant = false;
};

// The number of the rule of the specification that an event breaks; 0: none.
int broken_rule(const History& h, Event e) {
  if (!Spectr::controllable(e)) return 0;
  const bool gains = e == Event::to_power_gains || e == Event::to_qos_gains;
  if (h.critical_under_qos && e != Event::to_power_gains) return 1;
  if (h.power_gains && e == Event::raise_power && h.last_power != Event::safe) return 2;
  if (e == Event::to_qos_gains && h.safe_in_a_row < 2) return 3;
  if (gains ? h.gains_since_plant : h.step_since_plant) return 4;
  return 0;
}

History after(History h, Event e) {
  if (!Spectr::controllable(e)) h.gains_since_plant = h.step_since_plant = false;
  if (e == Event::critical && !h.power_gains) h.critical_under_qos = true;
  if (e == Event::critical || e == Event::above || e == Event::safe) {
    h.last_power = e;
    h.safe_in_a_row = e == Event::safe ? h.safe_in_a_row + 1 : 0;
  }
  if (e == Event::to_power_gains || e == Event::to_qos_gains) {
    h.power_gains = e == Event::to_power_gains;
    h.critical_under_qos = false;
    h.last_power = Event::met;
    h.safe_in_a_row = 0;
    h.gains_since_plant = true;
  }
  if (e == Event::lower_power || e == Event::raise_power) h.step_since_plant = true;
  return h;
}

bool qos_is_reachable(const Spectr& start, int length) {
  if (start.gains() == Spectr::Gains::qos && start.enabled(Event::lower_power)) return true;
  if (length == 0) return false;
  for (int i = 0; i < Spectr::events; ++i) {
    const auto e = static_cast<Event>(i);
    if (!start.enabled(e)) continue;
    Spectr next = start;
    next.take(e);
    if (qos_is_reachable(next, length - 1)) return true;
  }
  return false;
}

struct Walk {
  long words = 0, broken[5] = {};
  bool plant_is_free = true, blocks = false;
  bool seen[1 << (Spectr::events + 1)] = {};  // what a state enables, and its gains

  void from(const Spectr& supervisor, const History& history, int left) {
    ++words;
    unsigned state = supervisor.gains() == Spectr::Gains::power;
    for (int i = 0; i < Spectr::events; ++i) {
      const auto e = static_cast<Event>(i);
      const bool enabled = supervisor.enabled(e);
      state = 2 * state + enabled;
      if (!enabled) plant_is_free &= Spectr::controllable(e);
      if (!enabled || left == 0) continue;
      ++broken[broken_rule(history, e)];
      Spectr next = supervisor;
      next.take(e);
      from(next, after(history, e), left - 1);
    }
    if (!seen[state]) blocks |= !qos_is_reachable(supervisor, 5);
    seen[state] = true;
  }
};

std::vector<double> eigenvalues(const Matrix2& m) {
  const double half = (m[0][0] + m[1][1]) / 2, product = m[0][0] * m[1][1] - m[0][1] * m[1][0];
  const double root = std::sqrt(std::max(0.0, half * half - product));
  CHECK(half * half - product > -1e-9);  // they are real
  return {half - root, half + root};
}

Matrix2 loop(const Matrix2& b, const Matrix2& gain) {
  Matrix2 m;
  for (size_t i = 0; i < 2; ++i)
    for (size_t j = 0; j < 2; ++j) m[i][j] = (i == j ? 1 : 0) - b[i][0] * gain[0][j] - b[i][1] * gain[1][j];
  return m;
}

}  // namespace

TEST_CASE("SPECTR's supervisor keeps its specification on all words of up to 8 events", "[spectr]") {
  Walk walk;
  walk.from({}, {}, 8);
  CHECK(walk.words > 1000000);
  CHECK(walk.plant_is_free);
  for (int rule = 1; rule <= 4; ++rule) {
    INFO("rule " << rule);
    CHECK(walk.broken[rule] == 0);
  }
  CHECK_FALSE(walk.blocks);
}

TEST_CASE("SPECTR's supervisor chooses only what is enabled, and then waits", "[spectr]") {
  const auto choices = [](Spectr& s, std::vector<Event> plant, bool saves) {
    std::vector<Event> chosen;
    for (const Event e : plant) s.take(e);
    while (const auto e = s.choice(saves)) {
      REQUIRE(s.enabled(*e));
      s.take(*e);
      chosen.push_back(*e);
      REQUIRE(chosen.size() < 3);
    }
    return chosen;
  };
  using List = std::vector<Event>;
  Spectr s;
  CHECK(choices(s, {}, true).empty());
  CHECK(choices(s, {Event::met, Event::safe}, true) == List{Event::lower_power});
  CHECK(s.reference() == Spectr::Reference::lowering);
  CHECK(choices(s, {Event::met, Event::safe}, false) == List{Event::raise_power});
  CHECK(choices(s, {Event::met}, false).empty());
  CHECK(choices(s, {Event::late, Event::above}, true) == List{Event::lower_power});
  CHECK(choices(s, {Event::late}, true) == List{Event::raise_power});
  CHECK(s.gains() == Spectr::Gains::qos);
  CHECK(choices(s, {Event::late, Event::critical}, false) == List{Event::to_power_gains, Event::lower_power});
  CHECK(s.gains() == Spectr::Gains::power);
  CHECK(choices(s, {Event::late}, false).empty());  // late, but power was not safe since
  CHECK(choices(s, {Event::late, Event::safe}, false) == List{Event::raise_power});
  CHECK(choices(s, {Event::met, Event::above}, false) == List{Event::lower_power});
  CHECK(choices(s, {Event::met, Event::safe}, false) == List{Event::raise_power});
  CHECK(choices(s, {Event::met, Event::safe}, false) == List{Event::to_qos_gains, Event::raise_power});
  CHECK(s.gains() == Spectr::Gains::qos);
}

TEST_CASE("the LQ gain is stable, optimal, and deadbeat without effort", "[spectr]") {
  Random random(3);
  for (int i = 0; i < 300; ++i) {
    const Matrix2 b = {{{1, 1}, {i % 3 ? random.uniform(-5, 5) : 0, i % 5 ? random.uniform(-5, 5) : 0}}};
    const std::array<double, 2> q = {random.uniform(0.1, 30), random.uniform(0.1, 30)},
                                r = {random.uniform(0.01, 3), random.uniform(0.01, 3)};
    const Matrix2 gain = lq_gain(b, q, r);
    const double determinant = b[0][0] * b[1][1] - b[0][1] * b[1][0];
    for (const double pole : eigenvalues(loop(b, gain))) {
      CHECK(pole > 0);
      CHECK(pole <= 1 + 1e-9);
      if (std::abs(determinant) > 0.1) CHECK(pole < 1);
    }
    // No other increment costs less.
    const std::array<double, 2> e = {random.normal(), random.normal()};
    const auto cost = [&](double u0, double u1) {
      double sum = r[0] * u0 * u0 + r[1] * u1 * u1;
      for (size_t y = 0; y < 2; ++y) {
        const double rest = e[y] - b[y][0] * u0 - b[y][1] * u1;
        sum += q[y] * rest * rest;
      }
      return sum;
    };
    const double u0 = gain[0][0] * e[0] + gain[0][1] * e[1], u1 = gain[1][0] * e[0] + gain[1][1] * e[1];
    for (const double d : {-1e-3, 1e-3}) {
      CHECK(cost(u0, u1) <= cost(u0 + d, u1));
      CHECK(cost(u0, u1) <= cost(u0, u1 + d));
    }
    if (std::abs(determinant) < 0.1) continue;
    const Matrix2 rest = loop(b, lq_gain(b, q, {0, 0}));
    for (const auto& row : rest)
      for (const double v : row) CHECK(std::abs(v) < 1e-6);
  }
}

TEST_CASE("spectr-like follows rate and power of a machine that is as profiled", "[spectr]") {
  // Six networks of 50 to 100 ms, eight caps. At 70 W, a network of 0.07 s (uncapped) takes the deadline.
  std::vector<Network> networks;
  for (int i = 0; i < 6; ++i)
    networks.push_back({"n" + std::to_string(i), {0.5 + 0.05 * i}, {0.05 + 0.01 * i}});
  const Profile p = profile_of(networks, {30, 40, 50, 60, 70, 80, 90, 100});
  const TruthTable t = truth_of(p, std::vector<double>(400, 1.0));
  const double deadline_s = 0.1;
  const Run r = run("spectr-like", p, t, min_error(deadline_s, 70 * deadline_s), {{"margin", 0}});
  double log_rate = 0, energy_j = 0;
  for (size_t i = 200; i < 400; ++i) {
    log_rate += std::log(deadline_s / r.outcomes[i].busy_s) / 200;
    energy_j += *r.outcomes[i].energy_j / 200;
  }
  CHECK(std::abs(log_rate) < 0.05);
  CHECK(energy_j < 7 * 1.02);
  CHECK(energy_j > 7 * 0.85);
  // A slower machine: rate comes first, at the cost of accuracy.
  const Run slow = run("spectr-like", p, truth_of(p, std::vector<double>(400, 1.3)),
                       min_error(deadline_s, 70 * deadline_s), {{"margin", 0}});
  double slow_rate = 0;
  for (size_t i = 200; i < 400; ++i) slow_rate += std::log(deadline_s / slow.outcomes[i].busy_s) / 200;
  CHECK(std::abs(slow_rate) < 0.1);
  CHECK(slow.configurations.back().model <= r.configurations.back().model);
}

TEST_CASE("spectr-like puts power first when it is critical, and returns when it is safe", "[spectr]") {
  const Profile p = mixed();
  SpectrLike spectr({p, min_error(0.1, 6)}, {});
  const auto live = [&](double energy_j, int inputs) {
    for (int i = 0; i < inputs; ++i) {
      const Configuration c = spectr.decide({i, 0.1, 0.1});
      Observation o;
      o.configuration = c;
      o.stages_finished = o.stage_delivered = 1;
      o.busy_s = o.last_stage_end_s = 0.08;
      o.deadline_from_start_s = o.period_s = 0.1;
      o.energy_j = energy_j;
      o.idle_power_w = 10;
      spectr.observe(o);
    }
  };
  CHECK(spectr.power_reference_w() == Approx(60));
  live(6.1, 4);
  CHECK(spectr.gains() == SpectrSupervisor::Gains::qos);
  live(6.1, 1);
  CHECK(spectr.gains() == SpectrSupervisor::Gains::power);
  CHECK(spectr.power_reference_w() == Approx(57));
  live(5.5, 5);  // between safe and above: nothing happens
  CHECK(spectr.power_reference_w() == Approx(57));
  live(5, 5);
  CHECK(spectr.gains() == SpectrSupervisor::Gains::power);
  CHECK(spectr.power_reference_w() == Approx(60));
  live(5, 5);
  CHECK(spectr.gains() == SpectrSupervisor::Gains::qos);
  live(1, 500);
  CHECK(spectr.power_reference_w() == Approx(100));  // what the profile has, not more
  live(100, 500);
  CHECK(spectr.power_reference_w() == Approx(40));
}

TEST_CASE("spectr-like holds a component at the end of its range, and it comes back at once", "[spectr]") {
  const Profile p = mixed();
  SpectrLike spectr({p, min_error(0.1, 6)}, {});
  Configuration c;
  const auto live = [&](double slowdown, int inputs) {
    for (int i = 0; i < inputs; ++i) {
      c = spectr.decide({i, 0.1, 0.1});
      Observation o;
      o.configuration = c;
      o.stages_finished = o.stage_delivered = 1;
      o.busy_s = o.last_stage_end_s = p.latency_of({c.model, 1, c.cap}).mean_s * slowdown;
      o.deadline_from_start_s = o.period_s = 0.1;
      spectr.observe(o);
    }
  };
  live(20, 300);
  CHECK(c.model == 2);
  CHECK(c.stage == 1);
  live(0.2, 6);
  CHECK(c.model == 1);
}

TEST_CASE("under min_energy, spectr-like keeps to networks that are accurate enough", "[spectr]") {
  const Profile p = mixed();
  const TruthTable t = truth_of(p, std::vector<double>(200, 1.0));
  const Run r = run("spectr-like", p, t, min_energy(0.3, 0.7));
  double early_j = 0, late_j = 0;
  for (size_t i = 0; i < r.outcomes.size(); ++i) {
    const Configuration& c = r.configurations[i];
    CHECK(p.models[static_cast<size_t>(c.model)].accuracy[static_cast<size_t>(c.stage - 1)] >= 0.7);
    if (i < 20) early_j += *r.outcomes[i].energy_j / 20;
    if (i >= 180) late_j += *r.outcomes[i].energy_j / 20;
  }
  CHECK(late_j <= early_j);
  CHECK(make_scheduler("spectr-like", {p, min_energy(0.3, 0.99)}, {}, "t")->decide({}).model == 1);
}

TEST_CASE("spectr-like reads its settings strictly", "[spectr]") {
  const Profile p = mixed();
  const auto refused = [&](const nlohmann::json& settings, const char* what) {
    CHECK_THROWS_WITH(make_scheduler("spectr-like", {p, min_error(0.1, 6)}, settings, "s"),
                      ContainsSubstring(what));
  };
  refused({{"perod", 5}}, "\"period\"");
  refused({{"above", 1.2}}, "above");
  refused({{"safe", 0.96}}, "safe");
  refused({{"priority", 0.5}}, "priority");
  const auto effective = effective_settings("spectr-like", {{"step", 0.1}}, "s");
  CHECK(effective["step"] == 0.1);
  CHECK(effective["period"] == 5);
  CHECK(effective_settings("spectr-like", nlohmann::json::parse(effective.dump()), "s") == effective);
}
