#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <set>

#include "base/console.h"
#include "base/installation.h"
#include "base/json_reader.h"
#include "commands.h"
#include "contention/kinds.h"
#include "contention/stress_ng.h"
#include "models/network_file.h"
#include "power/registry.h"
#include "schedulers/scheduler.h"
#include "workloads/workload_factory.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> json_files(const std::string& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".json" && entry.path().stem().extension() != ".schema")
      files.push_back(entry.path());
  if (error)
    throw InputError(
        fmt::format("{}: cannot list this folder ({}); run from the repository, or pass --folder", folder,
                    error.message()));
  std::sort(files.begin(), files.end());
  return files;
}

void list_schedulers() {
  for (const SchedulerInfo& s : known_schedulers()) {
    const std::vector<std::string> goals = promised_goals(s.traits.promises);
    print_out("{:<14} {:<10} {:<27} {}\n", s.name, s.traits.family,
              goals.empty() ? "no goal" : fmt::format("{}", fmt::join(goals, ", ")), s.summary);
  }
}

const char* name_of(AccuracyUnit unit) {
  return unit == AccuracyUnit::language_quality ? "quality" : unit == AccuracyUnit::f1 ? "F1" : "top-1";
}

// "69.8 % top-1", a figure a stage; "-" where it is not known.
std::string accuracy_of(const NetworkSpec& n) {
  std::vector<std::string> figures;
  for (double a : n.stage_accuracy()) figures.push_back(fmt::format("{:.1f}", 100 * a));
  return figures.empty() ? "-" : fmt::format("{} % {}", fmt::join(figures, " "), name_of(n.accuracy_unit()));
}

// 4.09 G; "-" for 0.
std::string short_number(int64_t number) {
  if (number == 0) return "-";
  const double value = static_cast<double>(number);
  if (value < 999.5e3) return fmt::format("{:.3g} k", value / 1e3);
  return value < 999.5e6 ? fmt::format("{:.3g} M", value / 1e6) : fmt::format("{:.3g} G", value / 1e9);
}

void list_networks(const std::string& folder) {
  print_out("{:<26} {:<14} {:>10} {:>7} {:>6} {:<9} {:<32} {}\n", "NETWORK", "WORKLOAD", "PARAMETERS", "MACS",
            "STAGES", "WEIGHTS", "ACCURACY BY STAGE", "SOURCE");
  for (const fs::path& path : json_files(folder)) {
    const NetworkFile file = NetworkFile::read(path.string(), false);
    for (const NetworkSpec& n : file.networks) {
      std::error_code error;  // a name may also be too long
      bool present = true;
      for (const NetworkSpec* part : n.parts()) present = present && fs::exists(part->weights, error);
      const char* weights = n.random_weights() ? "random" : present ? "present" : "absent";
      print_out("{:<26} {:<14} {:>10} {:>7} {:>6} {:<9} {:<32} {}\n", printable(n.name), file.workload,
                short_number(n.parameters()), short_number(n.multiply_accumulates()), n.stages(), weights,
                accuracy_of(n),
                n.accuracy.source.empty() ? "unknown" : printable(n.accuracy.source + ": " + n.accuracy.on));
    }
  }
}

void list_scenarios(const std::string& folder) {
  for (const fs::path& path : json_files(folder)) {
    const Scenario s = Scenario::read(path.string(), {});
    print_out("{:<32} {:<14} {:<17} {}\n", printable(path.string()), s.workload, s.co_runner.kind,
              printable(s.description));
  }
}

// A folder of this name here, or else the shipped one.
std::string shipped(const std::string& name) {
  std::error_code error;
  return fs::is_directory(name, error) ? name : (fs::path(shared_folder()) / name).string();
}

void list_co_runners() {
  const std::string missing =
      find_stress_ng().empty() ? fmt::format(" (not installed: {})", kStressNgMend) : "";
  for (const CoRunnerKind& k : co_runner_kinds())
    print_out("{:<18} {}{}\n", k.name, k.summary, k.stress_ng ? missing : "");
}

void list_powers() {
  std::vector<std::string> on_processor, on_gpu;
  for (const PowerBackendEntry& b : power_backends()) {
    print_out("{:<14} {}\n", b.name, b.summary);
    if (b.device == "cpu") on_processor.push_back(b.name);
    if (b.device == "cuda") on_gpu.push_back(b.name);
  }
  print_out(
      "{:<14} the first whose caps can be set and whose energy can be read: {}, or {} with --device cuda; "
      "else "
      "emulated\n",
      "auto", fmt::join(on_processor, ", "), fmt::join(on_gpu, ", "));
}

}  // namespace

void add_list(CLI::App& app, CommandLine& line) {
  auto* command =
      app.add_subcommand("list", "list schedulers, models, workloads, powers, co-runners or scenarios");
  auto kind = std::make_shared<std::string>();
  auto folder = std::make_shared<std::string>();
  command->add_option("KIND", *kind, "schedulers, models, workloads, powers, co-runners or scenarios")
      ->required()
      ->check(CLI::IsMember({"schedulers", "models", "workloads", "powers", "co-runners", "scenarios"}));
  command->add_option("--folder", *folder,
                      "folder with network files or scenarios (default: networks/ or scenarios/ in the "
                      "current folder, or else the shipped ones)");
  command->callback([kind, folder, &line] {
    line.action = [kind, folder] {
      if (*kind == "schedulers") list_schedulers();
      if (*kind == "models") list_networks(folder->empty() ? shipped("networks") : *folder);
      if (*kind == "scenarios") list_scenarios(folder->empty() ? shipped("scenarios") : *folder);
      if (*kind == "workloads")
        for (const WorkloadInfo& w : known_workloads()) print_out("{:<14} {}\n", w.name, w.data);
      if (*kind == "powers") list_powers();
      if (*kind == "co-runners") list_co_runners();
      return ExitCode::done;
    };
  });
}

}  // namespace alertbench
