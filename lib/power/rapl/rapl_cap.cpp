#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "power/guard/cap_guard.h"
#include "power/rapl/rapl.h"

namespace alertbench {
namespace {

using nlohmann::ordered_json;

constexpr const char* bounded[] = {"long_term", "short_term"};  // peak_power is left alone
constexpr double longest_settle_s = 5;

std::string udev_mend() {
  // sysfs makes its files anew at each boot, so a rule and no single chmod.
  return "sudo tee /etc/udev/rules.d/70-alert-bench.rules <<'EOF'\n"
         "SUBSYSTEM==\"powercap\", ACTION==\"add|change\", RUN+=\"/bin/sh -c 'cd /sys%p && "
         "chgrp -f alert-bench energy_uj enabled constraint_?_power_limit_uw; "
         "chmod -f g+r energy_uj; chmod -f g+w enabled constraint_?_power_limit_uw; true'\"\n"
         "EOF";
}

bool has_limit(const PowercapZone& zone) { return zone.constraint("long_term") != nullptr; }

// Writes limits and checks them.
class RaplCap : public CapSetter {
 public:
  explicit RaplCap(const RaplCapSettings& settings) : settings_(settings) {
    RaplProbe probe = probe_rapl(settings.root);
    if (!probe.no_caps.empty())
      throw EnvironmentError(
          fmt::format("power: rapl: caps cannot be set: {}{}", fmt::join(probe.no_caps, "; "),
                      probe.mends.empty() ? "; choose --set power.backend=emulated"
                                          : fmt::format(". To allow it: {}", fmt::join(probe.mends, "; "))));
    guard_ = std::make_unique<CapGuard>(settings.root, state_folder(settings.state_folder, settings.root),
                                        settings.nvml_library);
    warnings_ = guard_->notes();
    tree_ = read_powercap_tree(settings.root);  // again, now that nobody else changes it
    std::vector<CapValue> found;
    for (const PowercapZone* zone : tree_.packages()) {
      for (const char* name : {"short_term", "long_term"})
        if (const PowercapConstraint* c = zone->constraint(name)) {
          if (!c->power_limit_uw)
            throw EnvironmentError(
                fmt::format("power: rapl: {}{} cannot be read: what is there could not be put back",
                            tree_.prefix, c->limit_file));
          found.push_back({c->limit_file, *c->power_limit_uw});
        }
      if (zone->enabled == false) found.push_back({zone->folder + "/enabled", 0});
    }
    guard_->remember(std::move(found));
    check_range();
  }

  std::string backend() const override { return "rapl"; }
  bool by_hardware() const override { return true; }
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
  std::vector<std::string> warnings() const override { return warnings_; }

  void set(double cap_w) override {
    if (!guard_->watchdog_alive())
      throw RunError(
          "power: rapl: the watchdog has ended; without it no cap is changed. What was found is put back "
          "now");
    const uint64_t wanted_uw = static_cast<uint64_t>(std::llround(cap_w * 1e6));
    if (in_force_uw_ != wanted_uw) {
      const bool raising = !in_force_uw_ || wanted_uw > *in_force_uw_;
      in_force_uw_.reset();  // a failure half way leaves nothing that counts as in force
      for (const PowercapZone* zone : tree_.packages()) apply(*zone, wanted_uw, raising);
      for (const PowercapZone* zone : tree_.packages())
        verify(*zone, wanted_uw, [&](const std::string& file, uint64_t now_uw) {
          throw EnvironmentError(fmt::format(
              "power: rapl: {} reads {} W after {} W was written: the limit does not stick (locked by "
              "the firmware?); choose other caps, or --set power.backend=emulated",
              file, static_cast<double>(now_uw) * 1e-6, cap_w));
        });
      in_force_uw_ = wanted_uw;
      return;
    }
    for (const PowercapZone* zone : tree_.packages())
      verify(*zone, wanted_uw, [&](const std::string& file, uint64_t now_uw) {
        throw RunError(fmt::format(
            "power: rapl: {} reads {} W, this run had set {} W: another program changes it (thermald, tuned, "
            "power-profiles-daemon?); stop that for the time of the run",
            file, static_cast<double>(now_uw) * 1e-6, cap_w));
      });
  }

  void restore() override {
    in_force_uw_.reset();
    const auto failures = guard_->put_back();
    if (!failures.empty()) throw RunError(fmt::format("power caps: {}", fmt::join(failures, "; ")));
  }

  ordered_json facts() const override {
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
    return {{"zones", zones}, {"state_file", guard_->state_file()}};
  }

 private:
  void write(const std::string& path, uint64_t value) {
    if (const std::string why = write_sysfs_number(tree_.prefix, path, value); !why.empty())
      throw EnvironmentError(fmt::format(
          "power: rapl: {}: {} cannot be written ({}); locked by the firmware, or permission taken "
          "back? `alert-bench doctor` says what is missing",
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

  template <class Report>
  void verify(const PowercapZone& zone, uint64_t wanted_uw, Report report) const {
    for (const char* name : bounded)
      if (const PowercapConstraint* c = zone.constraint(name)) {
        std::string why;
        const auto now = read_sysfs_number(tree_.prefix + c->limit_file, &why);
        if (!now)
          throw RunError(
              fmt::format("power: rapl: {}{} can no longer be read ({})", tree_.prefix, c->limit_file, why));
        if (!same_limit(*now, wanted_uw)) report(tree_.prefix + c->limit_file, *now);
      }
  }

  void check_range() {
    const double low_w = settings_.caps_w.empty() ? 0 : settings_.caps_w.front(),
                 high_w = settings_.caps_w.empty() ? 0 : settings_.caps_w.back();
    for (const PowercapZone* zone : tree_.packages()) {
      const PowercapConstraint& c = *zone->constraint("long_term");
      if (const auto max_w = c.sane_max_w(); max_w && high_w > *max_w)
        warnings_.push_back(fmt::format(
            "power: {}: a cap of {} W is above the highest that the hardware states, {} W: it caps nothing",
            zone->name, high_w, *max_w));
      else if (!max_w)
        warnings_.push_back(fmt::format(
            "power: {}: the hardware states no range of caps ({})", zone->name,
            c.max_power_uw ? fmt::format("max_power_uw is {}", *c.max_power_uw) : "no max_power_uw"));
      if (!zone->constraint("short_term"))
        warnings_.push_back(
            fmt::format("power: {}: has no short-term limit: short bursts go above the cap", zone->name));
      const PowercapZone* twin = tree_.mmio_twin(*zone);
      if (!twin || twin->enabled == false) continue;
      for (const char* name : bounded)
        if (const PowercapConstraint* other = twin->constraint(name); other && other->power_limit_uw) {
          const double limit_w = static_cast<double>(*other->power_limit_uw) * 1e-6;
          if (limit_w > 0 && limit_w < high_w)
            warnings_.push_back(fmt::format(
                "power: {} ({}) holds {} to {} W ({}): caps above that, up to {} W{}, are not in force",
                twin->id, "the limits in memory, often thermald's", zone->name, limit_w, name, high_w,
                limit_w < low_w ? " and all others" : ""));
        }
    }
  }

  RaplCapSettings settings_;
  std::unique_ptr<CapGuard> guard_;  // its end puts everything back
  PowercapTree tree_;
  std::optional<uint64_t> in_force_uw_;
  std::vector<std::string> warnings_;
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
                      tree.amd ? ": AMD processors let Linux read energy, not cap it" : ""));
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
    probe.mends = {
        "sudo groupadd -f alert-bench", "sudo usermod -aG alert-bench $USER   # then log in again",
        udev_mend(),
        "sudo udevadm control --reload && sudo udevadm trigger --subsystem-match=powercap --action=change"};
  return probe;
}

std::unique_ptr<CapSetter> make_rapl_cap(const RaplCapSettings& settings) {
  return std::make_unique<RaplCap>(settings);
}

}  // namespace alertbench
