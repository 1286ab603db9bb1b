#include "power/sensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/error.h"
#include "power/powercap_tree.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char *hwmon_folder = "/sys/class/hwmon", *ina231_folder = "/sys/bus/i2c/drivers/INA231",
                     *supply_folder = "/sys/class/power_supply";
constexpr double watch_s = 1.0, poll_s = 1e-3;
constexpr double refresh_if_unseen_s = 0.3;  // the vendor's INA231 driver refreshes about that often
constexpr double shortest_sample_s = 5e-3, longest_sample_s = 0.1;

std::string line_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  line.erase(line.find_last_not_of(" \t") + 1);
  return line;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// 2: a socket or package; 1: a cluster or "cpu"; 0: something else. Single cores are parts of what else is there.
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
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) all.push_back(it->path());
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

double watts_or_joules(PowerSensor::Kind kind, double value) { return kind == PowerSensor::Kind::power_w ? value : 1e-6 * value; }

class SensorCounter : public EnergyCounter {
 public:
  SensorCounter(const std::string& root, std::vector<PowerSensor> sensors, Clock& clock) : clock_(clock) {
    for (PowerSensor& s : sensors) {
      Channel c;
      c.path = root_prefix(root) + s.file;
      c.about = std::move(s);
      channels_.push_back(std::move(c));
    }
    watch();
  }

  std::string source() const override { return "sensor"; }
  double refresh_interval_s() const override { return refresh_s_; }
  double sample_interval_s() const override { return std::clamp(refresh_s_ / 2, shortest_sample_s, longest_sample_s); }
  std::string description() const override {
    std::vector<std::string> names;
    for (const Channel& c : channels_) names.push_back(c.about.name);
    return fmt::format("power sensors {}, sampled every {:.0f} ms and integrated; they change every {:.0f} ms{}", fmt::join(names, ", "),
                       1e3 * sample_interval_s(), 1e3 * refresh_s_, seen_ ? "" : " (assumed: none changed while watched)");
  }
  std::vector<EnergyDomain> domains() const override {
    std::vector<EnergyDomain> all;
    for (const Channel& c : channels_) all.push_back({c.about.name, 0, 0, true});
    return all;
  }
  void sample() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    advance();
  }
  std::optional<EnergyReading> read() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    advance();
    if (std::exchange(spoilt_, false)) return {};
    EnergyReading r;
    r.at_s = clock_.now_s();
    for (const Channel& c : channels_) r.total_j += c.total_j;
    r.capped_j = r.total_j;
    return r;
  }
  std::vector<std::string> problems() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return problems_;
  }

 private:
  struct Channel {
    PowerSensor about;
    std::string path;
    double last = 0, last_s = 0, total_j = 0;  // last: watts, or joules
    bool gone = false;
  };

  void watch() {
    std::vector<double> gaps;
    std::vector<std::optional<double>> changed_s(channels_.size());
    bool any = false;
    for (Channel& c : channels_) {
      const auto now = read_number(c.path);
      if (!now) throw EnvironmentError(fmt::format("power: sensor {}: {} cannot be read; choose others by power.sensors", c.about.name, c.path));
      c.last = watts_or_joules(c.about.kind, *now);
      any = any || c.last != 0;
    }
    const double start_s = clock_.now_s();
    while (clock_.now_s() < start_s + watch_s) {
      clock_.sleep_until(clock_.now_s() + poll_s);
      for (size_t i = 0; i < channels_.size(); ++i) {
        Channel& c = channels_[i];
        const double now = watts_or_joules(c.about.kind, read_number(c.path).value_or(0));
        if (now == c.last) continue;
        any = true;
        c.last = now;
        if (changed_s[i]) gaps.push_back(clock_.now_s() - *changed_s[i]);
        changed_s[i] = clock_.now_s();
      }
    }
    if (!any)
      throw EnvironmentError(fmt::format("power: sensor {}: {} reads 0 all the time: no real sensor, or one that is off; choose others by "
                                         "power.sensors", channels_.front().about.name, channels_.front().path));
    seen_ = !gaps.empty();
    if (seen_) {
      std::nth_element(gaps.begin(), gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2), gaps.end());
      refresh_s_ = std::max(poll_s, gaps[gaps.size() / 2]);
    }
    for (Channel& c : channels_) c.last_s = clock_.now_s();
  }

  void advance() {
    for (Channel& c : channels_) {
      const auto raw = read_number(c.path);
      const double now_s = clock_.now_s();
      if (!raw) {
        spoilt_ = true;
        if (!std::exchange(c.gone, true)) problems_.push_back(fmt::format("sensor {} cannot be read any more ({})", c.about.name, c.path));
        continue;
      }
      const double now = watts_or_joules(c.about.kind, *raw);
      if (c.about.kind != PowerSensor::Kind::energy_uj) {
        c.total_j += 0.5 * (c.last + now) * (now_s - c.last_s);
      } else if (now >= c.last) {
        c.total_j += now - c.last;
      } else {
        spoilt_ = true;
        problems_.push_back(fmt::format("sensor {} jumped back from {} to {} J", c.about.name, c.last, now));
      }
      c.last = now;
      c.last_s = now_s;
    }
  }

  Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<Channel> channels_;
  std::vector<std::string> problems_;
  double refresh_s_ = refresh_if_unseen_s;
  bool seen_ = false, spoilt_ = false;
};

}  // namespace

SensorProbe probe_sensors(const std::string& root) {
  SensorProbe probe;
  const std::string prefix = root_prefix(root);
  const auto add = [&](const std::string& name, const std::string& path, PowerSensor::Kind kind) {
    probe.sensors.push_back({name, path.substr(prefix.size()), kind, rank_of(name) > 0});
  };
  for (const fs::path& chip : entries_of(prefix + hwmon_folder)) {
    const std::string name = line_of(chip / "name");
    bool counts = false;  // an energy is the same quantity, without the error of sampling
    for (const fs::path& file : entries_of(chip)) {
      const std::string f = file.filename();
      if (f.rfind("energy", 0) != 0 || f.size() < 7 || f.find("_input") == std::string::npos) continue;
      const std::string base = f.substr(0, f.find('_')), label = line_of(chip / (base + "_label"));
      add(fmt::format("{}/{}", name, label.empty() ? base : label), file, PowerSensor::Kind::energy_uj);
      counts = true;
    }
    if (counts) continue;
    for (const fs::path& file : entries_of(chip)) {
      const std::string f = file.filename();
      if (f.rfind("power", 0) != 0 || f.find("_input") == std::string::npos) continue;
      const std::string base = f.substr(0, f.find('_')), label = line_of(chip / (base + "_label"));
      add(fmt::format("{}/{}", name, label.empty() ? base : label), file, PowerSensor::Kind::power_uw);
    }
  }
  for (const fs::path& device : entries_of(prefix + ina231_folder)) {
    const fs::path file = device / "sensor_W";
    if (!fs::exists(file)) continue;
    std::string name = line_of(device / "sensor_name");
    if (name.empty()) {
      // By bus address, as the board is wired.
      const std::string address = device.filename().string().substr(device.filename().string().find('-') + 1);
      name = address == "0040" ? "sensor_A15" : address == "0041" ? "sensor_mem" : address == "0044" ? "sensor_GPU" : address == "0045" ? "sensor_A7"
                                                                                                           : "sensor_" + address;
    }
    if (line_of(device / "enable") == "0") {
      probe.problems.push_back(fmt::format("{} ({}) is off; echo 1 | sudo tee {}", name, file.string(), (device / "enable").string()));
      continue;
    }
    add(name, file, PowerSensor::Kind::power_w);
  }
  for (const fs::path& supply : entries_of(prefix + supply_folder))
    if (line_of(supply / "type") == "Battery" && fs::exists(supply / "power_now"))
      probe.batteries.push_back(fmt::format("{}: power of the whole machine, only while it discharges; not taken for the processor's",
                                            supply.filename().string()));
  return probe;
}

ordered_json to_json(const SensorProbe& probe) {
  ordered_json sensors = ordered_json::array();
  for (const PowerSensor& s : probe.sensors)
    sensors.push_back({{"name", s.name}, {"file", s.file}, {"kind", s.kind == PowerSensor::Kind::energy_uj ? "energy" : "power"},
                       {"taken_for_a_processor", s.processor}});
  return {{"sensors", sensors}, {"sensor_problems", probe.problems}, {"batteries", probe.batteries}};
}

std::unique_ptr<EnergyCounter> make_sensor_counter(const std::string& root, const std::vector<std::string>& names, Clock& clock) {
  const SensorProbe probe = probe_sensors(root);
  std::vector<std::string> found;
  for (const PowerSensor& s : probe.sensors) found.push_back(s.name);
  const std::string there = fmt::format("found: {}{}{}", found.empty() ? "none" : fmt::format("{}", fmt::join(found, ", ")),
                                        probe.problems.empty() ? "" : "; ", fmt::join(probe.problems, "; "));
  std::vector<PowerSensor> chosen;
  for (const std::string& name : names) {
    const auto it = std::find_if(probe.sensors.begin(), probe.sensors.end(), [&](const PowerSensor& s) { return s.name == name; });
    if (it == probe.sensors.end()) throw EnvironmentError(fmt::format("power: sensors: there is no \"{}\"; {}", name, there));
    chosen.push_back(*it);
  }
  if (names.empty()) {
    int best = 0;
    for (const PowerSensor& s : probe.sensors) best = std::max(best, rank_of(s.name));
    for (const PowerSensor& s : probe.sensors)
      if (best > 0 && rank_of(s.name) == best) chosen.push_back(s);
  }
  if (chosen.empty())
    throw EnvironmentError(fmt::format("power: no sensor is named as a processor's; {}. Name those to add up by power.sensors", there));
  return std::make_unique<SensorCounter>(root, std::move(chosen), clock);
}

}  // namespace alertbench
