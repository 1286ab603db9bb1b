#include "models/aotinductor_package.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_reader.h"
#include "host/host.h"
#include "models/mapped_file.h"
#include "models/stored_zip.h"

namespace alertbench {
namespace {

constexpr JsonLimits metadata_limits{1 << 20, 4, 10000};
constexpr const char* compile_again =
    "compile it again, with `torch._inductor.aoti_compile_and_package`, on this machine or a similar one";

bool text_ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// The model's folder that a member lies in; empty for other members.
std::string model_of(const std::string& member) {
  constexpr std::string_view models = "data/aotinductor/";
  const size_t at = member.find(models);
  if (at == std::string::npos || (at > 0 && member[at - 1] != '/')) return "";
  const size_t begin = at + models.size(), end = member.find('/', begin);
  return end == std::string::npos ? "" : member.substr(begin, end - begin);
}

// What GCC is told (-m...) for a name in AOTI_CPU_ISA, in the words of /proc/cpuinfo.
std::vector<std::string> flags_behind(const std::string& instructions) {
  static const std::map<std::string, std::vector<std::string>> known{
      {"AVX2", {"avx2", "fma", "f16c"}},
      {"AVX512", {"avx512f", "avx512dq", "avx512vl", "avx512bw", "fma"}},
      {"AMX_TILE", {"amx_tile", "amx_bf16", "amx_int8"}},
      {"INVALID_VEC_ISA", {}}};
  if (const auto found = known.find(instructions); found != known.end()) return found->second;
  std::string flag = instructions;
  std::transform(flag.begin(), flag.end(), flag.begin(), [](unsigned char c) { return std::tolower(c); });
  return {flag};
}

}  // namespace

AotinductorPackage read_aotinductor_package(const std::string& path) {
  const MappedFile file = map_file(path);
  const auto fail = [&path](const std::string& what) {
    throw InputError(fmt::format("{}: not a usable AOTInductor package: {}", path, what));
  };
  std::set<std::string> models;
  std::optional<std::string_view> metadata;
  bool library = false;
  for (const auto& [name, bytes] : read_stored_zip(file.bytes, path)) {
    const std::string model = model_of(name);
    if (model.empty()) continue;
    models.insert(model);
    library = library || text_ends_with(name, ".so");
    if (text_ends_with(name, "_metadata.json")) metadata = bytes;
  }
  if (models.empty())
    fail("no data/aotinductor/ in it; save it with `torch._inductor.aoti_compile_and_package`");
  if (models.size() > 1)
    fail(fmt::format("it holds {} models ({}); package each of them alone", models.size(),
                     fmt::join(models, ", ")));
  if (!library)
    fail("it holds no shared library (sources only?); package it without aot_inductor.package_cpp_only");
  if (!metadata) fail("it does not say what it was compiled for (no *_metadata.json)");
  const std::string where = path + ": metadata";
  const nlohmann::json json = parse_json(*metadata, where, metadata_limits);
  JsonReader reader(json, where);
  AotinductorPackage package;
  package.model = *models.begin();
  package.device = reader.text("AOTI_DEVICE_KEY");
  package.platform = reader.text("AOTI_PLATFORM");
  package.machine = reader.text("AOTI_MACHINE");
  package.instructions = reader.text("AOTI_CPU_ISA");
  return package;  // what users add to the metadata is theirs
}

Machine this_machine(const std::string& root) {
  utsname names{};
  ::uname(&names);
  return {names.machine, read_host(root).cpu_model.value_or("unknown"), read_processor_flags(root)};
}

void check_machine(const AotinductorPackage& package, const Machine& machine, const std::string& where) {
  if (package.platform != "linux" || package.machine != machine.name)
    throw InputError(fmt::format("{}is machine code for {} on {}, but this machine is {} on linux; {}", where,
                                 package.machine, package.platform, machine.name, compile_again));
  if (machine.flags.empty())
    throw EnvironmentError(
        fmt::format("{}needs {}, but /proc/cpuinfo does not tell what this processor can do", where,
                    package.instructions));
  std::vector<std::string> missing;
  std::istringstream names(package.instructions);
  for (std::string name; names >> name;)
    for (const std::string& flag : flags_behind(name))
      if (!machine.flags.count(flag)) missing.push_back(flag);
  if (!missing.empty())
    throw InputError(fmt::format("{}was compiled for processors with {}, but this one ({}) lacks {}; {}",
                                 where, package.instructions, machine.processor, fmt::join(missing, ", "),
                                 compile_again));
}

}  // namespace alertbench
