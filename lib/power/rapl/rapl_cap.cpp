#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "power/guard/guarded_cap.h"
#include "power/rapl/rapl.h"

namespace alertbench {
namespace {

using nlohmann::ordered_json;

constexpr const char* bounded[] = {"long_term", "short_term"};  // peak_power is left alone
constexpr double longest_settle_s = 5;

std::string udev_rule() {
  // sysfs makes its files anew at each boot, so this has to be a rule and not a single chmod.
  return "sudo tee /etc/udev/rules.d/70-alert-bench.rules <<'EOF'\n"
         "SUBSYSTEM==\"powercap\", ACTION==\"add|change\", RUN+=\"/bin/sh -c 'cd /sys%p && "
         "chgrp -f alert-bench energy_uj enabled constraint_?_power_limit_uw; "
         "chmod -f g+r energy_uj; chmod -f g+w enabled constraint_?_power_limit_uw; true'\"\n"
         "EOF";
}

uint64_t microwatts(double w) { return static_cast<uint64_t>(std::llround(w * 1e6)); }

bool has_limit(const PowercapZone& zone) { return zone.constraint("long_term") != nullptr; }

class RaplCap : public GuardedCap {
 public:
  explicit RaplCap(const RaplCapSettings& settings) : GuardedCap("rapl"), settings_(settings) {
    const RaplProbe probe = probe_rapl(settings.root);
    if (!probe.no_caps.empty())
      throw EnvironmentError(with_remedies("power: rapl: caps cannot be set", probe.no_caps, probe.remedies));
    take_lock(settings.root, settings.state_folder, settings.nvml_library);
    tree_ = read_powercap_tree(settings.root);  // again, now that no other run changes it
    std::vector<CapValue> found;
    for (const PowercapZone* zone : tree_.packages()) {
      for (const char* name : {"short_term", "long_term"})
        if (const PowercapConstraint* c = zone->constraint(name)) {
          if (!c->power_limit_uw) cannot_restore(tree_.prefix + c->limit_file);
          found.push_back({c->limit_file, *c->power_limit_uw});
        }
      if (zone->enabled == false) found.push_back({zone->folder + "/enabled", 0});
    }
    remember(std::move(found));
    check_range();
  }

  // A limit bounds the average over its window: the short one settles first, where there is one.
  double settle_s() const override {
    double settle_s = 0.25;
    for (const PowercapZone* zone : tree_.packages()) {
      const PowercapConstraint* c = zone->constraint("short_term");
      if (!c) c = zone->constraint("long_term");
      settle_s =
          std::clamp(2e-6 * static_cast<double>(c->time_window_us.value_or(0)), settle_s, longest_settle_s);
    }
    return settle_s;
  }

 private:
  void put_in_force(double cap_w, std::optional<double> before_w) override {
    for (const PowercapZone* zone : tree_.packages())
      apply(*zone, microwatts(cap_w), !before_w || cap_w > *before_w);
  }

  void check(double cap_w, bool just_set) override {
    for (const PowercapZone* zone : tree_.packages())
      for (const char* name : bounded)
        if (const PowercapConstraint* c = zone->constraint(name))
          check_limit(tree_.prefix + c->limit_file, cap_w, just_set);
  }

  void check_limit(const std::string& file, double cap_w, bool just_set) const {
    std::string why;
    const auto now_uw = read_sysfs_number(file, &why);
    if (!now_uw) throw RunError(fmt::format("power: rapl: {} can no longer be read ({})", file, why));
    if (same_limit(*now_uw, microwatts(cap_w))) return;
    const std::string reads = fmt::format("{} reads {} W", file, static_cast<double>(*now_uw) * 1e-6);
    if (just_set)
      does_not_stick(fmt::format("{} after {} W was written", reads, cap_w), "the limit",
                     "locked by the firmware");
    changed_by_others(fmt::format("{}, this run had set {} W", reads, cap_w),
                      "thermald, tuned, power-profiles-daemon");
  }

  ordered_json details() const override {
    ordered_json zones = ordered_json::array();
    for (const PowercapZone* zone : tree_.packages()) {
      ordered_json limits = ordered_json::object();
      for (const char* name : bounded)
        if (const PowercapConstraint* c = zone->constraint(name)) {
          const auto max_w = c->sane_max_w();
          limits[name] = {
              {"found_w", static_cast<double>(*c->power_limit_uw) * 1e-6},
              {"max_w", max_w ? ordered_json(*max_w) : ordered_json()},
              {"max_as_stated_uw", c->max_power_uw ? ordered_json(*c->max_power_uw) : ordered_json()},
              {"time_window_us", c->time_window_us ? ordered_json(*c->time_window_us) : ordered_json()}};
        }
      zones.push_back({{"zone", zone->id}, {"name", zone->name}, {"limits", limits}});
    }
    return ordered_json::object({{"zones", zones}});
  }

  void write(const std::string& path, uint64_t value) {
    if (const std::string why = write_sysfs_number(tree_.prefix, path, value); !why.empty())
      throw EnvironmentError(
          fmt::format("power: rapl: {}: {} cannot be written ({}); locked by the firmware, or was the "
                      "permission revoked? `alert-bench doctor` says what is missing",
                      path, value, why));
    if (settings_.after_write) settings_.after_write(path);
  }

  void apply(const PowercapZone& zone, uint64_t wanted_uw, bool raising) {
    std::vector<const PowercapConstraint*> order;
    for (const char* name : bounded)
      if (const PowercapConstraint* c = zone.constraint(name)) order.push_back(c);
    // Some firmware wants short >= long at every moment.
    if (raising) std::reverse(order.begin(), order.end());
    for (const PowercapConstraint* c : order) write(tree_.prefix + c->limit_file, wanted_uw);
    if (zone.enabled == false) write(tree_.prefix + zone.folder + "/enabled", 1);
  }

  void check_range() {
    const double low_w = settings_.caps_w.empty() ? 0 : settings_.caps_w.front(),
                 high_w = settings_.caps_w.empty() ? 0 : settings_.caps_w.back();
    for (const PowercapZone* zone : tree_.packages()) {
      const PowercapConstraint& c = *zone->constraint("long_term");
      if (const auto max_w = c.sane_max_w(); max_w && high_w > *max_w)
        warn(fmt::format(
            "power: {}: a cap of {} W is above the highest that the hardware states, {} W: it has no effect",
            zone->name, high_w, *max_w));
      else if (!max_w)
        warn(fmt::format(
            "power: {}: the hardware states no range of caps ({})", zone->name,
            c.max_power_uw ? fmt::format("max_power_uw is {}", *c.max_power_uw) : "no max_power_uw"));
      if (!zone->constraint("short_term"))
        warn(fmt::format("power: {}: has no short-term limit: short bursts go above the cap", zone->name));
      const PowercapZone* twin = tree_.mmio_twin(*zone);
      if (!twin || twin->enabled == false) continue;
      for (const char* name : bounded)
        if (const PowercapConstraint* other = twin->constraint(name); other && other->power_limit_uw) {
          const double limit_w = static_cast<double>(*other->power_limit_uw) * 1e-6;
          if (limit_w > 0 && limit_w < high_w)
            warn(fmt::format(
                "power: {} ({}) limits {} to {} W ({}): caps above that, up to {} W{}, are not in force",
                twin->id, "the limits in memory, often thermald's", zone->name, limit_w, name, high_w,
                limit_w < low_w ? " and all others" : ""));
        }
    }
  }

  RaplCapSettings settings_;
  PowercapTree tree_;
};

}  // namespace

RaplProbe probe_rapl(const std::string& root) {
  RaplProbe probe;
  probe.tree = read_powercap_tree(root);
  const PowercapTree& tree = probe.tree;
  const auto packages = tree.packages();
  if (packages.empty()) {
    const std::string why = fmt::format("no package zone of intel-rapl{}{}",
                                        tree.problems.empty() ? "" : ": ", fmt::join(tree.problems, "; "));
    probe.no_caps.push_back(why);
    probe.no_energy.push_back(why);
    return probe;
  }
  bool permission = false;
  for (const PowercapZone* zone : packages) {
    if (!has_limit(*zone)) {
      probe.no_caps.push_back(
          fmt::format("{} ({}) has no long-term limit{}", zone->id, zone->name,
                      tree.amd ? ": AMD processors let Linux read energy, but not cap it" : ""));
      continue;
    }
    std::vector<std::string> files;
    for (const char* name : bounded)
      if (const PowercapConstraint* c = zone->constraint(name)) files.push_back(tree.prefix + c->limit_file);
    if (zone->enabled == false) files.push_back(tree.prefix + zone->folder + "/enabled");
    for (const std::string& file : files) {
      const std::string why = why_not_writable(file);
      if (why.empty()) continue;
      probe.no_caps.push_back(fmt::format("{}: {}", file, why));
      permission = permission || why == std::strerror(EACCES);
    }
  }
  for (const PowercapZone* zone : tree.energy_domains()) {
    if (zone->kind != PowercapKind::package || zone->energy_uj) continue;
    const std::string file = fmt::format("{}{}/energy_uj", tree.prefix, zone->folder);
    std::string why;
    read_sysfs_number(file, &why);
    probe.no_energy.push_back(fmt::format("{}: {}", file, why));
    permission = permission || why == std::strerror(EACCES);
  }
  if (permission)
    probe.remedies = {
        "sudo groupadd -f alert-bench", "sudo usermod -aG alert-bench $USER   # then log in again",
        udev_rule(),
        "sudo udevadm control --reload && sudo udevadm trigger --subsystem-match=powercap --action=change"};
  return probe;
}

std::unique_ptr<CapSetter> make_rapl_cap(const RaplCapSettings& settings) {
  return std::make_unique<RaplCap>(settings);
}

}  // namespace alertbench
