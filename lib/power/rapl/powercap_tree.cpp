#include "power/rapl/powercap_tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "base/or_null.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;

constexpr const char* powercap_folder = "/sys/class/powercap";
constexpr double absurd_power_w = 5000;  // for one package
constexpr int most_constraints = 8;

// Content without the trailing newline; none where it cannot be read.
std::optional<std::string> read_small_file(const std::string& path, std::string* why) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char bytes[256];
  const ssize_t got = file < 0 ? -1 : ::read(file, bytes, sizeof bytes);
  const int error = errno;
  if (file >= 0) ::close(file);
  if (got < 0) {
    if (why) *why = std::strerror(error);
    return {};
  }
  std::string text(bytes, static_cast<size_t>(got));
  text.erase(text.find_last_not_of(" \n\t") + 1);
  return text;
}

// "intel-rapl:0:2" -> {"intel-rapl", {0, 2}}.
struct ZoneId {
  std::string control_type;
  std::vector<int> numbers;
};

std::optional<ZoneId> parse_id(const std::string& name) {
  ZoneId id;
  size_t at = name.find(':');
  id.control_type = name.substr(0, at);
  if (at == std::string::npos || (id.control_type != "intel-rapl" && id.control_type != "intel-rapl-mmio"))
    return {};
  while (at != std::string::npos) {
    const size_t end = std::min(name.find(':', at + 1), name.size());
    int number = 0;
    const auto [rest, error] = std::from_chars(name.data() + at + 1, name.data() + end, number);
    if (error != std::errc() || rest != name.data() + end || number < 0) return {};
    id.numbers.push_back(number);
    at = end == name.size() ? std::string::npos : end;
  }
  return id;
}

// The number behind `word` in a name such as "package-0-die-1".
std::optional<int> number_behind(const std::string& name, const std::string& word) {
  const size_t at = name.find(word);
  if (at == std::string::npos) return {};
  int number = 0;
  const char* begin = name.data() + at + word.size();
  if (std::from_chars(begin, name.data() + name.size(), number).ec != std::errc()) return {};
  return number;
}

PowercapKind kind_of(const std::string& name) {
  if (name.rfind("package-", 0) == 0) return PowercapKind::package;
  if (name == "dram") return PowercapKind::dram;
  if (name == "core") return PowercapKind::core;
  if (name == "uncore") return PowercapKind::uncore;
  if (name == "psys") return PowercapKind::psys;
  return PowercapKind::other;
}

class ZoneReader {
 public:
  ZoneReader(const std::string& prefix, PowercapZone& zone) : prefix_(prefix), zone_(zone) {}

  void read() {
    std::string why;
    if (const auto name = read_small_file(path("name"), &why))
      zone_.name = *name;
    else
      zone_.problems.push_back(fmt::format("{}/name: {}", zone_.folder, why));
    zone_.kind = kind_of(zone_.name);
    if (zone_.kind == PowercapKind::package) {
      zone_.package = number_behind(zone_.name, "package-");
      zone_.die = number_behind(zone_.name, "-die-");
    }
    zone_.energy_uj = number("energy_uj");
    zone_.max_energy_range_uj = number("max_energy_range_uj");
    if (const auto enabled = optional_number("enabled")) zone_.enabled = *enabled != 0;
    for (int c = 0; c < most_constraints; ++c) read_constraint(c);
  }

 private:
  std::string path(const std::string& file) const {
    return fmt::format("{}{}/{}", prefix_, zone_.folder, file);
  }

  std::optional<uint64_t> number(const std::string& file) {
    std::string why;
    const auto value = read_sysfs_number(path(file), &why);
    if (!value) zone_.problems.push_back(fmt::format("{}/{}: {}", zone_.folder, file, why));
    return value;
  }

  // Absent is no problem.
  std::optional<uint64_t> optional_number(const std::string& file) {
    std::error_code ignored;
    if (!fs::exists(path(file), ignored)) return {};
    return number(file);
  }

  void read_constraint(int index) {
    const std::string begin = fmt::format("constraint_{}_", index);
    std::error_code ignored;
    if (!fs::exists(path(begin + "power_limit_uw"), ignored) && !fs::exists(path(begin + "name"), ignored))
      return;
    PowercapConstraint c;
    c.index = index;
    c.limit_file = fmt::format("{}/{}power_limit_uw", zone_.folder, begin);
    std::string why;
    if (const auto name = read_small_file(path(begin + "name"), &why))
      c.name = *name;
    else
      zone_.problems.push_back(fmt::format("{}/{}name: {}", zone_.folder, begin, why));
    c.power_limit_uw = number(begin + "power_limit_uw");
    // The kernel gives neither for every constraint.
    c.max_power_uw = read_sysfs_number(path(begin + "max_power_uw"));
    c.time_window_us = read_sysfs_number(path(begin + "time_window_us"));
    zone_.constraints.push_back(c);
  }

  const std::string& prefix_;
  PowercapZone& zone_;
};

bool is_amd(const std::string& cpuinfo) {
  std::ifstream file(cpuinfo);
  for (std::string line; std::getline(file, line);)
    if (line.rfind("vendor_id", 0) == 0)
      return line.find("AuthenticAMD") != std::string::npos || line.find("HygonGenuine") != std::string::npos;
  return false;
}

bool on_sysfs(int file) {
  struct statfs system {};
  return ::fstatfs(file, &system) == 0 && system.f_type == SYSFS_MAGIC;
}

// Of an open file; asked of that, not of its path, so that nobody can change it in between.
std::string why_no_cap_file(int file, const std::string& prefix) {
  struct stat status {};
  if (::fstat(file, &status) != 0) return std::strerror(errno);
  if (!S_ISREG(status.st_mode)) return "is not a file";
  if (status.st_nlink > 1) return "has another name as well (a hard link)";
  if (prefix.empty() && !on_sysfs(file)) return "is not a file of sysfs";
  std::error_code error;
  const fs::path within = fs::canonical(prefix + "/sys", error),
                 real = fs::read_symlink(fmt::format("/proc/self/fd/{}", file), error);
  if (error) return error.message();
  const auto [end, unused] = std::mismatch(within.begin(), within.end(), real.begin(), real.end());
  return end == within.end() ? "" : fmt::format("leads out of {}/sys, to {}", prefix, real.string());
}

}  // namespace

std::string root_prefix(const std::string& root) {
  std::string prefix = root;
  while (!prefix.empty() && prefix.back() == '/') prefix.pop_back();
  return prefix;
}

const char* to_string(PowercapKind kind) {
  switch (kind) {
    case PowercapKind::package:
      return "package";
    case PowercapKind::dram:
      return "dram";
    case PowercapKind::core:
      return "core";
    case PowercapKind::uncore:
      return "uncore";
    case PowercapKind::psys:
      return "psys";
    case PowercapKind::other:
      break;
  }
  return "other";
}

std::optional<double> PowercapConstraint::sane_max_w() const {
  if (!max_power_uw) return {};
  const double watts = static_cast<double>(*max_power_uw) * 1e-6;
  return watts >= 1 && watts <= absurd_power_w ? std::optional<double>(watts) : std::nullopt;
}

const PowercapConstraint* PowercapZone::constraint(const std::string& wanted) const {
  for (const PowercapConstraint& c : constraints)
    if (c.name == wanted) return &c;
  return nullptr;
}

std::vector<const PowercapZone*> PowercapTree::packages() const {
  std::vector<const PowercapZone*> result;
  for (const PowercapZone& z : zones)
    if (z.kind == PowercapKind::package && !z.mmio()) result.push_back(&z);
  return result;
}

std::vector<const PowercapZone*> PowercapTree::energy_domains() const {
  std::vector<const PowercapZone*> result;
  std::set<int> seen;
  for (const PowercapZone* package : packages()) {
    if (amd && package->package && package->die && !seen.insert(*package->package).second) continue;
    result.push_back(package);
    for (const PowercapZone& z : zones)
      if (z.parent == package->id && z.kind == PowercapKind::dram) result.push_back(&z);
  }
  return result;
}

const PowercapZone* PowercapTree::mmio_twin(const PowercapZone& package) const {
  for (const PowercapZone& z : zones)
    if (z.mmio() && z.parent.empty() && z.name == package.name) return &z;
  return nullptr;
}

PowercapTree read_powercap_tree(const std::string& root) {
  PowercapTree tree;
  tree.prefix = root_prefix(root);
  tree.amd = is_amd(tree.prefix + "/proc/cpuinfo");
  std::vector<std::pair<ZoneId, PowercapZone>> found;
  std::error_code error;
  for (fs::directory_iterator entry(tree.prefix + powercap_folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto id = parse_id(entry->path().filename().string());
    std::error_code ignored;
    if (!id || !fs::is_directory(entry->path(), ignored)) continue;
    PowercapZone zone;
    zone.id = entry->path().filename().string();
    zone.control_type = id->control_type;
    if (id->numbers.size() > 1) zone.parent = zone.id.substr(0, zone.id.rfind(':'));
    zone.folder = fmt::format("{}/{}", powercap_folder, zone.id);
    ZoneReader(tree.prefix, zone).read();
    found.emplace_back(*id, std::move(zone));
  }
  if (error) tree.problems.push_back(fmt::format("{}: {}", powercap_folder, error.message()));
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first.control_type, a.first.numbers) < std::tie(b.first.control_type, b.first.numbers);
  });
  for (auto& [id, zone] : found) tree.zones.push_back(std::move(zone));
  if (tree.zones.empty() && tree.problems.empty())
    tree.problems.push_back(fmt::format("{}: no zone of intel-rapl", powercap_folder));
  return tree;
}

nlohmann::ordered_json to_json(const PowercapTree& tree) {
  nlohmann::ordered_json zones = nlohmann::ordered_json::array();
  for (const PowercapZone& z : tree.zones) {
    nlohmann::ordered_json constraints = nlohmann::ordered_json::array();
    for (const PowercapConstraint& c : z.constraints)
      constraints.push_back({{"name", c.name},
                             {"power_limit_uw", or_null(c.power_limit_uw)},
                             {"max_power_uw", or_null(c.max_power_uw)},
                             {"time_window_us", or_null(c.time_window_us)}});
    zones.push_back({{"id", z.id},
                     {"name", z.name},
                     {"kind", to_string(z.kind)},
                     {"enabled", or_null(z.enabled)},
                     {"energy_readable", z.energy_uj.has_value()},
                     {"max_energy_range_uj", or_null(z.max_energy_range_uj)},
                     {"constraints", constraints},
                     {"problems", z.problems}});
  }
  return {{"zones", zones}, {"problems", tree.problems}};
}

std::string sysfs_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  line.erase(line.find_last_not_of(" \t") + 1);
  return line;
}

std::optional<uint64_t> read_sysfs_number(const std::string& path, std::string* why) {
  const auto text = read_small_file(path, why);
  if (!text) return {};
  uint64_t value = 0;
  const auto [rest, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (text->empty() || error != std::errc() || rest != text->data() + text->size()) {
    if (why) *why = fmt::format("contains \"{}\", which is not a non-negative integer", *text);
    return {};
  }
  return value;
}

std::string write_sysfs_number(const std::string& prefix, const std::string& path, uint64_t value) {
  const int file = ::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return errno == ELOOP ? "is a symbolic link" : std::strerror(errno);
  const std::string text = std::to_string(value);
  std::string why = why_no_cap_file(file, prefix);
  if (why.empty() && ((!on_sysfs(file) && ::ftruncate(file, 0) != 0) ||
                      ::write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())))
    why = std::strerror(errno);
  if (::close(file) != 0 && why.empty()) why = std::strerror(errno);
  return why;
}

std::string why_not_writable(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return std::strerror(errno);
  if (S_ISLNK(status.st_mode)) return "is a symbolic link";
  if (!S_ISREG(status.st_mode)) return "is not a file";
  if ((status.st_mode & 0222) == 0) return "is read-only: the hardware or its driver does not allow changes";
  if (::access(path.c_str(), W_OK) != 0) return std::strerror(errno);
  return "";
}

}  // namespace alertbench
