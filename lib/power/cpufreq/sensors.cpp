#include "power/cpufreq/sensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "power/rapl/powercap_tree.h"
#include "power/sampled_counter.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char *hwmon_folder = "/sys/class/hwmon", *ina231_folder = "/sys/bus/i2c/drivers/INA231",
                     *supply_folder = "/sys/class/power_supply";

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// 2: a socket or package; 1: a cluster or "cpu"; 0: something else. Single cores are parts of what else is
// there.
int rank_of(const std::string& name) {
  const std::string n = lower(name);
  const auto has = [&](const char* part) { return n.find(part) != std::string::npos; };
  if (has("socket") || has("package") || has("pkg")) return 2;
  if (has("mem") || has("gpu") || has("g3d") || has("ecore")) return 0;
  if (has("a15") || has("a7") || has("_arm") || has("kfc") || has("cpu")) return 1;
  return 0;
}

std::vector<fs::path> entries_of(const std::string& folder) {
  std::vector<fs::path> all;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    all.push_back(it->path());
  std::sort(all.begin(), all.end());
  return all;
}

// A decimal number, whole or not.
std::optional<double> read_number(const std::string& path) {
  std::ifstream file(path);
  double value = 0;
  if (!(file >> value) || !std::isfinite(value)) return {};
  return value;
}

EnergyChannel channel_of(const PowerSensor& sensor, const std::string& root) {
  EnergyChannel c;
  c.about = {sensor.name, 0, 0, true};
  c.counts = sensor.kind == PowerSensor::Kind::energy_uj;
  c.origin = root_prefix(root) + sensor.file;
  c.read = [path = c.origin, kind = sensor.kind](std::string* why) {
    auto value = read_number(path);
    if (!value && why) *why = "no number";
    if (value && kind != PowerSensor::Kind::power_w) *value *= 1e-6;
    return value;
  };
  return c;
}

}  // namespace

SensorProbe probe_sensors(const std::string& root) {
  SensorProbe probe;
  const std::string prefix = root_prefix(root);
  const auto add = [&](const std::string& name, const std::string& path, PowerSensor::Kind kind) {
    probe.sensors.push_back({name, path.substr(prefix.size()), kind, rank_of(name) > 0});
  };
  for (const fs::path& chip : entries_of(prefix + hwmon_folder)) {
    const std::string name = sysfs_line(chip / "name");
    bool counts = false;  // an energy is the same quantity, without the error of sampling
    for (const fs::path& file : entries_of(chip)) {
      const std::string f = file.filename();
      if (f.rfind("energy", 0) != 0 || f.size() < 7 || f.find("_input") == std::string::npos) continue;
      const std::string base = f.substr(0, f.find('_')), label = sysfs_line(chip / (base + "_label"));
      add(fmt::format("{}/{}", name, label.empty() ? base : label), file, PowerSensor::Kind::energy_uj);
      counts = true;
    }
    if (counts) continue;
    for (const fs::path& file : entries_of(chip)) {
      const std::string f = file.filename();
      if (f.rfind("power", 0) != 0 || f.find("_input") == std::string::npos) continue;
      const std::string base = f.substr(0, f.find('_')), label = sysfs_line(chip / (base + "_label"));
      add(fmt::format("{}/{}", name, label.empty() ? base : label), file, PowerSensor::Kind::power_uw);
    }
  }
  for (const fs::path& device : entries_of(prefix + ina231_folder)) {
    const fs::path file = device / "sensor_W";
    if (!fs::exists(file)) continue;
    std::string name = sysfs_line(device / "sensor_name");
    if (name.empty()) {
      // By bus address, as the board is wired.
      const std::string address = device.filename().string().substr(device.filename().string().find('-') + 1);
      name = address == "0040"   ? "sensor_A15"
             : address == "0041" ? "sensor_mem"
             : address == "0044" ? "sensor_GPU"
             : address == "0045" ? "sensor_A7"
                                 : "sensor_" + address;
    }
    if (sysfs_line(device / "enable") == "0") {
      probe.problems.push_back(fmt::format("{} ({}) is switched off; switch it on with: echo 1 | sudo tee {}",
                                           name, file.string(), (device / "enable").string()));
      continue;
    }
    add(name, file, PowerSensor::Kind::power_w);
  }
  for (const fs::path& supply : entries_of(prefix + supply_folder))
    if (sysfs_line(supply / "type") == "Battery" && fs::exists(supply / "power_now"))
      probe.batteries.push_back(fmt::format(
          "{}: measures the whole machine, and only while it discharges; not used as the processor's power",
          supply.filename().string()));
  return probe;
}

ordered_json to_json(const SensorProbe& probe) {
  ordered_json sensors = ordered_json::array();
  for (const PowerSensor& s : probe.sensors)
    sensors.push_back({{"name", s.name},
                       {"file", s.file},
                       {"kind", s.kind == PowerSensor::Kind::energy_uj ? "energy" : "power"},
                       {"taken_for_a_processor", s.processor}});
  return {{"sensors", sensors}, {"sensor_problems", probe.problems}, {"batteries", probe.batteries}};
}

std::unique_ptr<EnergyCounter> make_sensor_counter(const std::string& root,
                                                   const std::vector<std::string>& names, Clock& clock) {
  const SensorProbe probe = probe_sensors(root);
  std::vector<std::string> found;
  for (const PowerSensor& s : probe.sensors) found.push_back(s.name);
  const std::string there =
      fmt::format("found: {}{}{}", found.empty() ? "none" : fmt::format("{}", fmt::join(found, ", ")),
                  probe.problems.empty() ? "" : "; ", fmt::join(probe.problems, "; "));
  std::vector<PowerSensor> chosen;
  for (const std::string& name : names) {
    const auto it = std::find_if(probe.sensors.begin(), probe.sensors.end(),
                                 [&](const PowerSensor& s) { return s.name == name; });
    if (it == probe.sensors.end())
      throw EnvironmentError(fmt::format("power: sensors: there is no \"{}\"; {}", name, there));
    chosen.push_back(*it);
  }
  if (names.empty()) {
    int best = 0;
    for (const PowerSensor& s : probe.sensors) best = std::max(best, rank_of(s.name));
    for (const PowerSensor& s : probe.sensors)
      if (best > 0 && rank_of(s.name) == best) chosen.push_back(s);
  }
  if (chosen.empty())
    throw EnvironmentError(
        fmt::format("power: no sensor has the name of a processor's; {}. Set power.sensors to those that are "
                    "to be added up",
                    there));
  std::vector<EnergyChannel> channels;
  std::vector<std::string> chosen_names;
  for (const PowerSensor& s : chosen) {
    channels.push_back(channel_of(s, root));
    chosen_names.push_back(s.name);
  }
  return make_sampled_counter(
      std::move(channels),
      {"sensor", "sensor", fmt::format("power sensors {}", fmt::join(chosen_names, ", ")),
       "choose others with power.sensors"},
      clock);
}

}  // namespace alertbench
