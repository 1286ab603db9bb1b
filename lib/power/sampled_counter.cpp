#include "power/sampled_counter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include "base/error.h"

namespace alertbench {
namespace {

constexpr double watch_s = 1.0, counter_poll_s = 1e-3;
constexpr double refresh_if_unseen_s = 0.3;  // the vendor's INA231 driver refreshes about that often
constexpr double shortest_counter_sample_s = 5e-3, longest_counter_sample_s = 0.1;
constexpr double counting_sample_s = 1;  // nothing is lost between two readings of an energy
constexpr double still_s = 2, refreshes_until_still = 20;

class SampledCounter : public EnergyCounter {
 public:
  SampledCounter(std::vector<EnergyChannel> channels, SampledCounterSettings settings, Clock& clock)
      : settings_(std::move(settings)), clock_(clock) {
    for (EnergyChannel& c : channels) {
      counts_only_ = counts_only_ && c.counts;
      channels_.push_back({std::move(c)});
    }
    watch();
  }

  std::string source() const override { return settings_.source; }
  double refresh_interval_s() const override { return refresh_s_; }
  double sample_interval_s() const override {
    return counts_only_ ? counting_sample_s
                        : std::clamp(refresh_s_ / 2, shortest_counter_sample_s, longest_counter_sample_s);
  }
  std::string description() const override {
    const std::string how =
        counts_only_ ? "counted"
                     : fmt::format("sampled every {:.0f} ms and integrated", 1e3 * sample_interval_s());
    return fmt::format("{}, {}; new values every {:.0f} ms{}", settings_.description, how, 1e3 * refresh_s_,
                       seen_ ? "" : " (assumed: no value changed while watched)");
  }
  std::vector<EnergyDomain> domains() const override {
    std::vector<EnergyDomain> all;
    for (const Channel& c : channels_) all.push_back(c.of.about);
    return all;
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
    for (const Channel& c : channels_) {
      r.total_j += c.total_j;
      if (c.of.about.capped) r.capped_j += c.total_j;
    }
    return r;
  }
  std::vector<std::string> problems() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return problems_;
  }

 private:
  struct Channel {
    EnergyChannel of;
    double last = 0, last_s = 0, changed_s = 0, total_j = 0;  // last: watts, or joules
    bool told = false;
  };

  [[noreturn]] void refuse(const Channel& c, const std::string& what) const {
    throw EnvironmentError(fmt::format("power: {} {}: {} {}; {}", settings_.kind, c.of.about.name,
                                       c.of.origin, what, settings_.remedy));
  }

  void watch() {
    std::vector<double> gaps;
    std::vector<std::optional<double>> changed_s(channels_.size());
    bool any = false;
    for (Channel& c : channels_) {
      std::string why;
      const auto now = c.of.read(&why);
      if (!now) refuse(c, fmt::format("cannot be read ({})", why));
      c.last = *now;
      any = any || c.last != 0;
    }
    const double start_s = clock_.now_s();
    while (clock_.now_s() < start_s + watch_s) {
      clock_.sleep_until(clock_.now_s() + counter_poll_s);
      for (size_t i = 0; i < channels_.size(); ++i) {
        Channel& c = channels_[i];
        const double now = c.of.read(nullptr).value_or(c.last);
        if (now == c.last) continue;
        any = true;
        c.last = now;
        if (changed_s[i]) gaps.push_back(clock_.now_s() - *changed_s[i]);
        changed_s[i] = clock_.now_s();
      }
    }
    if (!any) refuse(channels_.front(), "always reads 0: it is not a real meter, or it is switched off");
    for (size_t i = 0; i < channels_.size(); ++i)
      if (channels_[i].of.counts && !changed_s[i])
        refuse(channels_[i], fmt::format("stands still at {} J: not a real counter (a virtual machine?)",
                                         channels_[i].last));
    seen_ = !gaps.empty();
    if (seen_) {
      std::nth_element(gaps.begin(), gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2), gaps.end());
      refresh_s_ = std::max(counter_poll_s, gaps[gaps.size() / 2]);
    }
    for (Channel& c : channels_) c.last_s = c.changed_s = clock_.now_s();
  }

  void advance() {
    for (Channel& c : channels_) {
      std::string why;
      const auto reading = c.of.read(&why);
      const double now_s = clock_.now_s();
      if (!reading) {
        spoil(c, fmt::format("can no longer be read ({}: {})", c.of.origin, why));
        continue;
      }
      const double now = *reading;
      if (now != c.last) c.changed_s = now_s;
      if (!c.of.counts)
        c.total_j += 0.5 * (c.last + now) * (now_s - c.last_s);
      else if (now < c.last)
        spoil(c, fmt::format("jumped back from {} to {} J", c.last, now));
      else if (now_s - c.changed_s > std::max(still_s, refreshes_until_still * refresh_s_))
        spoil(c, fmt::format("stands still at {} J", now));
      else
        c.total_j += now - c.last;
      c.last = now;
      c.last_s = now_s;
    }
  }

  // Told once a channel: one that is gone fails at every input.
  void spoil(Channel& c, const std::string& what) {
    spoilt_ = true;
    if (!std::exchange(c.told, true))
      problems_.push_back(fmt::format("{} {} {}", settings_.kind, c.of.about.name, what));
  }

  SampledCounterSettings settings_;
  Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<Channel> channels_;
  std::vector<std::string> problems_;
  double refresh_s_ = refresh_if_unseen_s;
  bool counts_only_ = true, seen_ = false, spoilt_ = false;
};

}  // namespace

std::unique_ptr<EnergyCounter> make_sampled_counter(std::vector<EnergyChannel> channels,
                                                    SampledCounterSettings settings, Clock& clock) {
  return std::make_unique<SampledCounter>(std::move(channels), std::move(settings), clock);
}

}  // namespace alertbench
