#include "live/profiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "core/interrupt.h"
#include "live/executor.h"
#include "metrics/statistics.h"

namespace alertbench {
namespace {

LatencyStats stats_of(const std::vector<double>& values) {
  const double n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double square = 0;
  for (double v : values) square += (v - mean) * (v - mean);
  const double sd = values.size() > 1 ? std::sqrt(square / (n - 1)) : 0.0;
  return {mean, *quantile(values, 0.5), *quantile(values, 0.95), *quantile(values, 0.99), sd / mean};
}

}  // namespace

void warm_up(NetworkBench& bench, int model, Clock& clock, int least) {
  StagedModel& network = bench.model(model);
  ExecutionOrder order;
  order.target_stage = network.stages();
  double best_s = std::numeric_limits<double>::infinity();
  int since_best = 0;
  for (int i = 0; i < 60 && (i < least || since_best < 4); ++i) {
    const double busy_s = execute(network, order, clock).busy_s;
    since_best = busy_s < 0.98 * best_s ? 0 : since_best + 1;
    best_s = std::min(best_s, busy_s);
  }
}

Profile measure_profile(NetworkBench& bench, const Scenario& scenario, CapSetter& caps, Clock& clock, Progress& progress) {
  Profile p;
  p.workload = scenario.workload;
  p.caps_w = scenario.caps_w;
  p.power_model = scenario.power_model;
  p.power_backend = caps.backend();
  p.idle_power_w = p.power_model.idle_w;
  p.repetitions = scenario.profile_repetitions;
  p.threads = scenario.threads;
  for (int m = 0; m < bench.models(); ++m) {
    const NetworkSpec& n = bench.network(m);
    p.models.push_back({n.name, n.random_weights(), n.accuracy.top1, n.accuracy.source, n.accuracy.on});
    for (double cap_w : p.caps_w) p.active_power_w.push_back(p.power_model.active_w(cap_w));
  }

  bench.feed(0);
  for (int m = 0; m < bench.models(); ++m) warm_up(bench, m, clock);

  const size_t cells = p.models.size() * p.caps_w.size();
  std::vector<std::vector<double>> samples(static_cast<size_t>(p.rows() * p.caps()));
  progress.begin("Profiling", static_cast<int64_t>(cells) * p.repetitions);
  for (int repetition = 0; repetition < p.repetitions; ++repetition) {
    bench.feed(repetition % bench.inputs());
    for (size_t k = 0; k < cells; ++k) {
      if (interrupted()) throw RunError("interrupted while profiling; nothing had been measured that could be kept");
      const size_t cell = (k + static_cast<size_t>(repetition)) % cells;
      const int model = static_cast<int>(cell / p.caps_w.size()), cap = static_cast<int>(cell % p.caps_w.size());
      caps.set(p.caps_w[static_cast<size_t>(cap)]);
      ExecutionOrder order;
      order.target_stage = bench.model(model).stages();
      order.speed = caps.emulated_speed();
      const Execution e = execute(bench.model(model), order, clock);
      for (int stage = 0; stage < e.stages_finished; ++stage)
        samples[static_cast<size_t>((p.first_row(model) + stage) * p.caps() + cap)].push_back(
            e.stage_end_s[static_cast<size_t>(stage)]);
      progress.step();
    }
  }
  progress.end();
  caps.restore();

  std::vector<double> spread;
  for (const auto& s : samples) {
    p.latency.push_back(stats_of(s));
    spread.push_back(p.latency.back().cv);
  }
  const double typical = *quantile(spread, 0.5);
  p.noise_verdict = typical <= 0.10 ? fmt::format("quiet: median coefficient of variation {:.3f}", typical)
                                    : fmt::format("noisy: median coefficient of variation {:.3f}, wanted at most 0.10; "
                                                  "other work on this machine?", typical);
  return p;
}

MeasuredAccuracy measure_accuracy(NetworkBench& bench, Clock& clock, Progress& progress) {
  std::vector<size_t> first_row;
  size_t rows = 0;
  for (int m = 0; m < bench.models(); ++m) {
    if (!bench.judged(m))
      throw InputError(fmt::format("accuracy of {} cannot be measured: {}; leave --accuracy out", bench.network(m).name,
                                   bench.network(m).random_weights() ? "its weights are random" : "the data has no labels"));
    first_row.push_back(rows);
    rows += static_cast<size_t>(bench.network(m).stages());
  }
  MeasuredAccuracy measured{std::vector<double>(rows), std::vector<double>(rows), bench.inputs()};
  progress.begin("Measuring accuracy", bench.inputs());
  for (int64_t input = 0; input < bench.inputs(); ++input) {
    if (interrupted()) throw RunError("interrupted while measuring accuracy; nothing was written");
    bench.feed(input);
    for (int m = 0; m < bench.models(); ++m) {
      ExecutionOrder order;
      order.target_stage = bench.network(m).stages();
      execute(bench.model(m), order, clock);
      for (int s = 0; s < order.target_stage; ++s) {
        const Correctness correct = *bench.judge(m, s + 1);
        measured.top1[first_row[static_cast<size_t>(m)] + static_cast<size_t>(s)] += correct.top1;
        measured.top5[first_row[static_cast<size_t>(m)] + static_cast<size_t>(s)] += correct.top5;
      }
    }
    progress.step();
  }
  progress.end();
  for (auto* values : {&measured.top1, &measured.top5})
    for (double& v : *values) v /= static_cast<double>(measured.inputs);
  return measured;
}

void take_accuracy(Profile& profile, const MeasuredAccuracy& measured, const std::string& data_source) {
  size_t row = 0;
  for (ModelProfile& model : profile.models) {
    model.accuracy_source = "measured";
    model.accuracy_on = fmt::format("{}; {} inputs", data_source, measured.inputs);
    for (double& accuracy : model.accuracy) accuracy = measured.top1[row++];
    raise_falling_stages(model.accuracy, model.accuracy_on);
  }
}

}  // namespace alertbench
