// How long a decision of ALERT (with each estimator of the slow-down factor) and of price takes, and what a
// table for Phi is worth: median time of decide + observe for several numbers of configurations, beside one
// std::erfc per configuration and the other schedulers that know no truth, with 650 configurations. Rounds of
// all cases are interleaved, so that a drift of the machine meets all alike. "lib" is ALERT in a shared
// object, behind the C interface of schedulers. JSON on stdout; times are this machine's, at this moment.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>

#include "base/installation.h"
#include "base/random.h"
#include "base/statistics.h"
#include "plugins/external_schedulers.h"

using namespace alertbench;

namespace {

Profile make_profile(int models, int stages, int caps) {
  Profile p;
  for (int c = 0; c < caps; ++c) p.caps_w.push_back(40 + 60.0 * (c + 1) / caps);
  p.fail_accuracy = 0.001;
  p.idle_power_w = 20;
  for (int m = 0; m < models; ++m) {
    ModelProfile model;
    model.name = fmt::format("m{:03}", m);
    for (int s = 1; s <= stages; ++s) {
      model.accuracy.push_back(0.5 + 0.3 * (m + 1) / models + 0.15 * s / stages);
      for (double cap : p.caps_w) {
        const double t = 0.01 * (m + 1) * s / p.power_model.speed(cap);
        p.latency.push_back({t, t, t, t, 0});
      }
    }
    for (double cap : p.caps_w) p.active_power_w.push_back(p.power_model.active_w(cap));
    p.models.push_back(model);
  }
  return p;
}

// Others need traditional networks too.
void add_traditional(Profile& p) {
  const Profile traditional = make_profile(4, 1, p.caps());
  for (const ModelProfile& m : traditional.models) {
    p.models.push_back(m);
    p.models.back().name = "t" + m.name;
  }
  p.latency.insert(p.latency.end(), traditional.latency.begin(), traditional.latency.end());
  p.active_power_w.insert(p.active_power_w.end(), traditional.active_power_w.begin(),
                          traditional.active_power_w.end());
}

struct Case {
  std::string name;
  int configurations;
  std::function<void(int)> run;  // one decision
  std::vector<double> ns;
};

}  // namespace

int main() {
  constexpr int rounds = 400, per_round = 50;
  struct Size {
    const char* name;
    int models, stages, caps;
    Task task;
    double accuracy, energy_j;
    const char* scheduler = "alert";
    nlohmann::json settings = nlohmann::json::object();
  };
  std::vector<Size> sizes = {{"130", 10, 1, 13, Task::min_energy, 0.55, 0},
                             {"650", 10, 5, 13, Task::min_energy, 0.55, 0},
                             {"650 min_error", 10, 5, 13, Task::min_error, 0, 8},
                             {"650 infeasible", 10, 5, 13, Task::min_energy, 0.9999, 0},
                             {"1344", 21, 4, 16, Task::min_energy, 0.55, 0}};
  for (const auto& [name, models, stages, caps, task] :
       {std::tuple("130", 10, 1, 13, Task::min_energy),
        std::tuple("650 min_error", 10, 5, 13, Task::min_error),
        std::tuple("1344", 21, 4, 16, Task::min_energy)})
    sizes.push_back({name, models, stages, caps, task, 0.55, 8, "price"});
  for (const char* estimator : {"student", "regimes", "quantiles"}) {
    const nlohmann::json settings = {{"estimator", estimator}};
    sizes.push_back({"130", 10, 1, 13, Task::min_energy, 0.55, 0, "alert", settings});
    sizes.push_back({"1344", 21, 4, 16, Task::min_energy, 0.55, 0, "alert", settings});
  }
  for (const char* estimator : {"gaussian", "regimes"})
    sizes.push_back({"130",
                     10,
                     1,
                     13,
                     Task::min_energy,
                     0.55,
                     0,
                     "alert",
                     {{"estimator", estimator}, {"conformal", nlohmann::json::object()}}});
  const std::string library = "lib:" + beside_program("scheduler-alert.so");
  sizes.push_back({"130", 10, 1, 13, Task::min_energy, 0.55, 0, library.c_str()});
  sizes.push_back({"650", 10, 5, 13, Task::min_energy, 0.55, 0, library.c_str()});
  const std::vector<SchedulerInfo> known = known_schedulers();
  for (const SchedulerInfo& info : known)
    if (!info.needs_truth && info.traits.family != "alert")
      sizes.push_back({"650", 10, 5, 13, Task::min_error, 0, 8, info.name.c_str(),
                       info.name == "caloree" ? nlohmann::json{{"relearn", 0}} : nlohmann::json::object()});
  sizes.push_back(
      {"650 learning", 10, 5, 13, Task::min_energy, 0.55, 0, "caloree", {{"relearn", 1}}});  // at every input
  std::vector<std::unique_ptr<Profile>> profiles;
  std::vector<std::unique_ptr<Scheduler>> schedulers;
  std::vector<Case> cases;
  Random random(1);
  std::vector<double> ratios(1024);
  for (double& r : ratios) r = 1.2 + 0.2 * random.normal();
  double sink = 0;

  for (const auto& size : sizes) {
    profiles.push_back(std::make_unique<Profile>(make_profile(size.models, size.stages, size.caps)));
    const std::string scheduler_name = size.scheduler;
    if (scheduler_name != "alert" && scheduler_name != "price" && scheduler_name != library)
      add_traditional(*profiles.back());
    const Profile& profile = *profiles.back();
    Goals goals{size.name, size.task, 0.1, size.accuracy, size.energy_j};
    schedulers.push_back(
        make_any_scheduler(size.scheduler, "bench", {profile, goals}, size.settings, "bench"));
    Scheduler& scheduler = *schedulers.back();
    std::string name =
        fmt::format("{} {}", scheduler_name == library ? "lib alert" : scheduler_name, size.name);
    if (size.settings.contains("estimator")) name += " " + size.settings["estimator"].get<std::string>();
    if (size.settings.contains("conformal")) name += " conformal";
    cases.push_back({std::move(name),
                     size.models * size.stages * size.caps,
                     [&](int i) {
                       const Configuration c = scheduler.decide({i, 0.1, 0.1});
                       Observation o;
                       o.configuration = c;
                       o.stages_finished = c.stage;
                       o.last_stage_end_s = profile.latency_of(c).mean_s * ratios[i & 1023];
                       o.busy_s = o.last_stage_end_s;
                       o.deadline_from_start_s = o.period_s = 0.1;
                       o.idle_power_w = 20;
                       o.energy_j = 6;
                       scheduler.observe(o);
                     },
                     {}});
  }
  cases.push_back({"erfc 650",
                   650,
                   [&](int i) {
                     for (int k = 0; k < 650; ++k) sink += std::erfc((k - 325) * 0.01 * ratios[i & 1023]);
                   },
                   {}});

  for (int round = 0; round < rounds; ++round)
    for (size_t k = 0; k < cases.size(); ++k) {
      Case& c = cases[(k + static_cast<size_t>(round)) % cases.size()];
      const auto start = std::chrono::steady_clock::now();
      for (int i = 0; i < per_round; ++i) c.run(round * per_round + i);
      const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
      c.ns.push_back(spent.count() / per_round);
    }

  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const Case& c : cases)
    out.push_back({{"name", c.name},
                   {"configurations", c.configurations},
                   {"median_ns", *quantile(c.ns, 0.5)},
                   {"p99_ns", *quantile(c.ns, 0.99)},
                   {"rounds", rounds}});
  fmt::print("{}\n", out.dump(2));
  return sink == 12345 ? 1 : 0;
}
