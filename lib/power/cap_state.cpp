#include "power/cap_state.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>

#include "core/error.h"
#include "core/json_reader.h"
#include "power/powercap_tree.h"

namespace alertbench {
namespace {

constexpr const char* schema_version = "1.0";
constexpr uint64_t limit_grain_uw = 500'000;

}  // namespace

bool cap_file(const std::string& file) {
  static const std::regex pattern("/sys/class/powercap/intel-rapl(-mmio)?:[0-9]+/(constraint_[0-9]+_power_limit_uw|enabled)|"
                                  "/sys/devices/system/cpu/cpufreq/policy[0-9]+/scaling_max_freq");
  return std::regex_match(file, pattern);
}

std::string state_folder(const std::string& told, const std::string& root) {
  if (!told.empty()) return told;
  if (const std::string prefix = root_prefix(root); !prefix.empty()) return prefix + "/run/alert-bench";
  if (::geteuid() == 0) return "/run/alert-bench";
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime && *runtime) return std::string(runtime) + "/alert-bench";
  throw EnvironmentError("power: no folder to note the caps in that were found: XDG_RUNTIME_DIR is not set; name one with "
                         "--set power.state_folder=DIR");
}

std::string state_path(const std::string& folder) { return folder + "/power-caps.json"; }

nlohmann::ordered_json to_json(const CapState& state) {
  nlohmann::ordered_json values = nlohmann::ordered_json::array();
  for (const CapValue& v : state.values) values.push_back({{"file", v.file}, {"value", v.value}});
  return {{"schema_version", schema_version}, {"pid", state.pid},   {"command", state.command},
          {"since", state.since},             {"root", state.root}, {"values", values}};
}

CapState read_cap_state(const std::string& path) {
  const nlohmann::json document = read_json_file(path, {1 << 20, 8, 10'000});
  JsonReader reader(document, path);
  CapState state;
  reader.one_of("schema_version", "", {schema_version});
  state.pid = reader.integer("pid", 0, 1 << 30);
  state.command = reader.text("command");
  state.since = reader.text("since");
  state.root = reader.text("root");
  for (JsonReader& value : reader.objects("values")) {
    state.values.push_back({value.text("file"), value.seed("value", 0)});
    if (const std::string& file = state.values.back().file; !cap_file(file))
      value.fail("file", fmt::format("\"{}\" is no file that holds a power cap; nothing was written", file));
    if (!value.has("value")) value.fail("value", "is missing");
    value.finish();
  }
  reader.finish();
  return state;
}

bool same_limit(uint64_t a_uw, uint64_t b_uw) { return (a_uw > b_uw ? a_uw - b_uw : b_uw - a_uw) <= limit_grain_uw; }

std::vector<std::string> put_back(const CapState& state) {
  std::vector<std::string> failures;
  for (const CapValue& v : state.values) {
    const std::string path = state.root + v.file;
    std::string why = write_sysfs_number(path, v.value);
    if (why.empty()) {
      const auto now = read_sysfs_number(path, &why);
      const bool limit = path.rfind("_uw") == path.size() - 3;
      if (now && (limit ? !same_limit(*now, v.value) : *now != v.value)) why = fmt::format("reads {} after {} was written", *now, v.value);
    }
    if (!why.empty()) failures.push_back(fmt::format("{}: {} not put back: {}", path, v.value, why));
  }
  return failures;
}

}  // namespace alertbench
