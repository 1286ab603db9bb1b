#include "live/profiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/statistics.h"
#include "live/capped_execution.h"
#include "live/live_pace.h"

namespace alertbench {
namespace {

constexpr double idle_s = 1;                // over which idle power is measured
constexpr double longest_standstill_s = 1;  // of a counter, while a short network is run again and again

LatencyStats stats_of(const std::vector<double>& values) {
  const double n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double square = 0;
  for (double v : values) square += (v - mean) * (v - mean);
  const double sd = values.size() > 1 ? std::sqrt(square / (n - 1)) : 0.0;
  return {mean, *quantile(values, 0.5), *quantile(values, 0.95), *quantile(values, 0.99), sd / mean};
}

// How much of a model's latency grows with the input's size: the slope of a least-squares line through
// latency over size, in shares of the latency at size 1. `samples` [row][cap] holds one sample a size;
// latencies are taken relative to their cap's mean, so that all caps count alike.
double fit_growth(const std::vector<const std::vector<double>*>& samples, const std::vector<double>& sizes) {
  double n = 0, sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
  for (const std::vector<double>* of_cap : samples) {
    const double mean =
        std::accumulate(of_cap->begin(), of_cap->end(), 0.0) / static_cast<double>(of_cap->size());
    for (size_t k = 0; k < of_cap->size(); ++k) {
      const double x = sizes[k], y = (*of_cap)[k] / mean;
      n += 1, sum_x += x, sum_y += y, sum_xx += x * x, sum_xy += x * y;
    }
  }
  const double spread = n * sum_xx - sum_x * sum_x;
  if (spread <= 1e-9 * n * sum_xx) return 0;  // all of one size
  const double slope = (n * sum_xy - sum_x * sum_y) / spread, at_one = (sum_y - slope * sum_x) / n + slope;
  return at_one > 0 ? std::clamp(slope / at_one, 0.0, 2.0) : 0.0;
}

EnergyReading read_or_fail(EnergyCounter& counter) {
  const auto reading = counter.read();
  if (!reading) throw RunError(fmt::format("profiling: {}", fmt::join(counter.problems(), "; ")));
  return *reading;
}

// What was counted during the runs of one network under one cap.
struct Window {
  double total_j = 0, time_s = 0;
  int runs = 0;
  void add(const std::optional<EnergyReading>& from, const EnergyReading& to) {
    if (!from) return;
    total_j += to.total_j - from->total_j;
    time_s += to.at_s - from->at_s;
    ++runs;
  }
};

double measure_idle_power(EnergyCounter& counter, Clock& clock) {
  const EnergyReading from = read_or_fail(counter);
  clock.sleep_until(clock.now_s() + idle_s);
  const EnergyReading to = read_or_fail(counter);
  return (to.total_j - from.total_j) / (to.at_s - from.at_s);
}

// Windows of single runs that are shorter than a window must be do not add up to a long one: each holds a
// part of what ran before it. Such networks are run again, under the same cap, in one window of twice the
// refreshes that a window must have.
void lengthen(std::vector<Window>& windows, const Profile& p, NetworkBench& bench, PowerBackend& power,
              Clock& clock) {
  const double refresh_s = power.counter->refresh_interval_s(), enough_s = 2 * fewest_refreshes * refresh_s;
  CappedExecution capped(*power.caps, clock);
  for (size_t cell = 0; cell < windows.size(); ++cell) {
    Window& window = windows[cell];
    if (window.time_s >= window.runs * fewest_refreshes * refresh_s && window.total_j > 0) continue;
    capped.set_cap(p.caps_w[cell % p.caps_w.size()]);
    StagedModel& network = bench.model(static_cast<int>(cell / p.caps_w.size()));
    const double settled_s = clock.now_s() + (power.caps->by_hardware() ? power.caps->settle_s() : 0);
    while (clock.now_s() < settled_s) capped.run(network, network.stages());
    const EnergyReading from = read_or_fail(*power.counter);
    EnergyReading now = from;
    while (now.at_s < from.at_s + enough_s ||
           (now.total_j <= from.total_j && now.at_s < from.at_s + longest_standstill_s)) {
      if (interrupted())
        throw RunError("interrupted while profiling; no measurement was complete enough to keep");
      capped.run(network, network.stages());
      now = read_or_fail(*power.counter);
    }
    window = {};
    window.add(from, now);
  }
}

void take_power(Profile& p, const std::vector<Window>& windows) {
  for (size_t cell = 0; cell < windows.size(); ++cell) {
    const Window& w = windows[cell];
    const std::string& name = p.models[cell / p.caps_w.size()].name;
    const double cap_w = p.caps_w[cell % p.caps_w.size()];
    if (!(w.time_s > 0 && w.total_j > 0))
      throw RunError(
          fmt::format("profiling: the energy counter did not move during {:.1f} s of {} under {} W; choose "
                      "--set power.backend=emulated",
                      w.time_s, name, cap_w));
    p.active_power_w[cell] = w.total_j / w.time_s;
  }
}

// From repetition to repetition: the last stage under each cap against that under the highest one, which came
// shortly before or after it, so that drift of the machine is in both.
void take_cap_speeds(Profile& p, const std::vector<std::vector<double>>& samples) {
  const double full = p.power_model.speed(p.caps_w.back());
  for (int m = 0; m < static_cast<int>(p.models.size()); ++m) {
    ModelProfile& model = p.models[static_cast<size_t>(m)];
    const auto times = [&](int cap) -> const std::vector<double>& {
      return samples[static_cast<size_t>((p.first_row(m) + model.stages() - 1) * p.caps() + cap)];
    };
    for (int c = 0; c < p.caps(); ++c) {
      std::vector<double> speeds;
      for (size_t k = 0; k < std::min(times(c).size(), times(p.caps() - 1).size()); ++k)
        speeds.push_back(full * times(p.caps() - 1)[k] / times(c)[k]);
      const LatencyStats stats = stats_of(speeds);
      model.cap_speeds.push_back(
          {p.power_model.speed(p.caps_w[static_cast<size_t>(c)]), stats.median_s, stats.cv});
    }
  }
}

// By the device's clock, one a repetition; none at all where it has no clock.
struct DeviceRuns {
  std::vector<double> times_s, shares;
};

// `runs`: [model][cap]; `sizes`: of each repetition's input.
void take_device_times(Profile& p, std::vector<DeviceRuns> runs, const std::vector<double>& sizes) {
  for (size_t cell = 0; cell < runs.size(); ++cell) {
    const size_t model = cell / p.caps_w.size();
    std::vector<double>& times_s = runs[cell].times_s;
    if (times_s.empty()) continue;
    for (size_t k = 0; k < times_s.size(); ++k)
      times_s[k] /= p.size_factor(static_cast<int>(model), sizes[k]);
    p.models[model].device_times.push_back({*quantile(times_s, 0.5), *quantile(runs[cell].shares, 0.5)});
  }
}

}  // namespace

double warm_up(NetworkBench& bench, int model, Clock& clock, int least) {
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
  return best_s;
}

namespace {

// What the executions of a profile came to.
struct Samples {
  std::vector<double> sizes;                 // of each repetition's input
  std::vector<std::vector<double>> times_s;  // [row][cap]: one a repetition
  std::vector<Window> windows;               // [model][cap]
  std::vector<DeviceRuns> device_runs;       // [model][cap]

  explicit Samples(const Profile& p)
      : times_s(static_cast<size_t>(p.rows() * p.caps())),
        windows(p.models.size() * p.caps_w.size()),
        device_runs(windows.size()) {}
};

// What is known before anything runs.
Profile begin_profile(const NetworkBench& bench, const Scenario& scenario, const PowerBackend& power) {
  const CapSetter& caps = *power.caps;
  Profile p;
  p.workload = scenario.workload;
  p.accuracy_unit = bench.network(0).accuracy_unit();
  p.caps_w = scenario.caps_w;
  p.power_model = scenario.power_model;
  p.power_backend = caps.backend();
  p.energy_source = power.energy_source();
  p.idle_power_w = p.power_model.idle_w;
  p.repetitions = scenario.profile_repetitions;
  p.threads = scenario.threads;
  for (int m = 0; m < bench.models(); ++m) {
    const NetworkSpec& n = bench.network(m);
    std::vector<double> accuracy = n.stage_accuracy();
    accuracy.resize(static_cast<size_t>(n.stages()));  // 0 where it has yet to be measured
    p.models.push_back({n.name, n.random_weights(), accuracy, n.accuracy.source, n.accuracy.on});
    p.models.back().prepacked = bench.model(m).prepacked();
    for (double cap_w : p.caps_w) p.active_power_w.push_back(p.power_model.active_w(cap_w));
  }
  p.size_unit = bench.size_unit();
  return p;
}

// From runs without a cap, until each network has run under each cap.
void guess_latencies(Profile& p, NetworkBench& bench, const CapSetter& caps, Clock& clock) {
  bench.feed(0);
  for (int m = 0; m < bench.models(); ++m) {
    const double uncapped_s = warm_up(bench, m, clock);
    for (int stage = 0; stage < bench.network(m).stages(); ++stage)
      for (double cap_w : p.caps_w) {
        LatencyStats guess;
        guess.mean_s = uncapped_s / (caps.by_hardware() ? 1 : p.power_model.speed(cap_w));
        p.latency.push_back(guess);  // until it has run under this cap
      }
  }
}

void take_sizes(Profile& p, Samples& samples, const NetworkBench& bench) {
  if (!p.size_unit.empty()) {
    p.mean_size = 0;
    for (int64_t n = 0; n < bench.inputs(); ++n)
      p.mean_size += bench.facts(n).size / static_cast<double>(bench.inputs());
  }
  for (int k = 0; k < p.repetitions; ++k)
    samples.sizes.push_back(bench.facts(k % bench.inputs()).size / p.mean_size);
}

// One execution of a network to its last stage. `first`: of its turn, behind another network.
void sample(Samples& samples, const Profile& p, const LivePace& pace, int64_t input, int model, int cap,
            bool first, NetworkBench& bench, PowerBackend& power, Clock& clock) {
  const size_t cell = static_cast<size_t>(model) * p.caps_w.size() + static_cast<size_t>(cap);
  StagedModel& network = bench.model(model);
  CappedExecution capped(*power.caps, clock);
  capped.set_cap(p.caps_w[static_cast<size_t>(cap)]);
  pace.lead_in(network, capped, input, p.latency_of({model, network.stages(), cap}).mean_s, first, clock);
  const auto before = power.counter ? power.counter->read() : std::nullopt;
  const Execution e = capped.run(network, network.stages());
  if (power.counter) samples.windows[cell].add(before, read_or_fail(*power.counter));
  for (int stage = 0; stage < e.stages_finished; ++stage)
    samples.times_s[static_cast<size_t>((p.first_row(model) + stage) * p.caps() + cap)].push_back(
        e.stage_end_s[static_cast<size_t>(stage)]);
  const int last = network.stages() - 1;
  if (const auto device_s = network.device_time_s(last)) {
    samples.device_runs[cell].times_s.push_back(*device_s);
    samples.device_runs[cell].shares.push_back(*device_s / e.stage_end_s[static_cast<size_t>(last)]);
  }
}

// All networks under all caps, `repetitions` times.
void sample_all(Samples& samples, Profile& p, const Scenario& scenario, NetworkBench& bench,
                PowerBackend& power, Clock& clock, Progress& progress) {
  const size_t cells = samples.windows.size();
  progress.begin("Profiling", static_cast<int64_t>(cells) * p.repetitions);
  for (int repetition = 0; repetition < p.repetitions; ++repetition) {
    const int64_t input = repetition % bench.inputs();
    bench.feed(input);
    for (size_t k = 0; k < samples.times_s.size(); ++k)
      if (!samples.times_s[k].empty()) p.latency[k].mean_s = stats_of(samples.times_s[k]).mean_s;
    const LivePace pace(bench, scenario, p);
    for (size_t k = 0; k < cells; ++k) {
      if (interrupted())
        throw RunError("interrupted while profiling; no measurement was complete enough to keep");
      // Networks turn by one place a repetition, and so do the caps of each: none is always the first one
      // behind another network.
      const size_t turn = static_cast<size_t>(repetition), model_place = k / p.caps_w.size(),
                   cap_place = k % p.caps_w.size();
      sample(samples, p, pace, input, static_cast<int>((model_place + turn) % p.models.size()),
             static_cast<int>((cap_place + turn) % p.caps_w.size()), cap_place == 0, bench, power, clock);
      progress.step();
    }
  }
}

// How the times of each network grow with the size of its input; they are of inputs of the mean size after
// it.
void fit_sizes(Profile& p, Samples& samples, const NetworkBench& bench) {
  for (int m = 0; m < bench.models(); ++m) {
    std::vector<const std::vector<double>*> last_stage;
    const int last_row = p.first_row(m) + bench.network(m).stages() - 1;
    for (int c = 0; c < p.caps(); ++c)
      last_stage.push_back(&samples.times_s[static_cast<size_t>(last_row * p.caps() + c)]);
    p.models[static_cast<size_t>(m)].size_growth = fit_growth(last_stage, samples.sizes);
    for (int row = p.first_row(m); row <= last_row; ++row)
      for (int c = 0; c < p.caps(); ++c)
        for (size_t k = 0; k < samples.sizes.size(); ++k)
          samples.times_s[static_cast<size_t>(row * p.caps() + c)][k] /= p.size_factor(m, samples.sizes[k]);
  }
}

void take_latencies(Profile& p, const Samples& samples) {
  std::vector<double> spread;
  p.latency.clear();
  for (const auto& s : samples.times_s) {
    p.latency.push_back(stats_of(s));
    spread.push_back(p.latency.back().cv);
  }
  const double typical = *quantile(spread, 0.5);
  p.noise_verdict = typical <= 0.10 ? fmt::format("quiet: median coefficient of variation {:.3f}", typical)
                                    : fmt::format(
                                          "noisy: median coefficient of variation {:.3f}, which should be at "
                                          "most 0.10; is other work running on this machine?",
                                          typical);
}

}  // namespace

Profile measure_profile(NetworkBench& bench, const Scenario& scenario, PowerBackend& power, Clock& clock,
                        Progress& progress) {
  Profile p = begin_profile(bench, scenario, power);
  guess_latencies(p, bench, *power.caps, clock);
  if (power.counter) p.idle_power_w = measure_idle_power(*power.counter, clock);
  Samples samples(p);
  take_sizes(p, samples, bench);
  if (const LivePace pace(bench, scenario, p); pace.deadline_s()) {
    p.pace = "live";
    double expected_s = 0;
    for (int repetition = 0; repetition < p.repetitions; ++repetition)
      expected_s += pace.pass_s(p, repetition % bench.inputs());
    progress.note(
        fmt::format("Profiling at the pace of live runs (record.pace): about {:.0f} s", expected_s));
  }
  sample_all(samples, p, scenario, bench, power, clock, progress);
  if (power.counter) lengthen(samples.windows, p, bench, power, clock);
  progress.end();
  power.caps->restore();
  if (power.counter) take_power(p, samples.windows);
  if (!p.size_unit.empty()) fit_sizes(p, samples, bench);
  take_device_times(p, std::move(samples.device_runs), samples.sizes);
  if (p.power_backend == "emulated") take_cap_speeds(p, samples.times_s);
  take_latencies(p, samples);
  return p;
}

MeasuredAccuracy measure_accuracy(NetworkBench& bench, Clock& clock, Progress& progress) {
  std::vector<size_t> first_row;
  size_t rows = 0;
  for (int m = 0; m < bench.models(); ++m) {
    if (!bench.judged(m))
      throw InputError(fmt::format(
          "accuracy of {} cannot be measured: {}; omit --accuracy", bench.network(m).name,
          bench.network(m).random_weights() ? "its weights are random" : "the data has no labels"));
    first_row.push_back(rows);
    rows += static_cast<size_t>(bench.network(m).stages());
  }
  const AccuracyUnit unit = bench.network(0).accuracy_unit();
  std::vector<MeasuredError> errors(rows, MeasuredError(unit));
  std::vector<double> top1(rows), top5(rows), nll(rows);
  double guess_nll = 0;
  MeasuredAccuracy measured;
  measured.inputs = bench.different_inputs();
  progress.begin("Measuring accuracy", measured.inputs);
  for (int64_t input = 0; input < measured.inputs; ++input) {
    if (interrupted()) throw RunError("interrupted while measuring accuracy; nothing was written");
    bench.feed(input);
    for (int m = 0; m < bench.models(); ++m) {
      ExecutionOrder order;
      order.target_stage = bench.network(m).stages();
      execute(bench.model(m), order, clock);
      for (int s = 0; s < order.target_stage; ++s) {
        const Correctness correct = *bench.judge(m, s + 1);
        const size_t row = first_row[static_cast<size_t>(m)] + static_cast<size_t>(s);
        errors[row].add(correct);
        top1[row] += correct.top1;
        top5[row] += correct.top5.value_or(false);
        nll[row] += correct.nll.value_or(0);
        if (row == 0) guess_nll += correct.guess_nll.value_or(0);
      }
    }
    progress.step();
  }
  progress.end();
  const auto n = static_cast<double>(measured.inputs);
  if (unit == AccuracyUnit::language_quality) measured.guess_perplexity = std::exp(guess_nll / n);
  for (size_t row = 0; row < rows; ++row) {
    measured.accuracy.push_back(1 - errors[row].error().value());
    measured.top1.push_back(top1[row] / n);
    measured.top5.push_back(top5[row] / n);
    if (unit == AccuracyUnit::language_quality) measured.perplexity.push_back(std::exp(nll[row] / n));
  }
  return measured;
}

void take_accuracy(Profile& profile, const MeasuredAccuracy& measured, const std::string& data_source) {
  size_t row = 0;
  for (ModelProfile& model : profile.models) {
    model.accuracy_source = "measured";
    model.accuracy_on = fmt::format("{}; {} inputs", data_source, measured.inputs);
    for (double& accuracy : model.accuracy) accuracy = measured.accuracy[row++];
    raise_falling_stages(model.accuracy, model.accuracy_on);
  }
}

NetworkAccuracy accuracy_to_state(const Profile& profile, int model, const MeasuredAccuracy& measured) {
  const ModelProfile& own = profile.models[static_cast<size_t>(model)];
  const auto rounded = [](double value) { return std::round(value * 1e6) / 1e6; };
  const auto rows_of = [&](const std::vector<double>& all) {
    std::vector<double> values;
    for (int s = 0; s < own.stages(); ++s)
      values.push_back(rounded(all[static_cast<size_t>(profile.first_row(model) + s)]));
    return values;
  };
  NetworkAccuracy a;
  a.source = own.accuracy_source;
  a.on = own.accuracy_on;
  if (profile.accuracy_unit == AccuracyUnit::language_quality) {
    a.guess_perplexity = rounded(measured.guess_perplexity);
    for (const double quality : own.accuracy)
      a.perplexity.push_back(rounded(std::pow(measured.guess_perplexity, 1 - quality)));
    a.top1 = rows_of(measured.top1);
    return a;
  }
  for (const double accuracy : own.accuracy) a.top1.push_back(rounded(accuracy));
  if (profile.accuracy_unit == AccuracyUnit::f1)
    a.exact = rows_of(measured.top1);
  else
    a.top5 = rows_of(measured.top5);
  return a;
}

}  // namespace alertbench
