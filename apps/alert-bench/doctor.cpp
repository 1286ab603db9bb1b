#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "contention/co_runner.h"
#include "live/placement.h"
#include "models/inference_runtime.h"
#include "trace/host.h"
#include "trace/manifest.h"
#include "workloads/fashion_mnist.h"

namespace alertbench {
namespace {

nlohmann::ordered_json examine(int threads) {
  nlohmann::ordered_json j = {{"build", build_facts()}, {"host", to_json(read_host())}, {"allowed_cpus", allowed_cpus()}};
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
  const bool rapl = std::filesystem::exists("/sys/class/powercap/intel-rapl:0");
  j["power"] = {{"backend", "emulated"},
                {"energy_source", "model"},
                {"rapl_zone_present", rapl}};
  try {
    j["fashion_mnist"] = FashionMnist().data_source();
  } catch (const Error& e) {
    problems.push_back(e.what());
  }
  if (allowed_cpus().size() < 2)
    problems.push_back("one processor only: memory co-runners need a second one (--set placement.other_cpu=-1)");
  j["problems"] = problems;
  return j;
}

void print(const nlohmann::ordered_json& j, const std::string& indent) {
  for (const auto& [key, value] : j.items())
    if (value.is_object()) {
      fmt::print("{}{}\n", indent, key);
      print(value, indent + "  ");
    } else if (key != "problems" && key != "warnings") {
      fmt::print("{}{:<22} {}\n", indent, key, value.is_null() ? "unknown" : value.is_string() ? value.get<std::string>() : value.dump());
    }
}

}  // namespace

void add_doctor(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("doctor", "what this machine can do: processor, LibTorch and BLAS, power, co-runner, data");
  struct Arguments {
    int threads = 1;
    bool json = false;
  };
  auto a = std::make_shared<Arguments>();
  command->add_option("--threads", a->threads, "threads of the inference")->capture_default_str()->check(CLI::Range(1, 1024));
  command->add_flag("--json", a->json);
  command->callback([a, &line] {
    line.action = [a] {
      const nlohmann::ordered_json j = examine(a->threads);
      if (a->json) {
        fmt::print("{}\n", j.dump(2));
      } else {
        print(j, "");
        fmt::print("\n{}\n", j["problems"].empty() ? "No problems found." : "Problems:");
        for (const auto& p : j["problems"]) fmt::print("- {}\n", p.get<std::string>());
      }
      return j["problems"].empty() ? ExitCode::done : ExitCode::environment_refuses;
    };
  });
}

}  // namespace alertbench
