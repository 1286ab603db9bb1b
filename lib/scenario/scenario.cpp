#include "scenario/scenario.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <set>

#include "base/console.h"
#include "base/error.h"
#include "base/json_reader.h"
#include "contention/co_runner.h"
#include "contention/kinds.h"
#include "core/goal_json.h"
#include "power/registry.h"
#include "scenario/extends.h"
#include "schedulers/external.h"
#include "schedulers/scheduler.h"
#include "workloads/workload_factory.h"

namespace alertbench {
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

constexpr double no_limit = 1e9;
constexpr int most_inputs = 10'000'000;
constexpr size_t longest_name = 100;  // becomes part of names of files

void apply_override(json& scenario, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw InputError(fmt::format("--set {}: expected key=value, for example --set inputs=50", text));
  const std::string key = text.substr(0, equals), value = text.substr(equals + 1);
  json* at = &scenario;
  size_t start = 0;
  while (true) {
    const size_t dot = key.find('.', start);
    const std::string part = key.substr(start, dot == std::string::npos ? dot : dot - start);
    if (at->is_array()) {
      size_t index = at->size();
      if (!part.empty() && part.size() < 6 && part.find_first_not_of("0123456789") == std::string::npos)
        index = std::stoul(part);
      if (index >= at->size())
        throw InputError(
            fmt::format("--set {}: \"{}\" is not an index into a list of {} entries (counted from 0)", text,
                        part, at->size()));
      at = &(*at)[index];
    } else if (at->is_object() || at->is_null()) {
      at = &(*at)[part];
    } else {
      throw InputError(
          fmt::format("--set {}: there is nothing below \"{}\"", text, key.substr(0, start - 1)));
    }
    if (dot == std::string::npos) break;
    start = dot + 1;
  }
  *at = json::accept(value) ? parse_json(value, "--set " + key, written_by_hand) : json(value);
}

std::string resolve_path(const std::string& scenario_path, const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  return (std::filesystem::path(scenario_path).parent_path() / path).lexically_normal().string();
}

// A duplicate would count twice: a network in every total, a sensor in the energy.
void refuse_twice(const JsonReader& r, const std::string& key, const std::vector<std::string>& words) {
  std::set<std::string> seen;
  for (const std::string& word : words)
    if (!seen.insert(word).second) r.fail(key, fmt::format("duplicate \"{}\"; remove one of them", word));
}

GoalSpec read_goal(JsonReader r, size_t index) {
  GoalSpec g;
  g.name = r.text("name", fmt::format("goal-{}", index + 1));
  if (g.name.empty() ||
      g.name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") !=
          std::string::npos)
    r.fail("name", fmt::format("\"{}\" becomes part of a file name: use letters, digits, - and _", g.name));
  if (g.name.size() > longest_name)
    r.fail("name", fmt::format("has {} characters; at most {} can be part of a file name", g.name.size(),
                               longest_name));
  g.task = read_task(r, Task::min_energy);
  g.deadline_s = r.optional_number("deadline_s", 1e-6, 3600);
  g.deadline_x = r.optional_number("deadline_x", 1e-3, 1e3);
  if (g.deadline_s.has_value() == g.deadline_x.has_value())
    r.fail("deadline_s",
           "set exactly one of deadline_s (seconds) and deadline_x (times the reference latency)");
  g.accuracy = r.optional_number("accuracy", 0.0, 1.0);
  g.energy_j = r.optional_number("energy_j", 0.0, no_limit);
  g.power_limit_w = r.optional_number("power_limit_w", 0.0, no_limit);
  if (g.task == Task::min_energy && !g.accuracy)
    r.fail("accuracy", "is missing; min_energy requires an accuracy goal, 0 to 1");
  if (g.task == Task::min_energy && (g.energy_j || g.power_limit_w))
    r.fail("energy_j", "does not apply to min_energy, which minimises energy; omit it");
  if (g.task == Task::min_error && g.energy_j.has_value() == g.power_limit_w.has_value())
    r.fail("energy_j", "min_error requires an energy budget: set exactly one of energy_j and power_limit_w");
  g.judging.judge = read_judge(r, Judge::mean);
  g.judging.tolerance = read_tolerance(r);
  if (g.task == Task::min_error && g.accuracy)
    r.fail("accuracy", "does not apply to min_error, which maximises accuracy; omit it");
  r.finish();
  return g;
}

ScheduleSpec read_schedule(JsonReader r, const std::string& scenario_path) {
  ScheduleSpec s;
  s.kind = r.one_of("kind", s.kind, {"random", "always", "never", "list", "time", "file"});
  const auto only_for = [&](const char* kind, const char* key) {
    if (r.has(key) && s.kind != kind) r.fail(key, fmt::format("applies only to \"kind\": \"{}\"", kind));
  };
  s.mean_on_inputs = r.number("mean_on_inputs", s.mean_on_inputs, 1, 1e6);
  s.mean_off_inputs = r.number("mean_off_inputs", s.mean_off_inputs, 1, 1e6);
  if (r.has("on_ranges"))
    for (const json& range : r.raw("on_ranges")) {
      const auto number = [](const json& n) {
        return n.is_number_integer() && n >= 0 && n <= std::numeric_limits<int>::max();
      };
      if (!range.is_array() || range.size() != 2 || !number(range[0]) || !number(range[1]))
        r.fail("on_ranges",
               fmt::format("expected pairs [first, last + 1] of input numbers, found {}", shown_json(range)));
      s.on_ranges.emplace_back(range[0].get<int>(), range[1].get<int>());
    }
  for (const char* key : {"on_s", "off_s", "period_s"}) only_for("time", key);
  if (s.kind == "time") {
    s.on_s = r.number("on_s", 1e-6, 1e6);
    s.off_s = r.number("off_s", 1e-6, 1e6);
    s.period_s = r.optional_number("period_s", 1e-6, 3600).value_or(0);
  }
  only_for("file", "path");
  only_for("list", "read_from");
  s.read_from = r.text("read_from", "");
  if (s.kind == "file") {
    if (!s.on_ranges.empty())
      r.fail("on_ranges", "are read from the file; use \"kind\": \"list\" to state them in the scenario");
    s.read_from = resolve_path(scenario_path, r.text("path"));
    s.on_ranges = read_on_ranges(s.read_from);
    s.kind = "list";
  }
  r.finish();
  return s;
}

// Kind time counts inputs by the one deadline that all goals share, unless it says how long a period is.
void set_schedule_period(JsonReader schedule, const std::vector<GoalSpec>& goals, ScheduleSpec& s) {
  if (s.period_s == 0) {
    for (const GoalSpec& g : goals)
      if (!g.deadline_s || *g.deadline_s != *goals[0].deadline_s)
        schedule.fail("period_s",
                      "is missing; set the seconds from one input to the next, by which on_s and off_s are "
                      "counted (the goals share no deadline_s that could be used instead)");
    s.period_s = *goals[0].deadline_s;
  }
  for (const auto& [key, seconds] : {std::pair{"on_s", s.on_s}, {"off_s", s.off_s}})
    if (seconds < s.period_s)
      schedule.fail(key, fmt::format("{} s is shorter than one period of the inputs, {} s; make it at "
                                     "least as long, or set period_s",
                                     seconds, s.period_s));
}

CoRunnerScenario read_co_runner(JsonReader r, const std::string& scenario_path,
                                const std::vector<GoalSpec>& goals) {
  CoRunnerScenario c;
  std::vector<std::string> names;
  for (const CoRunnerKind& k : co_runner_kinds()) names.push_back(k.name);
  c.kind = r.one_of("kind", c.kind, names);
  const CoRunnerKind& kind = co_runner_kind(c.kind);
  const bool stress_ng(kind.stress_ng);
  if (stress_ng && r.has("slowdown"))
    r.fail("slowdown", fmt::format("does not apply to \"{}\": stress-ng cannot be adjusted while it runs, so "
                                   "its slow-down is only measured; omit this key (null)",
                                   c.kind));
  c.slowdown = r.optional_number("slowdown", 1.01, 20).value_or(c.slowdown);
  c.duty = r.optional_number("duty", 0.01, 1.0);
  if (stress_ng && c.duty && kind.stress_ng.load_option.empty())
    r.fail("duty", fmt::format("does not apply to \"{}\": of stress-ng's stressors only --cpu "
                               "(\"stress-ng-compute\") has a duty; omit it, or use "
                               "\"{}\", which keeps a duty",
                               c.kind, c.kind.substr(c.kind.rfind('-') + 1)));
  if (r.has("workers")) {
    if (!kind.own() && !stress_ng)
      r.fail("workers", fmt::format("does not apply to \"{}\"; omit it", c.kind));
    c.workers = r.integer("workers", 1, 2);
  }
  const bool none = c.kind == "none";
  if (r.has("period_s") && !kind.own() && !none)
    r.fail("period_s",
           fmt::format("does not apply to \"{}\": only our own loads come in bursts; omit it", c.kind));
  c.period_s = r.number("period_s", c.period_s, 1e-4, 1);
  if (r.has("priority") && !kind.make_kernel && !none)
    r.fail("priority",
           fmt::format("does not apply to \"{}\", only to our own loads on the processor; omit it", c.kind));
  c.real_time = r.one_of("priority", "normal", {"normal", "real-time"}) == "real-time";
  if (c.real_time && c.duty.value_or(0) > most_real_time_duty)
    r.fail("duty", fmt::format("{} leaves too little of the processor to everything else, as priority is "
                               "\"real-time\"; choose at most {}",
                               *c.duty, most_real_time_duty));
  c.command = r.texts("command");
  if (r.has("schedule")) c.schedule = read_schedule(r.object("schedule"), scenario_path);
  if (c.schedule.kind == "time") set_schedule_period(r.object("schedule"), goals, c.schedule);
  if (c.kind == "command" && c.command.empty())
    r.fail("command", "is missing; set it to the program and its arguments, as a list of strings");
  if (c.kind != "command" && !c.command.empty()) r.fail("command", "applies only to \"kind\": \"command\"");
  r.finish();
  return c;
}

// Names of scenarios become names of folders.
void check_name(const JsonReader& r, const std::string& scenario_name) {
  if (scenario_name.empty() || scenario_name.size() > longest_name || scenario_name[0] == '.' ||
      scenario_name.find_first_of("/\\") != std::string::npos || !is_printable(scenario_name))
    r.fail("name", fmt::format("\"{}\" becomes the name of a folder: use at most {} characters, no slash, "
                               "line break or other control character, and no leading dot",
                               printable(scenario_name.substr(0, longest_name)), longest_name));
}

void read_caps(JsonReader& power, Scenario& s) {
  const PowerBackendEntry* backend = find_power_backend(s.power_backend);
  const bool hardware = backend && backend->hardware_caps, single_cap = backend && backend->single_cap;
  if (power.has("caps_w"))
    s.caps_w = power.numbers("caps_w", 0.1, no_limit);
  else if (single_cap)
    s.caps_w = {s.power_model.static_w + s.power_model.dynamic_w};
  if (single_cap && s.caps_w.size() > 1)
    power.fail("caps_w",
               fmt::format("{} caps, but backend none cannot cap: list one, which means uncapped, or choose "
                           "another backend",
                           s.caps_w.size()));
  if (s.caps_w.empty()) power.fail("caps_w", "is empty; list at least one power cap");
  for (size_t i = 0; i < s.caps_w.size(); ++i) {
    if (i > 0 && s.caps_w[i] <= s.caps_w[i - 1])
      power.fail("caps_w", fmt::format("{} after {}: the caps must be in ascending order", s.caps_w[i],
                                       s.caps_w[i - 1]));
    if (!hardware && s.caps_w[i] <= s.power_model.static_w)
      power.fail("caps_w", fmt::format("{} W is not above the model's static_w, {} W: nothing could run",
                                       s.caps_w[i], s.power_model.static_w));
  }
}

void read_power(JsonReader power, Scenario& s) {
  s.power_backend = power.one_of("backend", s.power_backend, power_backend_names());
  s.power_root = power.text("root", s.power_root);
  s.power_state_folder = power.text("state_folder", s.power_state_folder);
  if (power.has("frequency_table"))
    s.frequency_table =
        FrequencyTable::read(power.raw("frequency_table"), power.where() + ": frequency_table",
                             std::filesystem::path(s.path).parent_path().string());
  for (const double number : power.numbers("cpufreq_policies", 0, 4095))
    s.cpufreq_policies.push_back(static_cast<int>(number));
  s.power_sensors = power.texts("sensors");
  refuse_twice(power, "sensors", s.power_sensors);
  if (power.has("gpu"))
    s.gpu = power.raw("gpu").is_number() ? std::to_string(power.integer("gpu", 0, 1023)) : power.text("gpu");
  s.nvml_library = power.text("nvml_library", s.nvml_library);
  if (s.nvml_library.find('/') != std::string::npos) s.nvml_library = resolve_path(s.path, s.nvml_library);
  if (power.has("model") && power.raw("model").is_string()) {
    const std::string file = resolve_path(s.path, power.text("model"));
    const json model = read_json_file(file);
    s.power_model = PowerModel::read(JsonReader(model, file), PowerModel());
  } else if (power.has("model")) {
    s.power_model = PowerModel::read(power.object("model"), PowerModel());
  }
  read_caps(power, s);
  power.finish();
}

void read_goals(JsonReader& r, Scenario& s) {
  std::set<std::string> goal_names;
  for (JsonReader& g : r.objects("goals")) {
    s.goals.push_back(read_goal(g, s.goals.size()));
    const std::string& name = s.goals.back().name;
    if (!goal_names.insert(name).second) g.fail("name", fmt::format("duplicate name \"{}\"", name));
  }
  if (s.goals.empty()) r.fail("goals", "is empty; list at least one goal setting");
}

void read_schedulers(JsonReader& r, Scenario& s) {
  s.schedulers = r.texts("schedulers");
  s.schedulers_named = !s.schedulers.empty();
  const std::string folder = std::filesystem::path(s.path).parent_path().string();
  for (std::string& name : s.schedulers) name = with_file_in(folder, name);
  if (s.schedulers.empty())
    for (const SchedulerInfo& info : known_schedulers()) s.schedulers.push_back(info.name);
  if (r.has("scheduler_settings")) s.scheduler_settings = r.raw("scheduler_settings");
  if (!s.scheduler_settings.is_object())
    r.fail("scheduler_settings", "expected an object with one key per scheduler");
  refuse_twice(r, "schedulers", s.schedulers);
  for (const std::string& name : s.schedulers) effective_settings(name, nullptr, s.path + ": schedulers");
  s.scheduler_settings =
      settings_by_scheduler(s.scheduler_settings, s.schedulers, folder, s.path + ": scheduler_settings");
  for (const std::string& name : s.schedulers)
    effective_settings(name, s.scheduler_settings.value(name, json::object()),
                       s.path + ": scheduler_settings: " + name);
  for (const auto& [name, value] : s.scheduler_settings.items()) {
    (void)value;
    effective_settings(name, value, s.path + ": scheduler_settings: " + name);
  }
}

void read_placement(JsonReader placement, Scenario& s) {
  s.threads = placement.integer("threads", s.threads, 1, 1024);
  s.device = placement.one_of("device", s.device, {"cpu", "cuda"});
  s.inference_cpu_named = placement.has("inference_cpu");
  s.inference_cpu = placement.integer("inference_cpu", s.inference_cpu, -1, 4095);
  s.other_cpu_named = placement.has("other_cpu");
  s.other_cpu = placement.integer("other_cpu", s.other_cpu, -1, 4095);
  s.harness_cpu = placement.integer("harness_cpu", s.harness_cpu, -1, 4095);
  placement.finish();
}

void check_gpu_co_runner(JsonReader& r, const Scenario& s) {
  if (!co_runner_kind(s.co_runner.kind).on_gpu) return;
  if (s.device != "cuda")
    r.object("co_runner")
        .fail("kind",
              fmt::format(
                  "\"{}\" runs on the GPU, but placement.device is \"{}\", and inference on the processor is "
                  "not disturbed by it; choose --device cuda, or a co-runner on the processor "
                  "(`alert-bench list co-runners`)",
                  s.co_runner.kind, s.device));
  if (s.inference_cpu >= 0 && s.other_cpu >= s.inference_cpu && s.other_cpu < s.inference_cpu + s.threads)
    r.object("placement")
        .fail("other_cpu",
              fmt::format(
                  "{} is a processor of the inference (from {} on, {} in all), but a worker of \"{}\" keeps "
                  "its processor busy while it waits for the GPU; name another processor, or -1 for any",
                  s.other_cpu, s.inference_cpu, s.threads, s.co_runner.kind));
}

void read_seeds(JsonReader seeds, Scenario::Seeds& s) {
  s.inputs = seeds.seed("inputs", s.inputs);
  s.schedule = seeds.seed("schedule", s.schedule);
  s.co_runner = seeds.seed("co_runner", s.co_runner);
  s.bootstrap = seeds.seed("bootstrap", s.bootstrap);
  s.arrivals = seeds.seed("arrivals", s.arrivals);
  seeds.finish();
}

}  // namespace

GoalTolerance read_tolerance(JsonReader& r) {
  GoalTolerance t;
  if (!r.has("goal_tolerance")) return t;
  JsonReader tolerance = r.object("goal_tolerance");
  t.accuracy = tolerance.number("accuracy", t.accuracy, 0, 1);
  t.energy = tolerance.number("energy", t.energy, 0, 1);
  tolerance.finish();
  return t;
}

Goals GoalSpec::resolve(const Profile& profile, const Arrivals& arrivals) const {
  Goals g;
  g.name = name;
  g.task = task;
  g.deadline_s = deadline_s ? *deadline_s : *deadline_x * profile.reference_latency_s();
  g.accuracy = accuracy;
  g.judge = judging.judge;
  g.tolerance = judging.tolerance;
  if (task == Task::min_error)
    g.energy_j = energy_j ? *energy_j : *power_limit_w * arrivals.mean_period_s(g.deadline_s);
  return g;
}

Scenario Scenario::read(const std::string& path, const std::vector<std::string>& overrides) {
  ExtendedScenario extended = read_extended_scenario(path);
  try {
    Scenario scenario = from_json(override_json(std::move(extended.content), overrides), path);
    scenario.files = std::move(extended.files);
    return scenario;
  } catch (const InputError& e) {
    if (extended.files.size() == 1) throw;
    throw InputError(fmt::format("{} (in this file, or in one that it extends: {})", e.what(),
                                 fmt::join(extended.files.begin() + 1, extended.files.end(), ", ")));
  }
}

json Scenario::override_json(json scenario, const std::vector<std::string>& overrides) {
  for (const std::string& o : overrides) apply_override(scenario, o);
  return scenario;
}

Scenario Scenario::from_json(const json& j, const std::string& path) {
  JsonReader r(j, path);
  Scenario s;
  s.path = path;
  r.text("$schema", "");  // editors look there
  r.one_of("schema_version", "", {"1.0"});
  s.name = r.text("name");
  check_name(r, s.name);
  s.description = r.text("description", "");
  JsonReader workload = r.object("workload");
  s.workload = workload.one_of("name", "", workload_names());
  s.data = workload.text("data", "");
  workload.finish();
  s.networks = resolve_path(path, r.text("networks"));
  s.candidates = r.texts("candidates");
  refuse_twice(r, "candidates", s.candidates);
  s.inputs = r.integer("inputs", s.inputs, 1, most_inputs);
  s.warmup_inputs = r.integer("warmup_inputs", s.warmup_inputs, 0, 100'000);
  s.arrivals = ArrivalSpec::read(r, path, s.inputs);
  if (r.has("power")) read_power(r.object("power"), s);
  read_goals(r, s);
  read_schedulers(r, s);
  if (r.has("co_runner")) s.co_runner = read_co_runner(r.object("co_runner"), path, s.goals);
  if (r.has("placement")) read_placement(r.object("placement"), s);
  check_gpu_co_runner(r, s);
  s.profile_repetitions = r.integer("profile_repetitions", s.profile_repetitions, 2, 100'000);
  if (r.has("record")) {
    JsonReader record = r.object("record");
    s.record_pace = record.one_of("pace", s.record_pace, {"live", "none"});
    record.finish();
  }
  s.round_inputs = r.integer("round_inputs", s.round_inputs, 1, 1'000'000);
  if (r.has("seeds")) read_seeds(r.object("seeds"), s.seeds);
  r.finish();
  if (s.warmup_inputs >= s.inputs)
    r.fail("warmup_inputs", fmt::format("{} of {} inputs would be warm-up; leave some inputs to measure",
                                        s.warmup_inputs, s.inputs));
  return s;
}

int Scenario::co_runner_workers() const {
  const CoRunnerKind& kind = co_runner_kind(co_runner.kind);
  if (!kind.own() && !kind.stress_ng) return 0;
  return co_runner.workers.value_or(kind.pinning == Pinning::both && other_cpu >= 0 ? 2 : 1);
}

ordered_json Scenario::to_json() const {
  const auto maybe = [](const std::optional<double>& v) {
    return v ? ordered_json(*v) : ordered_json(nullptr);
  };
  ordered_json j;
  j["schema_version"] = "1.0";
  j["name"] = name;
  j["description"] = description;
  j["workload"] = {{"name", workload}, {"data", data}};
  j["networks"] = networks;
  j["candidates"] = candidates;
  j["inputs"] = inputs;
  j["warmup_inputs"] = warmup_inputs;
  j["arrivals"] = arrivals.to_json();
  j["power"] = {{"backend", power_backend},
                {"root", power_root},
                {"state_folder", power_state_folder},
                {"frequency_table", frequency_table.empty() ? ordered_json() : frequency_table.to_json()},
                {"cpufreq_policies", cpufreq_policies},
                {"sensors", power_sensors},
                {"gpu", gpu},
                {"nvml_library", nvml_library},
                {"caps_w", caps_w},
                {"model",
                 {{"name", power_model.name},
                  {"static_w", power_model.static_w},
                  {"dynamic_w", power_model.dynamic_w},
                  {"idle_w", power_model.idle_w}}}};
  j["goals"] = ordered_json::array();
  for (const GoalSpec& g : goals)
    j["goals"].push_back(
        {{"name", g.name},
         {"task", to_string(g.task)},
         {"deadline_s", maybe(g.deadline_s)},
         {"deadline_x", maybe(g.deadline_x)},
         {"accuracy", maybe(g.accuracy)},
         {"energy_j", maybe(g.energy_j)},
         {"power_limit_w", maybe(g.power_limit_w)},
         {"judge", to_string(g.judging.judge)},
         {"goal_tolerance",
          {{"accuracy", g.judging.tolerance.accuracy}, {"energy", g.judging.tolerance.energy}}}});
  j["schedulers"] = schedulers;
  j["scheduler_settings"] = ordered_json::object();
  for (const std::string& s : schedulers)
    j["scheduler_settings"][s] = effective_settings(s, scheduler_settings.value(s, json::object()), path);
  ordered_json ranges = ordered_json::array();
  for (const auto& [first, end] : co_runner.schedule.on_ranges) ranges.push_back({first, end});
  j["co_runner"] = {{"kind", co_runner.kind},
                    {"slowdown", co_runner.slowdown},
                    {"duty", maybe(co_runner.duty)},
                    {"command", co_runner.command},
                    {"schedule",
                     {{"kind", co_runner.schedule.kind},
                      {"mean_on_inputs", co_runner.schedule.mean_on_inputs},
                      {"mean_off_inputs", co_runner.schedule.mean_off_inputs},
                      {"on_ranges", ranges}}}};
  if (const int workers = co_runner_workers()) j["co_runner"]["workers"] = workers;
  if (co_runner_kind(co_runner.kind).own()) j["co_runner"]["period_s"] = co_runner.period_s;
  if (co_runner_kind(co_runner.kind).make_kernel)
    j["co_runner"]["priority"] = co_runner.real_time ? "real-time" : "normal";
  if (co_runner_kind(co_runner.kind).stress_ng) j["co_runner"]["slowdown"] = nullptr;
  ordered_json& schedule = j["co_runner"]["schedule"];
  if (!co_runner.schedule.read_from.empty()) schedule["read_from"] = co_runner.schedule.read_from;
  if (co_runner.schedule.kind == "time")
    schedule.update({{"on_s", co_runner.schedule.on_s},
                     {"off_s", co_runner.schedule.off_s},
                     {"period_s", co_runner.schedule.period_s}});
  j["placement"] = {{"threads", threads},
                    {"device", device},
                    {"inference_cpu", inference_cpu_named ? ordered_json(inference_cpu) : ordered_json()},
                    {"other_cpu", other_cpu_named ? ordered_json(other_cpu) : ordered_json()},
                    {"harness_cpu", harness_cpu}};
  j["profile_repetitions"] = profile_repetitions;
  j["record"] = {{"pace", record_pace}};
  j["round_inputs"] = round_inputs;
  j["seeds"] = {{"inputs", seeds.inputs},
                {"schedule", seeds.schedule},
                {"co_runner", seeds.co_runner},
                {"bootstrap", seeds.bootstrap}};
  if (arrivals.kind == "poisson") j["seeds"]["arrivals"] = seeds.arrivals;
  return j;
}

}  // namespace alertbench
