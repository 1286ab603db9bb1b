#include "power/guard/restorable.h"

#include <fmt/format.h>

#include <regex>
#include <utility>
#include <vector>

#include "power/nvml/nvml_library.h"
#include "power/rapl/powercap_tree.h"

namespace alertbench {
namespace {

constexpr uint64_t limit_grain_uw = 500'000;
constexpr size_t longest_file = 128;  // matching a pattern takes stack for every character of a number
constexpr const char *gpu_folder = "nvml/", *limit_name = "/power_limit_mw", *clocks_name = "/locked_clocks";

std::string uuid_of(const CapValue& v) {
  const size_t begin = std::string(gpu_folder).size();
  return v.file.substr(begin, v.file.rfind('/') - begin);
}

template <class Same>
std::string restore_file(const CapValue& v, const RestoreContext& context, Same same) {
  const std::string path = context.root + v.file;
  std::string why = write_sysfs_number(context.root, path, v.value);
  if (!why.empty()) return why;
  const auto now = read_sysfs_number(path, &why);
  return now && !same(*now, v.value) ? fmt::format("reads {} after {} was written", *now, v.value) : why;
}

std::string restore_gpu_limit(const CapValue& v, const RestoreContext& context) {
  if (!context.nvml) return context.no_nvml;
  NvmlFailure why;
  const auto gpu = context.nvml->by_uuid(uuid_of(v), &why);
  if (!gpu) return why.text;
  if (gpu->power_limit_mw() == v.value) return "";
  if (const NvmlFailure f = gpu->set_power_limit_mw(v.value)) return f.text;
  const auto now = gpu->power_limit_mw(&why);
  if (!now) return why.text;
  return same_limit(1000 * *now, 1000 * v.value) ? ""
                                                 : fmt::format("reads {} after {} was set", *now, v.value);
}

std::string restore_gpu_clocks(const CapValue& v, const RestoreContext& context) {
  if (!context.nvml) return context.no_nvml;
  NvmlFailure why;
  const auto gpu = context.nvml->by_uuid(uuid_of(v), &why);
  return gpu ? gpu->unlock_clocks().text : why.text;
}

std::string gpu_limit_text(const CapValue& v) {
  return fmt::format("power limit of {} is {} W again", uuid_of(v), 1e-3 * static_cast<double>(v.value));
}

std::string gpu_clocks_text(const CapValue& v) {
  return fmt::format("clocks of {} are not locked", uuid_of(v));
}

struct Row {
  RestorableCap cap;
  std::regex pattern;
};

std::vector<Row>& rows() {
  static std::vector<Row> all = [] {
    const std::string zone = "/sys/class/powercap/intel-rapl(-mmio)?:[0-9]+/";
    const std::string gpu = "nvml/GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/";
    std::vector<Row> table;
    for (const RestorableCap& cap : std::vector<RestorableCap>{
             {zone + "constraint_[0-9]+_power_limit_uw", restore_microwatts},
             {zone + "enabled", restore_number},
             {"/sys/devices/system/cpu/cpufreq/policy[0-9]+/scaling_max_freq", restore_number},
             {gpu + "power_limit_mw", restore_gpu_limit, gpu_limit_text, true},
             {gpu + "locked_clocks", restore_gpu_clocks, gpu_clocks_text, true, true},
         })
      table.push_back({cap, std::regex(cap.pattern)});
    return table;
  }();
  return all;
}

}  // namespace

std::string restore_number(const CapValue& v, const RestoreContext& context) {
  return restore_file(v, context, [](uint64_t a, uint64_t b) { return a == b; });
}

std::string restore_microwatts(const CapValue& v, const RestoreContext& context) {
  return restore_file(v, context, same_limit);
}

bool same_limit(uint64_t a_uw, uint64_t b_uw) {
  return (a_uw > b_uw ? a_uw - b_uw : b_uw - a_uw) <= limit_grain_uw;
}

std::optional<RestorableCap> find_restorable(const std::string& file) {
  if (file.size() > longest_file) return {};
  for (const Row& row : rows())
    if (std::regex_match(file, row.pattern)) return row.cap;
  return {};
}

std::string gpu_limit(const std::string& uuid) { return gpu_folder + uuid + limit_name; }
std::string gpu_clocks(const std::string& uuid) { return gpu_folder + uuid + clocks_name; }

RegisteredRestorable::RegisteredRestorable(RestorableCap cap) {
  std::regex pattern(cap.pattern);
  rows().push_back({std::move(cap), std::move(pattern)});
}
RegisteredRestorable::~RegisteredRestorable() { rows().pop_back(); }

}  // namespace alertbench
