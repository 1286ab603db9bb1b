#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "base/error.h"
#include "power/guard/guarded_cap.h"
#include "power/nvml/nvml.h"
#include "power/rapl/powercap_tree.h"

namespace alertbench {
namespace {

using nlohmann::ordered_json;

constexpr double clock_settles_s = 0.5;   // from which on a lock of clocks has to show
constexpr uint64_t clock_grain_mhz = 30;  // two steps of the clocks

double watts(uint64_t mw) { return 1e-3 * static_cast<double>(mw); }
uint64_t milliwatts(double w) { return static_cast<uint64_t>(std::llround(1e3 * w)); }
bool same_mw(uint64_t a, uint64_t b) { return same_limit(1000 * a, 1000 * b); }
ordered_json watts_or_null(const std::optional<uint64_t>& mw) {
  return mw ? ordered_json(watts(*mw)) : ordered_json();
}

// The driver asks for CAP_SYS_ADMIN in the first user namespace (NV_IS_SUSER in its sources). Empty: this
// process has it, or that cannot be told.
std::string why_no_permission(const std::string& root) {
  constexpr int cap_sys_admin = 21;
  const std::string prefix = root_prefix(root);
  std::ifstream status(prefix + "/proc/self/status"), map(prefix + "/proc/self/uid_map");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("CapEff:", 0) == 0 &&
        (std::strtoull(line.c_str() + 7, nullptr, 16) >> cap_sys_admin & 1) == 0)
      return "this process is not root (it lacks CAP_SYS_ADMIN, which the driver requires)";
  uint64_t inside = 0, outside = 0, count = 0;
  if (map >> inside >> outside >> count && (outside != 0 || count != 4294967295))
    return "this process is root only in its own user namespace, which the driver does not accept";
  return "";
}

std::vector<std::string> remedies_of(const std::string& uuid) {
  return {
      "sudo -E alert-bench run ...              # the driver lets only root (CAP_SYS_ADMIN) set limits and "
      "clocks",
      "docker run --cap-add SYS_ADMIN -v /run/alert-bench:/run/alert-bench ...   # in a container, as its "
      "root; if the container is killed together with the watchdog, `alert-bench restore` on the host "
      "restores the caps from that folder",
      fmt::format(
          "sudo nvidia-smi -i {} -pl WATTS   # or set one limit by hand, and use a scenario with one cap",
          uuid)};
}

struct Durations {
  int64_t count = 0;
  double total_s = 0, longest_s = 0;
  void add(double time_s) {
    ++count;
    total_s += time_s;
    longest_s = std::max(longest_s, time_s);
  }
  ordered_json to_json() const {
    if (count == 0) return {{"count", 0}, {"mean_s", nullptr}, {"longest_s", nullptr}};
    return {{"count", count}, {"mean_s", total_s / static_cast<double>(count)}, {"longest_s", longest_s}};
  }
};

class NvmlCap : public GuardedCap {
 public:
  NvmlCap(const NvmlCapSettings& settings, Clock& clock)
      : GuardedCap("nvml"),
        settings_(settings),
        clock_(clock),
        nvml_(settings.library),
        gpu_(nvml_.find(settings.gpu)) {
    if (const std::string why = why_no_permission(settings.root); !why.empty()) refuse({why}, true);
    take_lock(settings.root, settings.state_folder, settings.library);
    std::vector<std::string> why;
    bool permission = false;
    if (!take_limit(why, permission) && !take_clocks(why, permission)) {
      give_lock_back();
      refuse(why, permission);
    }
    check_range();
  }
  ~NvmlCap() override { give_lock_back(); }  // while the library is open

  double settle_s() const override { return 1; }  // boards follow a limit within some tenths of a second

  void set(double cap_w) override {
    const bool change = in_force_w() != cap_w;
    const double begun_s = clock_.now_s();
    GuardedCap::set(cap_w);
    (change ? changes_ : checks_).add(clock_.now_s() - begun_s);
  }

 private:
  void put_in_force(double cap_w, std::optional<double> before_w) override {
    if (found_mw_) {
      changing([&] { return gpu_.set_power_limit_mw(milliwatts(cap_w)); },
               fmt::format("a limit of {} W", cap_w));
      return;
    }
    if (before_w) check_clock(*before_w);
    const uint64_t highest = clock_for(cap_w), lowest = clocks_mhz_.empty() ? 0 : clocks_mhz_.front();
    changing([&] { return gpu_.lock_clocks_mhz(lowest, highest); },
             fmt::format("a lock of its clocks to {} MHz", highest));
    locked_at_s_ = clock_.now_s();
  }

  void check(double cap_w, bool just_set) override {
    if (found_mw_)
      check_limit(cap_w, just_set);
    else if (!just_set)
      check_clock(cap_w);
  }

  ordered_json details() const override {
    ordered_json j = {{"gpu", {{"name", gpu_.name()}, {"uuid", gpu_.uuid()}, {"driver", nvml_.driver()}}},
                      {"by", found_mw_ ? "power limit" : "locked clocks"},
                      {"range_w", range_mw_ ? ordered_json{watts(range_mw_->first), watts(range_mw_->second)}
                                            : ordered_json()},
                      {"default_w", watts_or_null(gpu_.default_limit_mw())}};
    if (found_mw_) {
      j["found_w"] = watts(*found_mw_);
    } else {
      ordered_json mhz = ordered_json::array();
      for (const double cap_w : settings_.caps_w) mhz.push_back(clock_for(cap_w));
      j["mhz_by_cap"] = mhz;
      j["table"] = settings_.frequencies.to_json();
      j["read_back"] = "not possible, NVML does not report locks; the GPU's clock was checked instead";
      j["looks_at_the_clock"] = looks_;
    }
    // NVML takes its time, and that time is part of an input's latency.
    j["changes"] = changes_.to_json();
    j["checks"] = checks_.to_json();  // of a cap that is in force already, before every input
    return j;
  }

  [[noreturn]] void refuse(const std::vector<std::string>& why, bool permission) const {
    throw CannotCap(fmt::format(
        "power: nvml: caps of {} cannot be set: {}{}", gpu_.label(), fmt::join(why, "; "),
        permission
            ? fmt::format(". To allow it: {}", fmt::join(remedies_of(gpu_.uuid()), "; "))
            : "; set only one cap, which then means uncapped, or choose --set power.backend=emulated"));
  }

  // Only trying tells: the limit that is in force is set once more, clocks are unlocked. Neither leaves
  // anything to restore.
  bool take_limit(std::vector<std::string>& why, bool& permission) {
    NvmlFailure f;
    const auto found = gpu_.power_limit_mw(&f);
    if (found) range_mw_ = gpu_.limit_range_mw(&f);
    if (!found || !range_mw_) {
      why.push_back(f.text);
      permission = permission || f.no_permission();
      return false;
    }
    if (const NvmlFailure failed = gpu_.set_power_limit_mw(*found)) {
      why.push_back(failed.text);
      permission = permission || failed.no_permission();
      return false;
    }
    found_mw_ = found;
    remember({{gpu_limit(gpu_.uuid()), *found}});
    if (const auto usual = gpu_.default_limit_mw(); usual && !same_mw(*usual, *found))
      warn(
          fmt::format("power: {} had a limit of {} W at the start, not its default of {} W (set by somebody, "
                      "or left over): {} W will be restored",
                      gpu_.label(), watts(*found), watts(*usual), watts(*found)));
    return true;
  }

  bool take_clocks(std::vector<std::string>& why, bool& permission) {
    if (settings_.frequencies.empty()) {
      why.push_back("clocks are not locked instead: no power.frequency_table");
      return false;
    }
    clocks_mhz_ = gpu_.clocks_mhz();
    for (const double cap_w : settings_.caps_w)
      clock_for(cap_w);  // caps that are impossible are reported before anything is changed
    if (const NvmlFailure failed = gpu_.unlock_clocks()) {
      why.push_back(failed.text);
      permission = permission || failed.no_permission();
      return false;
    }
    remember({{gpu_clocks(gpu_.uuid()), 0}});
    warn(
        fmt::format("power: {} is capped by locking its clocks ({}). Whether somebody had locked them before "
                    "is not known: such a lock (nvidia-smi -lgc) is lost, and will not be restored",
                    gpu_.label(), fmt::join(why, "; ")));
    return true;
  }

  void check_range() {
    if (!found_mw_) return;
    for (const double cap_w : settings_.caps_w)
      if (const uint64_t mw = milliwatts(cap_w); mw < range_mw_->first || mw > range_mw_->second)
        throw EnvironmentError(
            fmt::format("power: nvml: a cap of {} W: {} accepts {} to {} W; change power.caps_w", cap_w,
                        gpu_.label(), watts(range_mw_->first), watts(range_mw_->second)));
    const double highest_w = settings_.caps_w.empty() ? 0 : settings_.caps_w.back();
    const auto enforced = gpu_.enforced_limit_mw();
    if (enforced && *enforced < *found_mw_ && !same_mw(*enforced, *found_mw_) && watts(*enforced) < highest_w)
      warn(fmt::format(
          "power: something else already limits {} to {} W: caps above that, up to {} W, are not in force",
          gpu_.label(), watts(*enforced), highest_w));
  }

  void check_limit(double cap_w, bool just_set) const {
    NvmlFailure why;
    const auto now = gpu_.power_limit_mw(&why);
    if (!now)
      throw RunError(
          fmt::format("power: nvml: the limit of {} can no longer be read ({})", gpu_.label(), why.text));
    if (same_mw(*now, milliwatts(cap_w))) return;
    const std::string reads = fmt::format("{} reads {} W", gpu_.label(), watts(*now));
    if (just_set) does_not_stick(fmt::format("{} after {} W was set", reads, cap_w), "the limit");
    changed_by_others(fmt::format("{}, this run had set {} W", reads, cap_w),
                      "nvidia-smi, DCGM, a power manager");
  }

  void check_clock(double cap_w) {
    if (clock_.now_s() <= locked_at_s_ + clock_settles_s) return;
    NvmlFailure why;
    const auto now = gpu_.clock_mhz(&why);
    const uint64_t highest = clock_for(cap_w);
    if (!now)
      throw RunError(
          fmt::format("power: nvml: the clock of {} can no longer be read ({})", gpu_.label(), why.text));
    ++looks_;
    if (*now > highest + clock_grain_mhz)
      throw RunError(
          fmt::format("power: nvml: {} runs at {} MHz, this run had locked it to {} MHz at most: another "
                      "program changes it "
                      "(nvidia-smi -rgc?), or the lock does not hold",
                      gpu_.label(), *now, highest));
  }

  template <class Call>
  void changing(Call call, const std::string& what) {
    if (const NvmlFailure f = call()) {
      const std::string why =
          fmt::format("power: nvml: {} does not accept {}: {}", gpu_.label(), what, f.text);
      if (f.no_permission())
        throw EnvironmentError(why +
                               "; was the permission revoked? `alert-bench doctor` says what is missing");
      throw RunError(why);
    }
  }

  uint64_t clock_for(double cap_w) const {
    const auto mhz = static_cast<uint64_t>(settings_.frequencies.frequency_for(cap_w));
    if (clocks_mhz_.empty()) return mhz;
    const auto above = std::upper_bound(clocks_mhz_.begin(), clocks_mhz_.end(), mhz);
    if (above == clocks_mhz_.begin())
      throw EnvironmentError(
          fmt::format("power: nvml: a cap of {} W means {} MHz, {} has none below {} MHz; raise caps_w",
                      cap_w, mhz, gpu_.label(), clocks_mhz_.front()));
    return *std::prev(above);
  }

  NvmlCapSettings settings_;
  Clock& clock_;
  Nvml nvml_;
  NvmlGpu gpu_;
  std::optional<uint64_t> found_mw_;  // empty: caps are locks of clocks
  std::optional<std::pair<uint64_t, uint64_t>> range_mw_;
  std::vector<uint64_t> clocks_mhz_;
  double locked_at_s_ = 0;
  Durations changes_, checks_;
  int64_t looks_ = 0;
};

}  // namespace

NvmlProbe probe_nvml(const std::string& library, const std::string& root) {
  NvmlProbe probe;
  probe.library = library;
  try {
    const Nvml nvml(library);
    probe.driver = nvml.driver();
    const std::string no_permission = why_no_permission(root);
    for (const NvmlGpu& gpu : nvml.gpus(&probe.problems)) {
      NvmlGpuProbe p{gpu, {}, {}};
      NvmlFailure f;
      if (!gpu.power_limit_mw(&f) || !gpu.limit_range_mw(&f)) p.no_limit.push_back(f.text);
      if (!no_permission.empty()) {
        p.no_limit.push_back(no_permission);
        if (probe.remedies.empty()) probe.remedies = remedies_of(gpu.uuid());
      }
      if (!gpu.energy_mj(&f)) {
        NvmlFailure no_power;
        if (!gpu.power_mw(&no_power)) p.no_energy = {f.text, no_power.text};
      }
      probe.gpus.push_back(std::move(p));
    }
    if (probe.gpus.empty() && probe.problems.empty()) probe.problems.push_back("the driver shows no GPU");
  } catch (const EnvironmentError& e) {
    probe.problems.push_back(e.what());
  }
  return probe;
}

ordered_json to_json(const NvmlProbe& probe) {
  ordered_json gpus = ordered_json::array();
  for (const NvmlGpuProbe& p : probe.gpus) {
    const auto range = p.gpu.limit_range_mw();
    gpus.push_back(
        {{"index", p.gpu.index()},
         {"name", p.gpu.name()},
         {"uuid", p.gpu.uuid()},
         {"limit_w", watts_or_null(p.gpu.power_limit_mw())},
         {"range_w", range ? ordered_json{watts(range->first), watts(range->second)} : ordered_json()},
         {"default_w", watts_or_null(p.gpu.default_limit_mw())},
         {"enforced_w", watts_or_null(p.gpu.enforced_limit_mw())},
         {"power_w", watts_or_null(p.gpu.power_mw())},
         {"limit_can_be_set", p.no_limit.empty()},
         {"no_limit_because", p.no_limit},
         {"energy", p.gpu.energy_mj()     ? "counter"
                    : p.no_energy.empty() ? "sampled power"
                                          : "none"},
         {"no_energy_because", p.no_energy}});
  }
  return {{"library", probe.library},
          {"driver", probe.driver.empty() ? ordered_json() : ordered_json(probe.driver)},
          {"gpus", gpus},
          {"errors", probe.problems}};
}

std::unique_ptr<CapSetter> make_nvml_cap(const NvmlCapSettings& settings, Clock& clock) {
  return std::make_unique<NvmlCap>(settings, clock);
}

}  // namespace alertbench
