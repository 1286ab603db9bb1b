#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "power/rapl/rapl.h"

namespace alertbench {
namespace {

constexpr double refresh_s = 1e-3;  // Intel's manual: "approximately 1 ms"; AMD's counters do as well
constexpr double counter_steps = 4294967295.0;  // the registers have 32 bits
// More than one zone can use: what a step means that would need more is that the counter was set back.
constexpr double least_ceiling_w = 2000;
constexpr double ceiling_times_max = 8;
constexpr double shortest_sample_s = 0.05, longest_sample_s = 60;
constexpr double patience_s = 0.3, poll_s = 2e-3;

struct Domain {
  EnergyDomain about;
  std::string file;
  std::optional<uint64_t> range_uj;
  double ceiling_w = least_ceiling_w;
  uint64_t last_uj = 0;
  double last_s = 0;
  double total_j = 0;
};

class RaplCounter : public EnergyCounter {
 public:
  RaplCounter(const std::string& root, Clock& clock) : clock_(clock) {
    const RaplProbe probe = probe_rapl(root);
    if (!probe.no_energy.empty())
      throw EnvironmentError(
          with_remedies("power: rapl: energy cannot be read", probe.no_energy, probe.remedies));
    const PowercapTree& tree = probe.tree;
    std::string package;
    for (const PowercapZone* zone : tree.energy_domains()) {
      Domain d;
      d.about.capped = zone->kind == PowercapKind::package;
      if (d.about.capped) package = zone->name;
      d.about.name = d.about.capped ? zone->name : fmt::format("{} of {}", zone->name, package);
      d.file = fmt::format("{}{}/energy_uj", tree.prefix, zone->folder);
      if (!zone->energy_uj) {
        notes_.push_back(fmt::format("{} omitted: it cannot be read", d.about.name));
        continue;
      }
      if (zone->max_energy_range_uj && *zone->max_energy_range_uj > 0) {
        d.range_uj = zone->max_energy_range_uj;
        d.about.range_j = static_cast<double>(*d.range_uj) * 1e-6;
        d.about.resolution_j = std::max(1e-6, d.about.range_j / counter_steps);
      } else {
        notes_.push_back(fmt::format("{}: unknown range, so a wrap would be a gap", d.about.name));
      }
      if (const PowercapConstraint* c = zone->constraint("long_term"))
        d.ceiling_w = std::max(least_ceiling_w, ceiling_times_max * c->sane_max_w().value_or(0));
      d.last_uj = *zone->energy_uj;
      domains_.push_back(std::move(d));
    }
    await_motion();
  }

  std::string source() const override { return "rapl"; }
  double refresh_interval_s() const override { return refresh_s; }
  std::string description() const override {
    std::vector<std::string> names;
    for (const Domain& d : domains_) names.push_back(d.about.name);
    return fmt::format("RAPL counters of {}, refreshed about every 1 ms{}{}", fmt::join(names, ", "),
                       notes_.empty() ? "" : "; ", fmt::join(notes_, "; "));
  }
  std::vector<EnergyDomain> domains() const override {
    std::vector<EnergyDomain> all;
    for (const Domain& d : domains_) all.push_back(d.about);
    return all;
  }
  double sample_interval_s() const override {
    double interval_s = longest_sample_s;
    for (const Domain& d : domains_)
      if (d.range_uj) interval_s = std::min(interval_s, d.about.range_j / d.ceiling_w / 2);
    return std::max(shortest_sample_s, interval_s);
  }

  void sample() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    advance();
  }

  std::optional<EnergyReading> read() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    advance();
    // What happened between two readings spoils the window that ends here.
    if (std::exchange(spoilt_, false)) return {};
    EnergyReading r;
    r.at_s = clock_.now_s();
    for (const Domain& d : domains_) {
      r.total_j += d.total_j;
      if (d.about.capped) r.capped_j += d.total_j;
    }
    return r;
  }

  std::vector<double> totals_j() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<double> all;
    for (const Domain& d : domains_) all.push_back(d.total_j);
    return all;
  }

  std::vector<std::string> problems() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return problems_;
  }

 private:
  void advance() {
    for (Domain& d : domains_) {
      std::string why;
      const auto now = read_sysfs_number(d.file, &why);
      const double now_s = clock_.now_s();
      if (!now) {
        spoil(d, fmt::format("can no longer be read ({})", why));
        continue;
      }
      const auto step = counter_step(d.last_uj, *now, d.range_uj);
      const double step_j = step ? static_cast<double>(*step) * 1e-6 : 0;
      // One refresh more than the time that passed: the counter moves in jumps.
      if (!step || (*now < d.last_uj && step_j > d.ceiling_w * (now_s - d.last_s + refresh_s)))
        spoil(d, fmt::format("jumped back from {} to {} uJ, which is not a wrap", d.last_uj, *now));
      else
        d.total_j += step_j;
      d.last_uj = *now;
      d.last_s = now_s;
    }
  }

  // Told once a domain: a counter that is gone fails at every input.
  void spoil(const Domain& d, const std::string& what) {
    spoilt_ = true;
    const std::string begin = fmt::format("energy counter of {} ", d.about.name);
    for (const std::string& p : problems_)
      if (p.rfind(begin, 0) == 0) return;
    problems_.push_back(begin + what);
  }

  // Some machines (virtual ones above all) show counters that stand still.
  void await_motion() {
    const double start_s = clock_.now_s();
    std::vector<bool> moved(domains_.size(), false);
    const auto all = [&] { return std::find(moved.begin(), moved.end(), false) == moved.end(); };
    while (!all() && clock_.now_s() < start_s + patience_s) {
      clock_.sleep_until(clock_.now_s() + poll_s);
      for (size_t i = 0; i < domains_.size(); ++i) {
        const auto now = read_sysfs_number(domains_[i].file);
        moved[i] = moved[i] || (now && *now != domains_[i].last_uj);
      }
    }
    for (size_t i = domains_.size(); i-- > 0;) {
      if (moved[i]) continue;
      if (domains_[i].about.capped)
        throw EnvironmentError(fmt::format(
            "power: rapl: {} stands still at {} uJ: not a real counter (a virtual machine?); choose "
            "--set power.backend=emulated",
            domains_[i].file, domains_[i].last_uj));
      notes_.push_back(fmt::format("{} omitted: its counter stands still", domains_[i].about.name));
      domains_.erase(domains_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    for (Domain& d : domains_) {
      d.last_uj = read_sysfs_number(d.file).value_or(d.last_uj);
      d.last_s = clock_.now_s();
    }
  }

  Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<Domain> domains_;
  std::vector<std::string> notes_, problems_;
  bool spoilt_ = false;
};

}  // namespace

std::unique_ptr<EnergyCounter> make_rapl_counter(const std::string& root, Clock& clock) {
  return std::make_unique<RaplCounter>(root, clock);
}

std::optional<uint64_t> counter_step(uint64_t before, uint64_t now, std::optional<uint64_t> range) {
  if (now >= before) return now - before;
  if (!range || *range == 0 || before > *range) return {};
  return (*range - before) + now;
}

}  // namespace alertbench
