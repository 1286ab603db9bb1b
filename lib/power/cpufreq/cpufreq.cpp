#include "power/cpufreq/cpufreq.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "power/guard/guarded_cap.h"
#include "power/rapl/powercap_tree.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* cpufreq_folder = "/sys/devices/system/cpu/cpufreq";

CpufreqPolicy read_policy(const std::string& prefix, const std::string& folder, int number) {
  CpufreqPolicy p;
  p.number = number;
  p.folder = folder;
  const std::string at = prefix + folder + "/";
  p.cpus = sysfs_line(at + "related_cpus");
  p.driver = sysfs_line(at + "scaling_driver");
  p.min_khz = read_sysfs_number(at + "scaling_min_freq");
  p.max_khz = read_sysfs_number(at + "scaling_max_freq");
  p.highest_khz = read_sysfs_number(at + "cpuinfo_max_freq");
  std::istringstream words(sysfs_line(at + "scaling_available_frequencies"));
  for (uint64_t khz = 0; words >> khz;) p.available_khz.push_back(khz);
  std::sort(p.available_khz.begin(), p.available_khz.end());
  return p;
}

class CpufreqCap : public GuardedCap {
 public:
  explicit CpufreqCap(const CpufreqCapSettings& settings)
      : GuardedCap("cpufreq"), settings_(settings), prefix_(root_prefix(settings.root)) {
    const CpufreqProbe probe = probe_cpufreq(settings.root, settings.policies);
    if (!probe.no_caps.empty())
      throw EnvironmentError(
          with_remedies("power: cpufreq: caps cannot be set", probe.no_caps, probe.remedies));
    policies_ = probe.policies;
    for (const double cap_w : settings.caps_w)
      for (const CpufreqPolicy& p : policies_)
        frequency_of(p, cap_w);  // caps that are impossible are reported before anything is changed
    take_lock(settings.root, settings.state_folder, settings.nvml_library);
    std::vector<CapValue> found;
    for (CpufreqPolicy& p : policies_) {
      p.max_khz = read_sysfs_number(prefix_ + highest_file(p));  // again, now that no other run changes it
      if (!p.max_khz) cannot_restore(prefix_ + highest_file(p));
      found.push_back({highest_file(p), *p.max_khz});
    }
    remember(std::move(found));
  }

 private:
  void put_in_force(double cap_w, std::optional<double>) override {
    for (const CpufreqPolicy& p : policies_) write(prefix_ + highest_file(p), frequency_of(p, cap_w));
  }

  void check(double cap_w, bool just_set) override {
    for (const CpufreqPolicy& p : policies_) {
      const std::string path = prefix_ + highest_file(p);
      std::string why;
      const auto now = read_sysfs_number(path, &why);
      const uint64_t wanted = frequency_of(p, cap_w);
      if (!now) throw RunError(fmt::format("power: cpufreq: {} can no longer be read ({})", path, why));
      if (*now == wanted) continue;
      if (just_set)
        does_not_stick(fmt::format("{} reads {} kHz after {} was written", path, *now, wanted),
                       "the frequency");
      changed_by_others(fmt::format("{} reads {} kHz, this run had set {}", path, *now, wanted),
                        "a governor daemon, thermal control");
    }
  }

  ordered_json details() const override {
    ordered_json policies = ordered_json::array();
    for (const CpufreqPolicy& p : policies_) {
      ordered_json khz = ordered_json::array();
      for (const double cap_w : settings_.caps_w) khz.push_back(frequency_of(p, cap_w));
      policies.push_back({{"policy", p.number},
                          {"cpus", p.cpus},
                          {"driver", p.driver},
                          {"found_khz", *p.max_khz},
                          {"khz_by_cap", khz}});
    }
    return {{"policies", policies}, {"table", settings_.frequencies.to_json()}};
  }

  uint64_t frequency_of(const CpufreqPolicy& p, double cap_w) const {
    uint64_t khz = static_cast<uint64_t>(std::llround(1000 * settings_.frequencies.frequency_for(cap_w)));
    if (p.highest_khz) khz = std::min(khz, *p.highest_khz);
    if (!p.available_khz.empty()) {
      const auto above = std::upper_bound(p.available_khz.begin(), p.available_khz.end(), khz);
      if (above == p.available_khz.begin())
        throw EnvironmentError(fmt::format(
            "power: cpufreq: a cap of {} W means {} kHz, policy {} has none below {} kHz; raise caps_w",
            cap_w, khz, p.number, p.available_khz.front()));
      khz = *std::prev(above);
    }
    if (p.min_khz && khz < *p.min_khz)
      throw EnvironmentError(
          fmt::format("power: cpufreq: a cap of {} W means {} kHz, the lower limit of policy {} is {} kHz; "
                      "raise caps_w, or "
                      "lower {}{}/scaling_min_freq",
                      cap_w, khz, p.number, *p.min_khz, prefix_, p.folder));
    return khz;
  }

  void write(const std::string& path, uint64_t khz) {
    if (const std::string why = write_sysfs_number(prefix_, path, khz); !why.empty())
      throw EnvironmentError(
          fmt::format("power: cpufreq: {}: {} cannot be written ({}); was the permission revoked? "
                      "`alert-bench doctor` says what is missing",
                      path, khz, why));
    if (settings_.after_write) settings_.after_write(path);
  }

  CpufreqCapSettings settings_;
  std::string prefix_;
  std::vector<CpufreqPolicy> policies_;
};

}  // namespace

std::string highest_file(const CpufreqPolicy& policy) { return policy.folder + "/scaling_max_freq"; }

CpufreqProbe probe_cpufreq(const std::string& root, const std::vector<int>& wanted) {
  CpufreqProbe probe;
  const std::string prefix = root_prefix(root);
  std::error_code error;
  for (fs::directory_iterator it(prefix + cpufreq_folder, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename();
    if (name.rfind("policy", 0) != 0 || name.size() == 6 ||
        name.find_first_not_of("0123456789", 6) != std::string::npos)
      continue;
    const int number = std::atoi(name.c_str() + 6);
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), number) == wanted.end()) continue;
    probe.policies.push_back(read_policy(prefix, fmt::format("{}/{}", cpufreq_folder, name), number));
  }
  std::sort(probe.policies.begin(), probe.policies.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  for (const int number : wanted)
    if (std::none_of(probe.policies.begin(), probe.policies.end(),
                     [&](const auto& p) { return p.number == number; }))
      probe.no_caps.push_back(fmt::format("{}{}/policy{}: does not exist", prefix, cpufreq_folder, number));
  if (probe.policies.empty() && probe.no_caps.empty())
    probe.no_caps.push_back(
        fmt::format("no policy below {}{}: no cpufreq (a virtual machine?)", prefix, cpufreq_folder));
  bool permission = false;
  for (const CpufreqPolicy& p : probe.policies) {
    const std::string path = prefix + highest_file(p);
    std::string why = why_not_writable(path);
    if (why.empty() && !p.max_khz) why = "does not contain a number";
    if (why.empty()) continue;
    probe.no_caps.push_back(fmt::format("{}: {}", path, why));
    permission = permission || why == std::strerror(EACCES);
  }
  if (permission)
    // sysfs makes its files anew at each boot, so this has to be a rule and not a single chmod.
    probe.remedies = {"sudo groupadd -f alert-bench",
                      "sudo usermod -aG alert-bench $USER   # then log in again",
                      fmt::format("echo 'z {}/policy*/scaling_max_freq 0664 root alert-bench' | sudo tee "
                                  "/etc/tmpfiles.d/alert-bench.conf",
                                  cpufreq_folder),
                      "sudo systemd-tmpfiles --create /etc/tmpfiles.d/alert-bench.conf"};
  return probe;
}

ordered_json to_json(const CpufreqProbe& probe) {
  const auto or_null = [](const std::optional<uint64_t>& v) { return v ? ordered_json(*v) : ordered_json(); };
  ordered_json policies = ordered_json::array();
  for (const CpufreqPolicy& p : probe.policies)
    policies.push_back({{"policy", p.number},
                        {"cpus", p.cpus},
                        {"driver", p.driver},
                        {"min_khz", or_null(p.min_khz)},
                        {"max_khz", or_null(p.max_khz)},
                        {"highest_khz", or_null(p.highest_khz)}});
  return {
      {"caps_can_be_set", probe.no_caps.empty()}, {"no_caps_because", probe.no_caps}, {"policies", policies}};
}

std::unique_ptr<CapSetter> make_cpufreq_cap(const CpufreqCapSettings& settings) {
  if (settings.frequencies.empty())
    throw InputError(
        "power: cpufreq: frequency_table is missing; set it to pairs [cap_w, frequency_mhz], measured on "
        "this machine: which frequency stays within which power");
  return std::make_unique<CpufreqCap>(settings);
}

}  // namespace alertbench
