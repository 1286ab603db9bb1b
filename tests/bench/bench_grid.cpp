// How fast recordings are evaluated: scheduled inputs per second and core, how time and memory grow with
// inputs, settings and configurations, the whole grid of the published size, and what traces cost. Made-up
// recordings: only the arithmetic is measured. JSON on stdout; times are this machine's, at this moment.
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "base/random.h"
#include "evaluation/cell.h"
#include "recording/replay_environment.h"
#include "runner/scheduler_run.h"
#include "schedulers/phase_times.h"
#include "schedulers/step.h"
#include "trace/trace_writer.h"

using namespace alertbench;
using nlohmann::ordered_json;

namespace {

// `traditional` networks and one anytime network of `stages`.
Recording make_recording(int64_t inputs, int traditional, int stages, int caps, uint64_t seed = 1) {
  Recording r;
  Profile& p = r.profile;
  p.workload = "made-up";
  p.fail_accuracy = 0.001;
  p.idle_power_w = 20;
  for (int c = 0; c < caps; ++c) p.caps_w.push_back(35 + 65.0 * (c + 1) / caps);
  for (int m = 0; m <= traditional; ++m) {
    ModelProfile model;
    model.name = fmt::format("m{:03}", m);
    const int n = m == traditional ? stages : 1;
    for (int s = 1; s <= n; ++s) {
      const double depth = m == traditional ? static_cast<double>(s) / n : (m + 1.0) / traditional;
      model.accuracy.push_back(0.5 + 0.4 * depth);
      for (const double cap : p.caps_w) {
        const double t = 0.01 * (0.2 + depth) / p.power_model.speed(cap);
        p.latency.push_back({t, t, t, t, 0.05});
      }
    }
    for (const double cap : p.caps_w) p.active_power_w.push_back(p.power_model.active_w(cap));
    p.models.push_back(model);
  }
  r.truth.inputs = r.planned_inputs = inputs;
  r.truth.rows = p.rows();
  r.truth.caps = caps;
  Random random(seed);
  for (int64_t n = 0; n < inputs; ++n) {
    r.truth.co_runner_on.push_back((n / 25) % 2);
    const double xi = ((n / 25) % 2 ? 1.6 : 1.0) * std::exp(0.05 * random.normal());
    for (const LatencyStats& l : p.latency) r.truth.stage_end_s.push_back(l.mean_s * xi);
    r.input_ids.push_back(std::to_string(n));
  }
  r.info["scenario"] = {{"schema_version", "1.0"},
                        {"name", "bench"},
                        {"workload", {{"name", "fashion-mnist"}}},
                        {"networks", "n.json"},
                        {"inputs", inputs},
                        {"warmup_inputs", 5},
                        {"goals", {{{"task", "min_energy"}, {"deadline_x", 1.0}, {"accuracy", 0.7}}}}};
  return r;
}

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median_of_3(const std::function<void()>& work) {
  double s[3];
  for (double& x : s) x = seconds(work);
  std::sort(s, s + 3);
  return s[1];
}

void evaluate(const Recording& r, const CellRequest& request) {
  for (const Task task : {Task::min_energy, Task::min_error})
    evaluate_cell(r, scenario_of(r, "bench"), "", task, request);
}

// The most memory that was resident since the last forget_peak(), by the kernel's count (Linux: man proc,
// clear_refs).
double peak_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) return std::stod(line.substr(6)) / 1024;
  return std::numeric_limits<double>::quiet_NaN();
}

void forget_peak() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

// Inputs per second of one scheduler alone, on one core, over both tasks' grids.
double rate_of(const Recording& r, const std::string& name) {
  std::vector<Goals> goals;
  for (const Task task : {Task::min_energy, Task::min_error})
    for (const GoalSpec& g : goal_grid(r.profile, task)) goals.push_back(g.resolve(r.profile));
  const TruthColumns columns(r.truth);
  const PhaseTimes phase_times(r.truth, r.profile, 5);
  const double s = median_of_3([&] {
    for (const Goals& g : goals) {
      auto scheduler = make_scheduler(
          name, {r.profile, g, &r.truth, Arrivals::closed, 5, &columns, &phase_times}, {}, "bench");
      ReplayEnvironment environment(r, Arrivals::closed, g.deadline_s);
      for (int64_t n = 0; n < r.truth.inputs; ++n) step(*scheduler, environment, n, nullptr);
    }
  });
  return static_cast<double>(r.truth.inputs) * static_cast<double>(goals.size()) / s;
}

ordered_json traces(const Recording& r) {
  const GoalSpec spec = goal_grid(r.profile, Task::min_energy)[20];
  const Goals goals = spec.resolve(r.profile);
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("alert-bench-grid.{}", getpid());
  std::filesystem::create_directories(folder);
  const auto replay = [&](TraceWriter* writer) {
    ReplayEnvironment environment(r, Arrivals::closed, goals.deadline_s);
    SchedulerRun run(make_scheduler("alert", {r.profile, goals}, {}, "bench"), environment, goals, nullptr,
                     [&](const InputRecord& record) {
                       if (writer) writer->write(record);
                     });
    for (int64_t n = 0; n < r.truth.inputs; ++n)
      run.step(n, n < 5, true, r.input_ids[static_cast<size_t>(n)]);
  };
  TraceHeader header;
  header.scheduler = "alert", header.scenario = "bench", header.goals = goals, header.mode = "replay";
  header.energy_source = "model", header.accuracy_source = "profile";
  const double without = median_of_3([&] { replay(nullptr); });
  const double with = median_of_3([&] {
    TraceWriter writer((folder / "t.jsonl").string(), header, r.profile);
    replay(&writer);
    writer.finish("complete", "");
  });
  std::filesystem::remove_all(folder);
  const auto inputs = static_cast<double>(r.truth.inputs);
  return {{"replay_us_per_input", 1e6 * without / inputs},
          {"trace_us_per_input", 1e6 * (with - without) / inputs}};
}

}  // namespace

int main() {
  ordered_json out = {{"cores", std::thread::hardware_concurrency()}};

  const Recording r130 = make_recording(1000, 9, 1, 13);
  out["inputs_per_second_and_core_130_configurations"] = ordered_json::object();
  for (const SchedulerInfo& info : known_schedulers())
    if (!info.needs_anytime)
      out["inputs_per_second_and_core_130_configurations"][info.name] = std::round(rate_of(r130, info.name));

  out["traces"] = traces(make_recording(20000, 9, 4, 13));

  // One core, one recording, both tasks, every scheduler; one quantity at a time.
  CellRequest request;
  const auto growth = [&](const char* what, const std::vector<int>& values, const auto& measure) {
    ordered_json points = ordered_json::array();
    for (const int v : values) {
      forget_peak();
      const double s = measure(v);
      points.push_back({{what, v}, {"s", s}, {"peak_mb", peak_mb()}});
    }
    return points;
  };
  out["growth"]["settings"] = growth("settings", {72, 144, 288, 576}, [&](int settings) {
    const Recording r = make_recording(500, 5, 4, 13);
    request.grid.deadlines = settings / 12;
    return median_of_3([&] { evaluate(r, request); });
  });
  request.grid = {};
  out["growth"]["configurations"] = growth("configurations", {65, 130, 260, 520}, [&](int configurations) {
    const Recording r = make_recording(500, configurations / 13 - 4, 4, 13);
    return median_of_3([&] { evaluate(r, request); });
  });
  out["growth"]["inputs"] = growth("inputs", {500, 1000, 2000, 4000}, [&](int inputs) {
    const Recording r = make_recording(inputs, 6, 4, 13);
    return median_of_3([&] { evaluate(r, request); });
  });

  // The published size: 3 workloads x 5 scenarios, 2 tasks x 36 settings, every scheduler, 1,000 inputs, 130
  // configurations.
  request.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  forget_peak();
  const double s = seconds([&] {
    for (uint64_t cell = 0; cell < 15; ++cell) evaluate(make_recording(1000, 6, 4, 13, cell), request);
  });
  const auto decisions = 15 * 2 * 36 * 1000 * static_cast<double>(known_schedulers().size());
  out["full_grid"] = {{"cells", 30},
                      {"settings", 30 * 36},
                      {"decisions", decisions},
                      {"threads", request.threads},
                      {"s", s},
                      {"us_per_decision", 1e6 * s / decisions},
                      {"peak_mb", peak_mb()}};
  fmt::print("{}\n", out.dump(1));
}
