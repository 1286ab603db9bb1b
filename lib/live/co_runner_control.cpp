#include "live/co_runner_control.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/statistics.h"
#include "contention/calibrate.h"
#include "contention/kinds.h"
#include "contention/stress_ng.h"
#include "live/executor.h"
#include "live/placement.h"
#include "live/profiler.h"
#include "power/registry.h"

namespace alertbench {
namespace {

constexpr int pairs_to_calibrate = 9, pairs_to_confirm = 15;
constexpr double tolerance = 0.15;  // of the slow-down aimed at
// The shortest run whose slow-down means something: many bursts of a generator. Of networks shorter than one
// burst, most inferences meet none and a few meet all of it.
constexpr double shortest_run_s = 80e-3;

constexpr double least_duty = 0.01;  // until the dose is set

constexpr size_t most_ranges = 200;  // told in a manifest

nlohmann::ordered_json schedule_facts(const Scenario& scenario, const std::vector<bool>& on) {
  const ScheduleSpec& s = scenario.co_runner.schedule;
  nlohmann::ordered_json j = {{"kind", s.kind}};
  if (s.kind == "random")
    j.update({{"seed", scenario.seeds.schedule},
              {"mean_on_inputs", s.mean_on_inputs},
              {"mean_off_inputs", s.mean_off_inputs}});
  if (s.kind == "time") j.update({{"on_s", s.on_s}, {"off_s", s.off_s}, {"period_s", s.period_s}});
  if (!s.read_from.empty()) j["read_from"] = s.read_from;
  const auto ranges = on_ranges_of(on);
  j["ranges"] = ranges.size();
  j["on_ranges"] = nlohmann::ordered_json::array();
  for (size_t i = 0; i < std::min(ranges.size(), most_ranges); ++i)
    j["on_ranges"].push_back({ranges[i].first, ranges[i].second});
  return j;
}

const CoRunnerKind& kind_of(const Scenario& scenario) { return co_runner_kind(scenario.co_runner.kind); }

// Whether that worker runs on a processor that the inference does not use.
bool elsewhere(const CoRunnerKind& kind, size_t worker) {
  return kind.pinning == Pinning::other || (kind.pinning == Pinning::both && worker > 0);
}

// How many workers share one processor, or the GPU, with the inference.
int workers_at_one(const Scenario& scenario) {
  const std::vector<int> cpus = worker_cpus(scenario);
  if (kind_of(scenario).on_gpu) return static_cast<int>(cpus.size());
  return cpus.empty() || cpus[0] < 0 ? 1 : static_cast<int>(std::count(cpus.begin(), cpus.end(), cpus[0]));
}

}  // namespace

std::vector<int> worker_cpus(const Scenario& scenario) {
  std::vector<int> cpus;
  for (int w = 0; w < scenario.co_runner_workers(); ++w) {
    const Pinning pinning = kind_of(scenario).pinning;
    const int at_thread =
        pinning == Pinning::inference && scenario.inference_cpu >= 0 ? w % scenario.threads : 0;
    cpus.push_back(elsewhere(kind_of(scenario), static_cast<size_t>(w)) ? scenario.other_cpu
                                                                        : scenario.inference_cpu + at_thread);
  }
  return cpus;
}

std::vector<WorkAsked> work_asked(const Scenario& scenario, const CoRunnerSpec& spec) {
  if (!spec.command.empty()) return {{fmt::format("command \"{}\"", spec.command[0]), {}}};
  const bool on_gpu = kind_of(scenario).on_gpu;
  const PowerBackendEntry* backend = find_power_backend(scenario.power_backend);  // of `auto`: not known
  const bool uncapped = backend && !backend->hardware_caps;
  std::vector<WorkAsked> asked;
  for (const WorkerSpec& worker : spec.workers)
    asked.push_back({fmt::format("{} worker {} on {}", worker.kind, asked.size(),
                                 worker.cpu < 0 ? "any processor" : fmt::format("processor {}", worker.cpu)),
                     on_gpu && !uncapped ? std::nullopt : std::optional(worker.duty), on_gpu});
  return asked;
}

void refuse_command(const Scenario& scenario) {
  if (scenario.co_runner.kind == "command")
    throw InputError(fmt::format(
        "{}: co_runner: command: this scenario starts \"{}\"; if you trust it, add --allow-commands",
        scenario.path, fmt::join(scenario.co_runner.command, " ")));
}

CoRunnerControl::CoRunnerControl(const Scenario& scenario, bool allow_commands, Progress* progress)
    : scenario_(scenario), progress_(progress) {
  const CoRunnerScenario& c = scenario.co_runner;
  schedule_ = c.kind == "none" ? std::vector<bool>(static_cast<size_t>(scenario.inputs), false)
                               : make_schedule(c.schedule, scenario.inputs, scenario.seeds.schedule);
  if (c.kind == "none") return;
  name_ = c.kind;
  spec_.seed = scenario.seeds.co_runner;
  if (c.kind == "command") {
    if (!allow_commands) refuse_command(scenario);
    spec_.command = c.command;
    if (scenario.inference_cpu >= 0) spec_.command_cpus = {scenario.inference_cpu};
  } else if (kind_of(scenario).own()) {
    spec_.period_s = c.period_s;
    // A worker on a processor of its own needs no priority over the inference.
    const std::vector<int> cpus = worker_cpus(scenario);
    for (size_t w = 0; w < cpus.size(); ++w)
      spec_.workers.push_back({c.kind, cpus[w], least_duty, c.real_time && !elsewhere(kind_of(scenario), w)});
  } else {
    std::vector<int>& cpus = spec_.command_cpus = worker_cpus(scenario);
    const auto workers = static_cast<int>(cpus.size());
    cpus.erase(std::remove_if(cpus.begin(), cpus.end(), [](int cpu) { return cpu < 0; }), cpus.end());
    std::sort(cpus.begin(), cpus.end());
    cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
    spec_.command = stress_ng_command(kind_of(scenario).stress_ng, workers, cpus, c.duty);
  }
  co_runner_ = make_co_runner(spec_, find_generator());
  co_runner_->start();
  if (const std::string why = co_runner_->priority_refused(); !why.empty() && progress_)
    progress_->note(fmt::format(
        "Co-runner {}: real-time priority is refused ({}), so it runs at normal priority, which "
        "disturbs short networks unevenly; run as root, or allow it (`ulimit -r 1`, CAP_SYS_NICE)",
        name_, why));
  for (const pid_t process : co_runner_->pids()) cpus_.push_back(allowed_cpus(process));
  if (!spec_.workers.empty()) set_dose(c.duty.value_or((1 - 1 / c.slowdown) / workers_at_one(scenario)));
}

// One dose for all workers: that share of the processor or GPU that they share with the inference, twice that
// of another processor.
void CoRunnerControl::set_dose(double dose) {
  dose_ = dose;
  const bool on_other_too = kind_of(scenario_).pinning == Pinning::both;
  for (size_t w = 0; w < spec_.workers.size(); ++w) {
    WorkerSpec& worker = spec_.workers[w];
    worker.duty =
        std::min(worker.real_time ? most_real_time_duty : 1.0, on_other_too && w > 0 ? 2 * dose : dose);
    co_runner_->set_duty(w, worker.duty);
  }
}

double CoRunnerControl::measure_slowdown(NetworkBench& bench, Clock& clock, int pairs) {
  int rounds = 1;
  const auto run_all = [&] {
    double total_s = 0;
    for (int k = 0; k < rounds * bench.models(); ++k) {
      const int m = k % bench.models();
      ExecutionOrder order;
      order.target_stage = bench.model(m).stages();
      total_s += execute(bench.model(m), order, clock).busy_s;
    }
    return total_s;
  };
  bench.feed(0);
  co_runner_->pause();
  rounds = std::clamp(static_cast<int>(std::ceil(shortest_run_s / run_all())), 1, 1000);
  std::vector<double> ratios;
  for (int i = 0; i < pairs; ++i) {
    if (interrupted()) throw RunError("interrupted while the co-runner was being calibrated");
    co_runner_->pause();
    clock.sleep_until(clock.now_s() + 5e-3);
    const double quiet_s = run_all();
    co_runner_->resume();
    clock.sleep_until(clock.now_s() + 5e-3);
    ratios.push_back(run_all() / quiet_s);
  }
  co_runner_->pause();
  return *quantile(ratios, 0.5);
}

void CoRunnerControl::calibrate(NetworkBench& bench, Clock& clock, Progress& progress) {
  if (!co_runner_) return;
  for (int m = 0; m < bench.models(); ++m) warm_up(bench, m, clock);
  if (!spec_.workers.empty() && !scenario_.co_runner.duty) {
    progress.begin(fmt::format("Calibrating the {} co-runner to a slow-down of {:.2f}", name_,
                               scenario_.co_runner.slowdown),
                   8);
    const DutyCalibration c = calibrate_duty(
        scenario_.co_runner.slowdown,
        [&](double dose) {
          set_dose(dose);
          const double slowdown = measure_slowdown(bench, clock, pairs_to_calibrate);
          progress.step();
          return slowdown;
        },
        workers_at_one(scenario_));
    progress.end();
    set_dose(c.duty);
  }
  measured_slowdown_ = measure_slowdown(bench, clock, pairs_to_confirm);
  progress.note(fmt::format("Co-runner {}: networks slowed {:.2f}-fold{}", name_, *measured_slowdown_,
                            dose_ ? fmt::format(" at duty {:.3f}", *dose_) : ""));
}

void CoRunnerControl::prepare(int64_t input) {
  input_ = input;
  if (!co_runner_ || !lost_.empty()) return;
  const bool wanted = schedule_[static_cast<size_t>(input)];
  try {
    if (!wanted && running_) {
      pause();
    } else if (wanted && !running_) {
      const auto before = co_runner_->worker_throughputs();
      co_runner_->resume();
      running_ = true;
      phases_.begin(input, before);
    } else if (!co_runner_->alive()) {
      lose(co_runner_->throughput().why_dead);
    }
  } catch (const RunError& e) {
    lose(e.what());
  }
  phases_.input(input);
}

void CoRunnerControl::pause() {
  if (!co_runner_ || !lost_.empty()) return;
  try {
    co_runner_->pause();
    phases_.end(co_runner_->worker_throughputs());
  } catch (const RunError& e) {
    lose(e.what());
  }
  running_ = false;
}

void CoRunnerControl::lose(const std::string& why) {
  lost_ = input_ < 0 ? fmt::format("the co-runner died before the first input: {}", why)
                     : fmt::format("the co-runner died by input {}: {}", input_, why);
  running_ = false;
  end();  // what is left of it would go on beside inputs that count as off
  phases_.end(co_runner_->worker_throughputs(), true);
  if (progress_)
    progress_->note(
        fmt::format("warning: {}; the run continues without it, and its result will not be valid", lost_));
}

void CoRunnerControl::stop() {
  if (!co_runner_ || stopped_) return;
  pause();
  if (!stopped_) end();
}

void CoRunnerControl::end() {
  stopped_ = true;
  try {
    co_runner_->stop();
  } catch (const RunError& e) {
    left_over_ = e.what();
  }
}

nlohmann::ordered_json CoRunnerControl::facts() const {
  if (!co_runner_) return {{"kind", "none"}};
  nlohmann::ordered_json workers = nlohmann::ordered_json::array();
  const auto throughputs = co_runner_->worker_throughputs();
  for (size_t w = 0; w < throughputs.size(); ++w) {
    const Throughput& t = throughputs[w];
    nlohmann::ordered_json one;
    if (w < spec_.workers.size())
      one = {{"cpu", spec_.workers[w].cpu},
             {"duty", spec_.workers[w].duty},
             {"period_s", spec_.period_s},
             {"priority",
              spec_.workers[w].real_time && co_runner_->priority_refused().empty() ? "real-time" : "normal"}};
    one["throughput"] = {{"units", t.units},
                         {"unit", t.unit},
                         {"active_s", t.active_s},
                         {t.on_gpu ? "gpu_s" : "cpu_s", t.busy_s},
                         {"units_per_active_s", t.active_s > 0 ? nlohmann::ordered_json(t.units / t.active_s)
                                                               : nlohmann::ordered_json(nullptr)}};
    workers.push_back(one);
  }
  nlohmann::ordered_json j = {{"kind", name_}, {"workers", workers}};
  if (!spec_.command.empty()) j["command"] = spec_.command;
  j["slowdown_wanted"] = spec_.command.empty() && !scenario_.co_runner.duty
                             ? nlohmann::ordered_json(scenario_.co_runner.slowdown)
                             : nlohmann::ordered_json(nullptr);
  j["slowdown_at_calibration"] =
      measured_slowdown_ ? nlohmann::ordered_json(*measured_slowdown_) : nlohmann::ordered_json(nullptr);
  j["schedule"] = schedule_facts(scenario_, schedule_);
  j["inputs_on"] = std::count(schedule_.begin(), schedule_.end(), true);
  j["by_phase"] = phase_facts(phases_.so_far(throughputs), throughputs);
  return j;
}

std::vector<std::string> CoRunnerControl::problems() const {
  std::vector<std::string> result;
  if (!co_runner_) return result;
  const Throughput t = co_runner_->throughput();
  if (!lost_.empty())
    result.push_back(lost_);
  else if (!t.alive && !stopped_)
    result.push_back(fmt::format("the co-runner died: {}", t.why_dead));
  const std::vector<WorkAsked> asked = work_asked(scenario_, spec_);
  for (const std::string& reason : starvation(phases_.so_far(co_runner_->worker_throughputs()), asked))
    result.push_back(reason);
  if (measured_slowdown_ && spec_.command.empty() && !scenario_.co_runner.duty) {
    const double wanted = scenario_.co_runner.slowdown;
    if (*measured_slowdown_ < wanted * (1 - tolerance) || *measured_slowdown_ > wanted * (1 + tolerance))
      result.push_back(
          fmt::format("the co-runner slowed the networks {:.2f}-fold; the target is {:.2f} (within {:.0f} %)",
                      *measured_slowdown_, wanted, 100 * tolerance));
  }
  if (!left_over_.empty()) result.push_back(left_over_);
  return result;
}

}  // namespace alertbench
