// Small profiles, recordings and runs for the tests of schedulers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/random.h"
#include "core/truth_table.h"
#include "schedulers/scheduler.h"

namespace alertbench::fixture {

struct Network {
  std::string name;
  std::vector<double> accuracy, latency_s;  // per stage, latency under the highest cap
};

// Latency under cap c is latency * caps.back() / c, active power is the cap.
inline Profile profile_of(const std::vector<Network>& networks, std::vector<double> caps_w,
                          double fail_accuracy = 0.1) {
  Profile p;
  p.workload = "test";
  p.caps_w = std::move(caps_w);
  p.fail_accuracy = fail_accuracy;
  p.idle_power_w = 10;
  p.repetitions = 1;
  p.host = "test";
  for (const Network& n : networks) {
    ModelProfile m;
    m.name = n.name;
    m.accuracy = n.accuracy;
    m.accuracy_source = "assumed";
    for (double t : n.latency_s)
      for (double cap : p.caps_w) {
        const double s = t * p.caps_w.back() / cap;
        p.latency.push_back({s, s, s * 1.1, s * 1.2, 0.05});
      }
    p.active_power_w.insert(p.active_power_w.end(), p.caps_w.begin(), p.caps_w.end());
    p.models.push_back(m);
  }
  return p;
}

// Two traditional networks, two caps: every figure below can be worked out by hand.
inline Profile two_by_two() {
  return profile_of({{"small", {0.6}, {0.05}}, {"large", {0.8}, {0.1}}}, {50, 100});
}

inline Profile mixed() {
  return profile_of(
      {{"small", {0.6}, {0.05}}, {"large", {0.8}, {0.1}}, {"any", {0.5, 0.65, 0.75}, {0.045, 0.08, 0.13}}},
      {40, 60, 80, 100});
}

inline TruthTable truth_of(const Profile& p, const std::vector<double>& slowdown) {
  TruthTable t;
  t.inputs = static_cast<int64_t>(slowdown.size());
  t.rows = p.rows();
  t.caps = p.caps();
  for (double xi : slowdown)
    for (const LatencyStats& l : p.latency) t.stage_end_s.push_back(xi * l.mean_s);
  return t;
}

struct Run {
  std::vector<Configuration> configurations;
  std::vector<Outcome> outcomes;
};

inline Run run(const std::string& name, const Profile& p, const TruthTable& t, const Goals& goals,
               const nlohmann::json& settings = nlohmann::json::object()) {
  auto scheduler = make_scheduler(name, {p, goals, &t}, settings, "test");
  Run result;
  for (int64_t n = 0; n < t.inputs; ++n) {
    const Context context{n, goals.deadline_s, goals.deadline_s};
    const Configuration c = scheduler->decide(context);
    const Outcome o = outcome_of(t, p, c, context);
    scheduler->observe(observation_of(c, context, o, 0));
    result.configurations.push_back(c);
    result.outcomes.push_back(o);
  }
  return result;
}

inline Goals min_energy(double deadline_s, double accuracy) {
  return {"e", Task::min_energy, deadline_s, accuracy, {}, Judge::strict};
}
inline Goals min_error(double deadline_s, double energy_j) {
  return {"a", Task::min_error, deadline_s, {}, energy_j, Judge::strict};
}

}  // namespace alertbench::fixture
