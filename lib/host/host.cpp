#include "host/host.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/console.h"
#include "base/or_null.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || line.empty()) return {};
  return line;
}

std::optional<int64_t> number(const std::string& path) {
  std::ifstream file(path);
  int64_t value = 0;
  if (!(file >> value)) return {};
  return value;
}

std::optional<bool> flag(const std::string& path, int64_t true_value) {
  const auto value = number(path);
  if (!value) return {};
  return *value == true_value;
}

void read_cpuinfo(const std::string& path, Host& host) {
  std::ifstream file(path);
  int processors = 0;
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1);
    const std::string value = line.substr(std::min(line.size(), colon + 2));
    if (key == "processor") ++processors;
    if (key == "model name" && !host.cpu_model) host.cpu_model = value;
    if (key == "flags" && !host.virtualised)
      host.virtualised = (" " + value + " ").find(" hypervisor ") != std::string::npos;
  }
  if (processors) host.logical_cpus = processors;
}

std::optional<std::string> governors(const std::string& cpus) {
  std::set<std::string> found;
  std::error_code error;
  for (fs::directory_iterator entry(cpus, error), end; !error && entry != end; entry.increment(error))
    if (const auto governor = first_line(entry->path().string() + "/cpufreq/scaling_governor"))
      found.insert(*governor);
  if (found.empty()) return {};
  return fmt::format("{}", fmt::join(found, ", "));
}

bool of_processor(const std::string& name) {
  for (const char* known : {"coretemp", "k10temp", "zenpower", "cpu_thermal", "cpu-thermal", "soc_thermal"})
    if (name == known) return true;
  return false;
}

// hwmon's thousandths of a degree; the limit is where the processor throttles itself.
void read_temperature(const std::string& hwmon, Host& host) {
  std::error_code error;
  for (fs::directory_iterator entry(hwmon, error), end; !error && entry != end; entry.increment(error)) {
    const std::string folder = entry->path().string();
    if (!of_processor(first_line(folder + "/name").value_or(""))) continue;
    for (int n = 1; n < 130; ++n) {
      const auto now = number(fmt::format("{}/temp{}_input", folder, n));
      if (!now) continue;
      auto limit = number(fmt::format("{}/temp{}_max", folder, n));
      if (!limit) limit = number(fmt::format("{}/temp{}_crit", folder, n));
      const double now_c = 1e-3 * static_cast<double>(*now);
      const std::optional<double> limit_c =
          limit ? std::optional(1e-3 * static_cast<double>(*limit)) : std::nullopt;
      const bool nearer = !host.temperature_c ||
                          (limit_c && (!host.temperature_limit_c ||
                                       *limit_c - now_c < *host.temperature_limit_c - *host.temperature_c)) ||
                          (!limit_c && !host.temperature_limit_c && now_c > *host.temperature_c);
      if (!nearer) continue;
      host.temperature_c = now_c;
      host.temperature_limit_c = limit_c;
    }
  }
}

}  // namespace

std::optional<ProcessorTime> read_processor_time(const std::string& root) {
  std::ifstream file(root + "/proc/stat");
  std::string name;
  std::array<int64_t, 8> ticks{};  // user nice system idle iowait irq softirq steal
  if (!(file >> name) || name != "cpu") return {};
  for (auto& tick : ticks)
    if (!(file >> tick)) return {};
  const auto seconds = [per_s = static_cast<double>(::sysconf(_SC_CLK_TCK))](int64_t count) {
    return static_cast<double>(count) / per_s;
  };
  return ProcessorTime{seconds(ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]), seconds(ticks[7])};
}

std::set<std::string> read_processor_flags(const std::string& root) {
  std::ifstream file(root + "/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("flags", 0) != 0 && line.rfind("Features", 0) != 0) continue;  // x86, ARM
    std::istringstream words(line.substr(std::min(line.size(), line.find(':') + 1)));
    return {std::istream_iterator<std::string>(words), {}};
  }
  return {};
}

Memory read_memory(const std::string& root) {
  std::ifstream file(root + "/proc/meminfo");
  Memory memory;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string key;
    int64_t kib = 0;
    if (!(words >> key >> kib)) continue;
    if (key == "MemTotal:") memory.total_bytes = kib * 1024;
    if (key == "MemAvailable:") memory.available_bytes = kib * 1024;
  }
  return memory;
}

std::optional<int64_t> last_level_cache_bytes(const std::string& root) {
  const std::string cache = root + "/sys/devices/system/cpu/cpu0/cache";
  std::optional<int64_t> bytes;
  int64_t highest = 0;
  for (int index = 0; fs::exists(fmt::format("{}/index{}/size", cache, index)); ++index) {
    const int64_t level = number(fmt::format("{}/index{}/level", cache, index)).value_or(index + 1);
    std::ifstream file(fmt::format("{}/index{}/size", cache, index));
    int64_t size = 0;
    char unit = ' ';
    if (level <= highest || !(file >> size)) continue;
    highest = level;
    file >> unit;
    bytes = size * (unit == 'K' ? 1024 : unit == 'M' ? 1024 * 1024 : 1);
  }
  return bytes;
}

Host read_host(const std::string& root) {
  const std::string cpus = root + "/sys/devices/system/cpu";
  Host host;
  read_cpuinfo(root + "/proc/cpuinfo", host);
  const Memory memory = read_memory(root);
  host.memory_total_bytes = memory.total_bytes;
  host.memory_available_bytes = memory.available_bytes;
  host.kernel = first_line(root + "/proc/sys/kernel/osrelease");
  host.governor = governors(cpus);
  host.turbo = flag(cpus + "/intel_pstate/no_turbo", 0);
  if (!host.turbo) host.turbo = flag(cpus + "/cpufreq/boost", 1);
  host.smt_active = flag(cpus + "/smt/active", 1);
  std::ifstream loadavg(root + "/proc/loadavg");
  if (std::array<double, 3> load{}; loadavg >> load[0] >> load[1] >> load[2]) host.load_average = load;
  host.llc_bytes = last_level_cache_bytes(root);
  if (const auto time = read_processor_time(root)) host.steal_s = time->steal_s;
  read_temperature(root + "/sys/class/hwmon", host);
  return host;
}

std::string own_command() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string command;
  for (std::string word; std::getline(file, word, '\0') && command.size() < 500;)
    command += (command.empty() ? "" : " ") + word;
  return printable(command);
}

nlohmann::ordered_json to_json(const Host& host) {
  return {
      {"cpu_model", or_null(host.cpu_model)},
      {"logical_cpus", or_null(host.logical_cpus)},
      {"smt_active", or_null(host.smt_active)},
      {"virtualised", or_null(host.virtualised)},
      {"kernel", or_null(host.kernel)},
      {"governor", or_null(host.governor)},
      {"turbo", or_null(host.turbo)},
      {"llc_bytes", or_null(host.llc_bytes)},
      {"memory_total_bytes", or_null(host.memory_total_bytes)},
      {"memory_available_bytes", or_null(host.memory_available_bytes)},
      {"load_average", or_null(host.load_average)},
      {"steal_s", or_null(host.steal_s)},
      {"temperature_c", or_null(host.temperature_c)},
      {"temperature_limit_c", or_null(host.temperature_limit_c)},
  };
}

}  // namespace alertbench
