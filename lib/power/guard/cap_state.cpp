#include "power/guard/cap_state.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>

#include "base/error.h"
#include "base/json_reader.h"
#include "power/nvml/nvml_library.h"
#include "power/rapl/powercap_tree.h"

namespace alertbench {
namespace {

constexpr const char* schema_version = "1.0";
constexpr uint64_t limit_grain_uw = 500'000;
constexpr size_t longest_file = 128;
constexpr const char *of_nvml = "nvml/", *limit_end = "/power_limit_mw", *clocks_end = "/locked_clocks";

bool is_gpu(const CapValue& v) { return v.file.rfind(of_nvml, 0) == 0; }
bool is_lock(const CapValue& v) { return is_gpu(v) && v.file.rfind('/') == v.file.rfind(clocks_end); }
std::string uuid_of(const CapValue& v) {
  const size_t begin = std::string(of_nvml).size();
  return v.file.substr(begin, v.file.rfind('/') - begin);
}

std::string put_back_file(const std::string& prefix, const std::string& path, uint64_t value) {
  std::string why = write_sysfs_number(prefix, path, value);
  if (!why.empty()) return why;
  const auto now = read_sysfs_number(path, &why);
  const bool limit = path.rfind("_uw") == path.size() - 3;
  if (now && (limit ? !same_limit(*now, value) : *now != value))
    why = fmt::format("reads {} after {} was written", *now, value);
  return why;
}

std::string put_back_gpu(const Nvml& nvml, const CapValue& v) {
  NvmlFailure why;
  const auto gpu = nvml.by_uuid(uuid_of(v), &why);
  if (!gpu) return why.text;
  if (is_lock(v)) return gpu->unlock_clocks().text;
  if (gpu->power_limit_mw() == v.value) return "";
  if (const NvmlFailure f = gpu->set_power_limit_mw(v.value)) return f.text;
  const auto now = gpu->power_limit_mw(&why);
  if (!now) return why.text;
  return same_limit(1000 * *now, 1000 * v.value) ? ""
                                                 : fmt::format("reads {} after {} was set", *now, v.value);
}

}  // namespace

std::string gpu_limit(const std::string& uuid) { return of_nvml + uuid + limit_end; }
std::string gpu_clocks(const std::string& uuid) { return of_nvml + uuid + clocks_end; }
bool of_gpu(const CapState& state) { return std::any_of(state.values.begin(), state.values.end(), is_gpu); }

bool cap_file(const std::string& file) {
  static const std::regex pattern(
      "/sys/class/powercap/intel-rapl(-mmio)?:[0-9]+/(constraint_[0-9]+_power_limit_uw|enabled)|"
      "/sys/devices/system/cpu/cpufreq/policy[0-9]+/scaling_max_freq|"
      "nvml/GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/(power_limit_mw|locked_clocks)");
  // Matching takes stack for every character of a number.
  return file.size() <= longest_file && std::regex_match(file, pattern);
}

std::string state_folder(const std::string& told, const std::string& root) {
  if (!told.empty()) return told;
  if (const std::string prefix = root_prefix(root); !prefix.empty()) return prefix + "/run/alert-bench";
  if (::geteuid() == 0) return "/run/alert-bench";
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime && *runtime)
    return std::string(runtime) + "/alert-bench";
  throw EnvironmentError(
      "power: no folder to note the caps in that were found: XDG_RUNTIME_DIR is not set; name one with "
      "--set power.state_folder=DIR --allow-commands");
}

std::string state_path(const std::string& folder) { return folder + "/power-caps.json"; }

nlohmann::ordered_json to_json(const CapState& state) {
  nlohmann::ordered_json values = nlohmann::ordered_json::array();
  for (const CapValue& v : state.values) values.push_back({{"file", v.file}, {"value", v.value}});
  return {{"schema_version", schema_version},
          {"pid", state.pid},
          {"command", state.command},
          {"since", state.since},
          {"root", state.root},
          {"values", values}};
}

std::string why_not_trusted(const std::string& folder) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) return std::strerror(errno);
  if (!S_ISDIR(status.st_mode)) return "is no folder";
  if (status.st_uid != 0 && status.st_uid != ::geteuid())
    return fmt::format("belongs to user {}, neither to you nor to root", status.st_uid);
  if (status.st_mode & 022)
    return fmt::format("can be written to by others (mode {:o}); chmod go-w takes that away",
                       status.st_mode & 0777);
  return "";
}

CapState read_cap_state(const std::string& path) {
  struct stat status {};
  const auto refuse = [&](const std::string& why) {
    throw InputError(fmt::format(
        "{}: {}, so it is not trusted and nothing is written; look at it, and put caps back by hand", path,
        why));
  };
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode) || status.st_nlink > 1) refuse("is a link, or no file");
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
      refuse(fmt::format("belongs to user {}, neither to you nor to root", status.st_uid));
    if (status.st_mode & 022)
      refuse(fmt::format("can be written by others (mode {:o})", status.st_mode & 0777));
    const std::string folder = std::filesystem::path(path).parent_path().string();
    if (const std::string why = why_not_trusted(folder.empty() ? "." : folder); !why.empty())
      refuse("its folder " + why);
  }
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
      value.fail("file",
                 fmt::format("{} is no file that holds a power cap; nothing was written", shown_json(file)));
    if (!value.has("value")) value.fail("value", "is missing");
    if (const CapValue& v = state.values.back(); is_lock(v) && v.value != 0)
      value.fail("value", fmt::format("{}: clocks can be unlocked (0), not locked again; nothing was written",
                                      v.value));
    value.finish();
  }
  reader.finish();
  return state;
}

bool same_limit(uint64_t a_uw, uint64_t b_uw) {
  return (a_uw > b_uw ? a_uw - b_uw : b_uw - a_uw) <= limit_grain_uw;
}

std::vector<std::string> put_back(const CapState& state, const std::string& nvml_library) {
  std::vector<std::string> failures;
  std::optional<Nvml> nvml;
  std::string no_nvml;
  if (of_gpu(state)) {
    try {
      nvml.emplace(nvml_library);
    } catch (const Error& e) {
      no_nvml = e.what();
    }
  }
  for (const CapValue& v : state.values) {
    const std::string name = is_gpu(v) ? v.file : state.root + v.file;
    const std::string why = !is_gpu(v) ? put_back_file(state.root, name, v.value)
                            : nvml     ? put_back_gpu(*nvml, v)
                                       : no_nvml;
    if (!why.empty()) failures.push_back(fmt::format("{}: {} not put back: {}", name, v.value, why));
  }
  return failures;
}

std::string put_back_text(const CapState& state, const CapValue& v) {
  if (is_lock(v)) return fmt::format("clocks of {} are not locked", uuid_of(v));
  if (is_gpu(v))
    return fmt::format("power limit of {} is {} W again", uuid_of(v), 1e-3 * static_cast<double>(v.value));
  return fmt::format("{}{} is {} again", state.root, v.file, v.value);
}

}  // namespace alertbench
