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
#include "host/container.h"
#include "host/host.h"
#include "host/machine_use.h"
#include "live/placement.h"
#include "models/inference_runtime.h"
#include "power/registry.h"
#include "result/manifest.h"
#include "workloads/fashion_mnist.h"

namespace alertbench {
namespace {

// What looking at the backends for one device shows.
struct DevicePower {
  std::string backend_by_auto = "emulated", missing_capability;
  std::vector<std::pair<std::string, PowerOutlook>>
      outlooks;  // by name, in the order in which `auto` prefers them
  bool present() const { return !outlooks.empty() && outlooks.front().second.applies; }
  std::vector<std::string> remedies() const {
    std::vector<std::string> all;
    for (const auto& [name, outlook] : outlooks)
      for (const std::string& command : outlook.remedies)
        if (std::find(all.begin(), all.end(), command) == all.end()) all.push_back(command);
    return all;
  }
};

DevicePower look_at_power(const PowerRequest& request) {
  DevicePower device;
  SystemClock clock;
  for (const PowerBackendEntry& entry : power_backends())
    if (entry.device == request.device) device.outlooks.emplace_back(entry.name, entry.look(request, clock));
  for (const auto& [name, outlook] : device.outlooks)
    if (outlook.fits()) {
      device.backend_by_auto = name;
      return device;
    }
  if (device.outlooks.empty()) return device;
  const auto& [name, preferred] = device.outlooks.front();
  device.missing_capability = fmt::format(
      "power caps are emulated and energy is modelled{}",
      preferred.no_energy.empty() ? fmt::format(" ({} with one cap, uncapped, measures it)", name) : "");
  return device;
}

// Looks only: no cap is changed, no counter kept open. What concerns the processor is at the top; what
// concerns a GPU is below the name of its backend.
nlohmann::ordered_json examine_power(const std::string& root, const std::string& nvml_library) {
  PowerRequest request;
  request.root = root;
  request.nvml_library = nvml_library;
  const DevicePower processor = look_at_power(request);
  nlohmann::ordered_json j = {{"backend_by_auto", processor.backend_by_auto}};
  if (!processor.missing_capability.empty()) j["missing_capability"] = processor.missing_capability;
  for (const auto& [name, outlook] : processor.outlooks) j.update(outlook.findings);
  request.device = "cuda";
  const DevicePower gpu = look_at_power(request);
  for (const auto& [name, outlook] : gpu.outlooks) j[name] = outlook.findings;
  if (gpu.present()) {
    nlohmann::ordered_json& of_gpu = j[gpu.outlooks.front().first];
    of_gpu["backend_by_auto_on_cuda"] = gpu.backend_by_auto;
    if (!gpu.missing_capability.empty())
      of_gpu["missing_capability"] = "on the GPU, " + gpu.missing_capability;
    of_gpu["remedies"] = gpu.remedies();
  }
  j["remedies"] = processor.remedies();
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

std::string examine_real_time(const std::string& generator) {
  CoRunnerSpec spec;
  spec.workers.push_back({"compute", -1, 0.1, true});
  const auto co_runner = make_co_runner(spec, generator);
  co_runner->start();
  const std::string refused = co_runner->priority_refused();
  return refused.empty() ? "allowed"
                         : fmt::format("refused ({}); needed only by co-runners with it", refused);
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
    j["real_time_priority"] = examine_real_time(find_generator());
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
  const std::optional<Container> container = find_container();
  j["container"] = {
      {"kind", container ? container->kind : "none"},
      {"hidden", container ? hidden_by(*container) : std::vector<std::string>()},
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
  if (container && !hidden_by(*container).empty())
    j["container"]["remedies"] = std::vector<std::string>{options_to_see_all(*container)};
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
    } else if (key == "no_caps_because" || key == "no_energy_because" || key == "errors" || key == "hidden") {
      for (const auto& why : value) print_out("{}{:<22} {}\n", indent, key, why.get<std::string>());
    } else if (key != "problems" && key != "warnings" && key != "remedies" && key != "libtorch_build") {
      print_out("{}{:<22} {}\n", indent, key,
                value.is_null()     ? "unknown"
                : value.is_string() ? value.get<std::string>()
                                    : value.dump());
    }
}

void print_remedies(const nlohmann::ordered_json& findings, const char* heading) {
  const auto remedies = findings.value("remedies", nlohmann::ordered_json::array());
  if (!remedies.empty()) print_out("\n{}\n", heading);
  for (const auto& command : remedies) print_out("{}\n", command.get<std::string>());
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
        print_remedies(j["power"], "To use the processor's own power caps and counters without root:");
        for (const PowerBackendEntry& entry : power_backends())
          if (entry.device == "cuda") print_remedies(j["power"][entry.name], "To cap the GPU:");
        print_remedies(j["container"],
                       "To see in this container what it hides (then use --root /host, and "
                       "--set power.root=/host --allow-commands for runs):");
        for (const auto& w : j["noise"]["warnings"]) print_out("\n{}", w.get<std::string>());
        print_out("\n{}\n", j["problems"].empty() ? "No problems found." : "Problems:");
        for (const auto& p : j["problems"]) print_out("- {}\n", p.get<std::string>());
      }
      return j["problems"].empty() ? ExitCode::done : ExitCode::environment_refuses;
    };
  });
}

}  // namespace alertbench
