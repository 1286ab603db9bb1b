#include "live/live_session.h"

#include <fmt/format.h>

#include <set>

#include "base/error.h"
#include "base/or_null.h"
#include "base/sha256.h"
#include "host/host.h"
#include "host/machine_use.h"
#include "live/placement.h"
#include "live/profiler.h"
#include "workloads/workload_factory.h"

namespace alertbench {

namespace {

// Where the weights of a network come from, and the hash of a file that holds code as well.
nlohmann::ordered_json weights_facts(const NetworkSpec& n) {
  nlohmann::ordered_json j = {
      {"weights", n.random_weights() ? fmt::format("random, seed {}", n.random_seed) : n.weights}};
  if (n.holds_code()) j["sha256"] = hash_file(n.weights).sha256;
  return j;
}

// Those of a cascade are its members'.
nlohmann::ordered_json members_facts(const NetworkSpec& cascade) {
  nlohmann::ordered_json members = nlohmann::ordered_json::array();
  for (const auto& member : cascade.members) {
    members.push_back({{"name", member->name}, {"stages", member->stages()}});
    members.back().update(weights_facts(*member));
  }
  return {{"answer", cascade.cascade.answer == CascadeAnswer::average ? "average" : "last"},
          {"members", members}};
}

// Of the GPU that networks run on; empty where there is none, or it is not known.
std::string gpu_bus_id(const nlohmann::ordered_json& inference) {
  const nlohmann::ordered_json gpu = inference.value("gpu", nlohmann::ordered_json::object());
  const auto id = gpu.find("pci_bus_id");
  return id != gpu.end() && id->is_string() ? id->get<std::string>() : "";
}

const Scenario& checked(const Scenario& s, bool allow_commands) {
  if (!allow_commands) refuse_commands(s);
  return s;
}

}  // namespace

void refuse_commands(const Scenario& s) {
  refuse_command(s);
  const auto refuse = [&](const std::string& key, const std::string& why) {
    throw InputError(
        fmt::format("{}: power: {} {}; if you trust it, add --allow-commands", s.path, key, why));
  };
  if (s.nvml_library != default_nvml_library)
    refuse("nvml_library:", fmt::format("\"{}\" is code that the scenario loads", s.nvml_library));
  if (s.power_root != "/")
    refuse("root:", fmt::format("\"{}\" replaces this machine's root folder when power caps are written",
                                s.power_root));
  if (!s.power_state_folder.empty())
    refuse("state_folder:", fmt::format("\"{}\" is the folder to which the scenario saves the original caps",
                                        s.power_state_folder));
  refuse_native_code(candidates_of(s), s.networks);
}

std::vector<NetworkSpec> candidates_of(const Scenario& scenario, bool need_accuracy) {
  const NetworkFile file = NetworkFile::read(scenario.networks, need_accuracy);
  if (file.workload != scenario.workload)
    throw InputError(fmt::format("{}: networks: {} is for workload \"{}\", the scenario's is \"{}\"",
                                 scenario.path, file.path, file.workload, scenario.workload));
  if (scenario.candidates.empty()) return file.networks;
  std::vector<NetworkSpec> result;
  for (const std::string& name : scenario.candidates) result.push_back(file.find(name));
  return result;
}

std::unique_ptr<Workload> open_workload(const Scenario& s) {
  return make_workload(s.workload, s.data, s.seeds.inputs);
}

LiveSession::LiveSession(const Scenario& s, std::unique_ptr<Workload> data, bool allow_commands, bool quiet)
    : scenario(checked(s, allow_commands)),
      placement(choose_processors(s, allowed_cpus())),
      progress(quiet),
      workload(std::move(data)),
      co_runner(placement.scenario, allow_commands, &progress) {
  // The co-runner starts before this thread is pinned, so that what it does not pin itself may run anywhere.
  // What the harness starts beside the inference (the sampler of counters, the watchdog of caps) stays where
  // it was started.
  const std::vector<int> allowed = allowed_cpus();
  const std::vector<NetworkSpec> networks = candidates_of(s);
  const int inference_cpu = placement.scenario.inference_cpu;
  cpus = pin_thread("inference_cpu", inference_cpu, s.threads, allowed);
  runtime = open_inference_runtime(s.threads, s.device);
  harness_cpus = pin_thread("harness_cpu", s.harness_cpu, 1, allowed);
  power = open_power(
      {s.power_backend, s.power_root, s.power_state_folder, s.caps_w, s.power_model, s.frequency_table,
       s.cpufreq_policies, s.power_sensors, s.device, s.gpu, s.nvml_library, gpu_bus_id(runtime->facts())},
      clock);
  pin_thread("inference_cpu", inference_cpu, s.threads, allowed);
  bench = std::make_unique<NetworkBench>(*runtime, networks, *workload,
                                         workload->order(s.inputs, s.seeds.inputs));
}

LiveSession::~LiveSession() = default;  // caps put themselves back

Profile LiveSession::measure_profile() {
  Profile p = alertbench::measure_profile(*bench, scenario, power, clock, progress);
  p.fail_accuracy = workload->fail_accuracy();
  p.device = scenario.device;
  p.host = hardware();
  return p;
}

std::vector<std::string> LiveSession::check_caps(const Profile& profile) {
  bench->feed(0);
  cap_check_ = alertbench::check_caps(*bench, power, scenario.caps_w, clock);
  return cap_check_.warnings(profile);
}

std::string LiveSession::hardware() const {
  const std::string processor = read_host().cpu_model.value_or("unknown processor");
  if (scenario.device == "cpu") return processor;
  const nlohmann::ordered_json inference = runtime->facts(), name = inference.at("gpu").at("name");
  return fmt::format("{}, {}", name.is_string() ? name.get<std::string>() : "unknown GPU", processor);
}

void LiveSession::check_profile(const Profile& p, const std::string& path) const {
  const auto fail = [&](const std::string& what) {
    throw InputError(
        fmt::format("{}: {}; measure a new one with `alert-bench profile {}`", path, what, scenario.path));
  };
  if (p.workload != scenario.workload)
    fail(fmt::format("it is for workload \"{}\", the scenario's is \"{}\"", p.workload, scenario.workload));
  if (p.size_unit != bench->size_unit())
    fail(fmt::format("its inputs are measured in \"{}\", the workload's in \"{}\"", p.size_unit,
                     bench->size_unit()));
  if (const AccuracyUnit unit = bench->network(0).accuracy_unit(); p.accuracy_unit != unit)
    fail(fmt::format("accuracy_unit: its accuracies are \"{}\", the scenario's networks and goals use \"{}\"",
                     to_string(p.accuracy_unit), to_string(unit)));
  if (p.device != scenario.device)
    fail(fmt::format("its networks ran on \"{}\", the scenario's run on \"{}\"", p.device, scenario.device));
  if (p.caps_w != scenario.caps_w) fail("caps_w differ from the scenario's");
  if (p.power_backend != power.caps->backend() || p.energy_source != power.energy_source())
    fail(fmt::format(
        "its caps come from \"{}\" and its energy from \"{}\", here they come from \"{}\" and \"{}\"",
        p.power_backend, p.energy_source, power.caps->backend(), power.energy_source()));
  if (static_cast<int>(p.models.size()) != bench->models())
    fail(fmt::format("{} networks, the scenario has {}", p.models.size(), bench->models()));
  for (int m = 0; m < bench->models(); ++m) {
    const ModelProfile& have = p.models[static_cast<size_t>(m)];
    if (have.name != bench->network(m).name || have.stages() != bench->network(m).stages())
      fail(fmt::format("network {} is \"{}\" with {} stages, the scenario's is \"{}\" with {}", m + 1,
                       have.name, have.stages(), bench->network(m).name, bench->network(m).stages()));
  }
}

bool LiveSession::accuracy_measured() const {
  for (int m = 0; m < bench->models(); ++m)
    if (!bench->judged(m)) return false;
  return true;
}

nlohmann::ordered_json LiveSession::facts() const {
  nlohmann::ordered_json networks = nlohmann::ordered_json::array();
  for (int m = 0; m < bench->models(); ++m) {
    const NetworkSpec& n = bench->network(m);
    const auto text_or_null = [](const std::string& text) {
      return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(text);
    };
    networks.push_back({{"name", n.name}, {"stages", n.stages()}});
    networks.back().update(n.is_cascade() ? members_facts(n) : weights_facts(n));
    networks.back().update({{"accuracy_source", text_or_null(n.accuracy.source)},
                            {"accuracy_on", text_or_null(n.accuracy.on)},
                            {"prepacked", or_null(bench->model(m).prepacked())}});
  }
  return {{"inference", runtime->facts()},
          {"data", workload->data_source()},
          {"networks", networks},
          {"placement",
           {{"inference_cpus", cpus},
            {"harness_cpus", harness_cpus},
            {"co_runner_cpus", co_runner.cpus()},
            {"notes", placement.notes}}},
          {"power", power_facts()}};
}

nlohmann::ordered_json LiveSession::power_facts() const {
  nlohmann::ordered_json j = power.facts();
  if (!cap_check_.caps.empty()) j["caps_observed"] = to_json(cap_check_);
  return j;
}

std::vector<std::string> LiveSession::problems() const {
  std::vector<std::string> all = co_runner.problems();
  for (const std::string& p : power.problems()) all.push_back(p);
  for (const std::string& p : cap_check_.problems()) all.push_back(p);
  for (const std::string& p : bench->problems()) all.push_back(p);
  return all;
}

std::vector<std::string> LiveSession::warnings() const {
  std::vector<std::string> result = power.warnings();
  std::set<int> busy(cpus.begin(), cpus.end());
  for (const std::vector<int>& processes : co_runner.cpus())
    if (processes.size() == 1) busy.insert(processes[0]);
  const bool pinned = placement.scenario.inference_cpu >= 0;
  for (std::string& w :
       quota_warnings(read_cgroup_limits(), pinned ? static_cast<int>(busy.size()) : scenario.threads))
    result.push_back(std::move(w));
  const nlohmann::ordered_json inference = runtime->facts();
  for (const auto& w : inference.at("warnings")) result.push_back(w.get<std::string>());
  std::string random;
  for (int m = 0; m < bench->models(); ++m)
    if (bench->network(m).random_weights()) random += (random.empty() ? "" : ", ") + bench->network(m).name;
  if (!random.empty())
    result.push_back(fmt::format(
        "random weights in {}: latencies are real, accuracies come from the network file", random));
  if (bench->different_inputs() < bench->inputs())
    result.push_back(fmt::format("inputs: {} are requested, but the data has {} ({}): they are repeated",
                                 bench->inputs(), workload->size(), workload->data_source()));
  if (!workload->labelled()) result.push_back(fmt::format("no labels: {}", workload->data_source()));
  return result;
}

}  // namespace alertbench
