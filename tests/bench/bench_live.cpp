// What the harness adds to a network and how well it keeps its promises, on the shipped networks:
//   overhead   latency by LiveEnvironment over that of the same compiled network in a bare loop, alternately
//   overshoot  how long past a random deadline the anytime network stops
//   cap        achieved over requested speed of the emulated cap, and its coefficient of variation
// JSON on stdout. Run it from the repository on an otherwise idle machine: scripts/bench.sh.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/random.h"
#include "base/statistics.h"
#include "host/host.h"
#include "live/capped_execution.h"
#include "live/executor.h"
#include "live/live_environment.h"
#include "live/live_session.h"
#include "live/profiler.h"

using namespace alertbench;
using nlohmann::ordered_json;

namespace {

double median(const std::vector<double>& v) { return quantile(v, 0.5).value_or(0); }

double run_bare(StagedModel& m, Clock& clock) {
  const double start_s = clock.now_s();
  for (int s = 0; s < m.stages(); ++s)
    for (int b = 0; b < m.blocks(s); ++b) m.run_block(s, b);
  return clock.now_s() - start_s;
}

ordered_json overhead(LiveSession& session, const Profile& profile, int rounds) {
  ordered_json all = ordered_json::array();
  const auto meter = make_model_meter(profile);
  Goals goals;
  goals.deadline_s = 10;  // nothing stops, nothing is paced
  for (int m = 0; m < session.bench->models(); ++m) {
    LiveEnvironment environment(
        {profile, *session.bench, *session.power.caps, *meter, session.co_runner, session.clock}, goals,
        Arrivals::closed);
    warm_up(*session.bench, m, session.clock);
    std::vector<double> bare, harness, ratio;
    const Configuration whole{m, session.bench->model(m).stages(), profile.caps() - 1};
    for (int i = 0; i < rounds; ++i) {
      const auto by_harness = [&] {
        environment.begin_turn();
        environment.arrive(i % session.bench->inputs());
        harness.push_back(
            environment.execute(whole, {i % session.bench->inputs(), goals.deadline_s, goals.deadline_s})
                .latency_s);
      };
      const auto by_itself = [&] { bare.push_back(run_bare(session.bench->model(m), session.clock)); };
      if (i % 2)
        by_harness(), by_itself();
      else
        by_itself(), by_harness();
      ratio.push_back(harness.back() / bare.back());
    }
    all.push_back({{"network", session.bench->network(m).name},
                   {"bare_median_s", median(bare)},
                   {"harness_median_s", median(harness)},
                   {"ratio_of_medians", median(harness) / median(bare)},
                   {"median_of_pair_ratios", median(ratio)},
                   {"rounds", rounds}});
  }
  return all;
}

ordered_json overshoot(LiveSession& session, const Profile& profile, int rounds) {
  ordered_json all = ordered_json::array();
  Random random(1);
  for (int m = 0; m < session.bench->models(); ++m) {
    if (!profile.models[static_cast<size_t>(m)].anytime()) continue;
    const Configuration whole{m, session.bench->model(m).stages(), profile.caps() - 1};
    std::vector<double> over;
    for (int i = 0; i < rounds; ++i) {
      ExecutionOrder order;
      order.target_stage = whole.stage;
      order.stop_at_s =
          session.clock.now_s() + random.uniform(0.05, 0.95) * profile.latency_of(whole).median_s;
      const Execution e = execute(session.bench->model(m), order, session.clock);
      if (e.stopped) over.push_back(e.overshoot_s);
    }
    all.push_back({{"network", session.bench->network(m).name},
                   {"stops", over.size()},
                   {"median_s", median(over)},
                   {"p99_s", quantile(over, 0.99).value_or(0)},
                   {"max_s", quantile(over, 1.0).value_or(0)}});
  }
  return all;
}

ordered_json cap_accuracy(LiveSession& session, const Profile& profile, int rounds) {
  ordered_json all = ordered_json::array();
  for (int m = 0; m < session.bench->models(); ++m) {
    StagedModel& network = session.bench->model(m);
    const auto caps = make_emulated_cap(profile.power_model);
    CappedExecution capped(*caps, session.clock);
    const auto run = [&] { return capped.run(network, network.stages()).busy_s; };
    std::vector<std::vector<double>> ratio(profile.caps_w.size()), busy(profile.caps_w.size());
    for (int i = 0; i < rounds; ++i)
      for (size_t cap = 0; cap < profile.caps_w.size(); ++cap) {  // each capped run between two at full speed
        caps->restore();
        const double before_s = run();
        capped.set_cap(profile.caps_w[cap]);
        const double capped_s = run();
        caps->restore();
        const double after_s = run();
        ratio[cap].push_back(0.5 * (before_s + after_s) / capped_s);
        busy[cap].push_back(capped_s);
      }
    ordered_json settings = ordered_json::array();
    for (size_t cap = 0; cap < profile.caps_w.size(); ++cap) {
      const double wanted = profile.power_model.speed(profile.caps_w[cap]), got = median(ratio[cap]);
      const double mean =
          std::accumulate(busy[cap].begin(), busy[cap].end(), 0.0) / static_cast<double>(rounds);
      double square = 0;
      for (double b : busy[cap]) square += (b - mean) * (b - mean);
      settings.push_back({{"cap_w", profile.caps_w[cap]},
                          {"requested_speed", wanted},
                          {"achieved_speed", got},
                          {"error", got / wanted - 1},
                          {"latency_cv", std::sqrt(square / (rounds - 1)) / mean}});
    }
    all.push_back({{"network", session.bench->network(m).name}, {"settings", settings}});
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int rounds = argc > 1 ? std::stoi(argv[1]) : 200;
    Scenario scenario = Scenario::read("scenarios/quickstart.json", {"co_runner.kind=none"});
    LiveSession session(scenario, open_workload(scenario), false, false);
    const Profile profile = session.measure_profile();
    ordered_json out = {{"schema_version", "1.0"},
                        {"host", to_json(read_host())},
                        {"session", session.facts()},
                        {"noise", profile.noise_verdict}};
    out["harness_overhead"] = overhead(session, profile, rounds);
    out["anytime_overshoot"] = overshoot(session, profile, 3 * rounds);
    out["emulated_cap"] = cap_accuracy(session, profile, rounds / 4);
    fmt::print("{}\n", out.dump(1));
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench_live: {}\n", e.what());
    return 1;
  }
}
