#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/console.h"
#include "base/json_lines.h"
#include "base/limits.h"
#include "commands.h"
#include "contention/co_runner.h"
#include "contention/stress_ng.h"
#include "host/host.h"
#include "host/machine_use.h"
#include "live/placement.h"
#include "models/inference_runtime.h"
#include "power/cpufreq/cpufreq.h"
#include "power/cpufreq/sensors.h"
#include "power/nvml/nvml.h"
#include "power/rapl/rapl.h"
#include "result/manifest.h"
#include "workloads/fashion_mnist.h"

namespace alertbench {
namespace {

// Looks only; at the counter of the GPU that CUDA would take first for a second.
nlohmann::ordered_json examine_gpus(const std::string& root, const std::string& library) {
  const NvmlProbe probe = probe_nvml(library, root);
  nlohmann::ordered_json j = to_json(probe);
  if (probe.gpus.empty()) return j;
  std::string uuid;
  try {
    uuid = Nvml(library).find("").uuid();
    SystemClock clock;
    j["counter"] = make_nvml_counter(library, uuid, clock)->facts();
  } catch (const Error& e) {
    j["no_energy_because"] = {e.what()};
  }
  bool caps = false;
  for (const NvmlGpuProbe& p : probe.gpus) caps = caps || (p.gpu.uuid() == uuid && p.no_limit.empty());
  const bool energy = j.contains("counter");
  j["backend_by_auto_on_cuda"] = caps && energy ? "nvml" : "emulated";
  if (!caps || !energy)
    j["lost_without"] = fmt::format("on the GPU, power caps are emulated and energy is modelled{}",
                                    energy ? " (nvml with a single cap, uncapped, measures it)" : "");
  j["mends"] = probe.mends;
  return j;
}

// Looks only: no cap is changed, no counter kept open.
nlohmann::ordered_json examine_power(const std::string& root, const std::string& nvml_library) {
  const RaplProbe probe = probe_rapl(root);
  std::vector<std::string> no_energy = probe.no_energy;
  nlohmann::ordered_json counter;
  if (no_energy.empty()) {
    try {
      SystemClock clock;
      counter = make_rapl_counter(root, clock)->facts();
    } catch (const Error& e) {
      no_energy.push_back(e.what());
    }
  }
  const bool rapl = probe.no_caps.empty() && no_energy.empty();
  nlohmann::ordered_json j = {{"backend_by_auto", rapl ? "rapl" : "emulated"},
                              {"caps_can_be_set", probe.no_caps.empty()},
                              {"energy_can_be_read", no_energy.empty()}};
  if (!probe.no_caps.empty()) j["no_caps_because"] = probe.no_caps;
  if (!no_energy.empty()) j["no_energy_because"] = no_energy;
  if (!rapl)
    j["lost_without"] = probe.no_caps.empty() ? "energy is modelled, not measured"
                        : no_energy.empty()
                            ? "power caps are emulated (rapl accepts only a single cap, uncapped)"
                            : "power caps are emulated and energy is modelled";
  if (!counter.is_null()) j["counter"] = counter;
  j["powercap"] = to_json(probe.tree);
  const CpufreqProbe cpufreq = probe_cpufreq(root);
  j["cpufreq"] = to_json(cpufreq);
  j["sensors"] = to_json(probe_sensors(root));
  j["nvml"] = examine_gpus(root, nvml_library);
  std::vector<std::string> mends = probe.mends;
  for (const std::string& m : cpufreq.mends)
    if (std::find(mends.begin(), mends.end(), m) == mends.end()) mends.push_back(m);
  j["mends"] = mends;
  return j;
}

// Who else is on the processors: one second of looking.
nlohmann::ordered_json examine_noise() {
  const MachineUse before = read_machine_use();
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const Disturbance disturbance = between(before, read_machine_use());
  nlohmann::ordered_json j = to_json(disturbance);
  std::vector<std::string> warnings = noise_warnings(read_host());
  for (const std::string& w : noise_warnings(disturbance)) warnings.push_back(w);
  j["warnings"] = warnings;
  return j;
}

nlohmann::ordered_json examine(int threads, const std::string& root, const std::string& nvml_library) {
  nlohmann::ordered_json j = {
      {"build", build_facts()}, {"host", to_json(read_host())}, {"allowed_cpus", allowed_cpus()}};
  std::vector<std::string> problems;
  try {
    j["inference"] = open_inference_runtime(threads)->facts();
    for (const auto& w : j["inference"]["warnings"]) problems.push_back(w.get<std::string>());
  } catch (const Error& e) {
    problems.push_back(e.what());
  }
  try {
    j["co_runner"] = find_generator();
  } catch (const Error& e) {
    problems.push_back(e.what());
  }
  const std::string stress_ng = find_stress_ng();
  j["stress_ng"] =
      stress_ng.empty()
          ? fmt::format("not installed ({}); needed only by the stress-ng-... co-runners", kStressNgMend)
          : stress_ng;
  j["noise"] = examine_noise();
  j["power"] = examine_power(root, nvml_library);
  try {
    j["fashion_mnist"] = FashionMnist().data_source();
  } catch (const Error& e) {
    problems.push_back(e.what());
  }
  const CgroupLimits limits = read_cgroup_limits();
  j["container"] = {
      {"cpu_quota",
       limits.cpu_quota ? nlohmann::ordered_json(*limits.cpu_quota) : nlohmann::ordered_json("none")},
      {"throttled_periods", limits.throttled_periods ? nlohmann::ordered_json(*limits.throttled_periods)
                                                     : nlohmann::ordered_json()},
      {"memory_bytes", limits.memory_bytes ? nlohmann::ordered_json(*limits.memory_bytes)
                                           : nlohmann::ordered_json("no limit")},
      {"most_processes", limits.most_processes ? nlohmann::ordered_json(*limits.most_processes)
                                               : nlohmann::ordered_json("no limit")},
      {"open_files",
       file_limit() ? nlohmann::ordered_json(*file_limit()) : nlohmann::ordered_json("no limit")}};
  for (const std::string& w : quota_warnings(limits, threads)) problems.push_back(w);
  if (allowed_cpus().size() < 2)
    problems.push_back(
        "only one processor: memory co-runners need a second one (or --set placement.other_cpu=-1)");
  j["problems"] = problems;
  return j;
}

// One line a powercap zone, one for each of its problems.
void print_zones(const nlohmann::ordered_json& zones, const std::string& indent) {
  for (const auto& z : zones) {
    std::string limits;
    for (const auto& c : z["constraints"])
      limits += fmt::format(", {} {}", c["name"].get<std::string>(),
                            c["power_limit_uw"].is_null()
                                ? "unreadable"
                                : fmt::format("{} W", c["power_limit_uw"].get<double>() * 1e-6));
    print_out("{}{:<22} {}, energy {}{}{}\n", indent, z["id"].get<std::string>(),
              z["name"].get<std::string>(), z["energy_readable"].get<bool>() ? "readable" : "not readable",
              limits, z["enabled"].is_boolean() && !z["enabled"].get<bool>() ? ", off" : "");
    for (const auto& p : z["problems"]) print_out("{}  {}\n", indent, p.get<std::string>());
  }
}

// One line a GPU, one for each reason why it cannot be used.
void print_gpus(const nlohmann::ordered_json& gpus, const std::string& indent) {
  for (const auto& g : gpus) {
    const auto number = [](const nlohmann::ordered_json& v) {
      return v.is_null() ? "unknown" : fmt::format("{} W", v.get<double>());
    };
    print_out(
        "{}GPU {:<18} {}, {}, limit {} (default {}){}, {}, energy: {}\n", indent, g["index"].get<int>(),
        g["name"].get<std::string>(), g["uuid"].get<std::string>(), number(g["limit_w"]),
        number(g["default_w"]),
        g["range_w"].is_null()
            ? ""
            : fmt::format(" of {} to {} W", g["range_w"][0].get<double>(), g["range_w"][1].get<double>()),
        g["limit_can_be_set"].get<bool>() ? "can be set" : "cannot be set", g["energy"].get<std::string>());
    for (const char* why : {"no_limit_because", "no_energy_because"})
      for (const auto& w : g[why]) print_out("{}  {}\n", indent, w.get<std::string>());
  }
}

void print_facts(const nlohmann::ordered_json& j, const std::string& indent) {
  for (const auto& [key, value] : j.items())
    if (value.is_object()) {
      print_out("{}{}\n", indent, key);
      print_facts(value, indent + "  ");
    } else if (key == "zones") {
      print_zones(value, indent);
    } else if (key == "gpus") {
      print_gpus(value, indent);
    } else if (key == "no_caps_because" || key == "no_energy_because" || key == "not_all_because") {
      for (const auto& why : value) print_out("{}{:<22} {}\n", indent, key, why.get<std::string>());
    } else if (key != "problems" && key != "warnings" && key != "mends") {
      print_out("{}{:<22} {}\n", indent, key,
                value.is_null()     ? "unknown"
                : value.is_string() ? value.get<std::string>()
                                    : value.dump());
    }
}

}  // namespace

void add_doctor(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand(
      "doctor", "report what this machine can do: processor, LibTorch and BLAS, power, co-runner, data");
  struct DoctorArguments {
    int threads = 1;
    std::string root = "/", nvml_library = default_nvml_library;
    bool json = false;
  };
  auto a = std::make_shared<DoctorArguments>();
  command->add_option("--threads", a->threads, "inference threads")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_option("--root", a->root, "folder that contains /sys, for power (scenario key power.root)")
      ->capture_default_str();
  command
      ->add_option("--nvml-library", a->nvml_library,
                   "NVIDIA's management library (scenario key power.nvml_library)")
      ->capture_default_str();
  command->add_flag("--json", a->json);
  command->callback([a, &line] {
    line.action = [a] {
      const nlohmann::ordered_json j = examine(a->threads, a->root, a->nvml_library);
      if (a->json) {
        print_out("{}\n", json_text(j, 2));
      } else {
        print_facts(j, "");
        if (!j["power"]["mends"].empty())
          print_out("\nTo use the processor's own power caps and counters without root:\n");
        for (const auto& m : j["power"]["mends"]) print_out("{}\n", m.get<std::string>());
        const auto gpu_mends = j["power"]["nvml"].value("mends", nlohmann::ordered_json::array());
        if (!gpu_mends.empty()) print_out("\nTo cap the GPU:\n");
        for (const auto& m : gpu_mends) print_out("{}\n", m.get<std::string>());
        for (const auto& w : j["noise"]["warnings"]) print_out("\n{}", w.get<std::string>());
        print_out("\n{}\n", j["problems"].empty() ? "No problems found." : "Problems:");
        for (const auto& p : j["problems"]) print_out("- {}\n", p.get<std::string>());
      }
      return j["problems"].empty() ? ExitCode::done : ExitCode::environment_refuses;
    };
  });
}

}  // namespace alertbench
