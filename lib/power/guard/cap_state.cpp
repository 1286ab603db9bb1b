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

#include "base/error.h"
#include "base/json_reader.h"
#include "power/nvml/nvml_library.h"
#include "power/rapl/powercap_tree.h"

namespace alertbench {
namespace {

constexpr const char* schema_version = "1.0";

std::optional<RestorableCap> entry_of(const CapValue& v) { return find_restorable(v.file); }

std::string shown_file(const CapState& state, const CapValue& v) {
  const auto entry = entry_of(v);
  return entry && entry->needs_nvml ? v.file : state.root + v.file;
}

}  // namespace

bool of_gpu(const CapState& state) {
  return std::any_of(state.values.begin(), state.values.end(), [](const CapValue& v) {
    const auto entry = entry_of(v);
    return entry && entry->needs_nvml;
  });
}

bool cap_file(const std::string& file) { return find_restorable(file).has_value(); }

std::string state_folder(const std::string& told, const std::string& root) {
  if (!told.empty()) return told;
  if (const std::string prefix = root_prefix(root); !prefix.empty()) return prefix + "/run/alert-bench";
  if (::geteuid() == 0) return "/run/alert-bench";
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime && *runtime)
    return std::string(runtime) + "/alert-bench";
  throw EnvironmentError(
      "power: no folder to save the original caps in: XDG_RUNTIME_DIR is not set; choose one with "
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
  if (!S_ISDIR(status.st_mode)) return "is not a folder";
  if (status.st_uid != 0 && status.st_uid != ::geteuid())
    return fmt::format("belongs to user {}, neither to you nor to root", status.st_uid);
  if (status.st_mode & 022)
    return fmt::format("can be written to by others (mode {:o}); chmod go-w prevents that",
                       status.st_mode & 0777);
  return "";
}

CapState read_cap_state(const std::string& path) {
  struct stat status {};
  const auto refuse = [&](const std::string& why) {
    throw InputError(fmt::format(
        "{}: {}, so it is not trusted and nothing is written; inspect it, and restore the caps by hand", path,
        why));
  };
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode) || status.st_nlink > 1) refuse("is a link, or not a regular file");
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
    const CapValue& v = state.values.back();
    const auto entry = entry_of(v);
    if (!entry)
      value.fail("file", fmt::format("{} is not a file that holds a power cap; nothing was written",
                                     shown_json(v.file)));
    if (!value.has("value")) value.fail("value", "is missing");
    if (entry->only_zero && v.value != 0)
      value.fail(
          "value",
          fmt::format("{}: clocks can only be unlocked (0), not locked again; nothing was written", v.value));
    value.finish();
  }
  reader.finish();
  return state;
}

std::vector<std::string> restore_state(const CapState& state, const std::string& nvml_library) {
  std::vector<std::string> failures;
  RestoreContext context{state.root};
  std::optional<Nvml> nvml;
  if (of_gpu(state)) {
    try {
      context.nvml = &nvml.emplace(nvml_library);
    } catch (const Error& e) {
      context.no_nvml = e.what();
    }
  }
  for (const CapValue& v : state.values) {
    const auto entry = entry_of(v);
    const std::string why = entry ? entry->restore(v, context) : "is not a file that holds a power cap";
    if (!why.empty())
      failures.push_back(fmt::format("{}: {} not restored: {}", shown_file(state, v), v.value, why));
  }
  return failures;
}

std::string restored_text(const CapState& state, const CapValue& v) {
  const auto entry = entry_of(v);
  return entry && entry->text ? entry->text(v) : fmt::format("{}{} is {} again", state.root, v.file, v.value);
}

}  // namespace alertbench
