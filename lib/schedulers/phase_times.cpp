#include "schedulers/phase_times.h"

#include <algorithm>

namespace alertbench {

Times::Times(std::vector<double> times_s) : sorted_s_(std::move(times_s)) {
  std::sort(sorted_s_.begin(), sorted_s_.end());
  sum_s_.assign(1, 0.0);
  for (const double s : sorted_s_) sum_s_.push_back(sum_s_.back() + s);
  count_ = std::max<double>(1, static_cast<double>(sorted_s_.size()));
  if (sorted_s_.empty()) return;
  low_s_ = sorted_s_.front();
  // Few times are far out: buckets as far as the bulk reaches, one for what is beyond.
  const double high_s = sorted_s_[sorted_s_.size() * 95 / 100];
  per_second_ = high_s > low_s_ ? buckets / (high_s - low_s_) : 0;
  size_t k = 0;
  for (size_t b = 0; b <= buckets; ++b) {
    const double edge_s = per_second_ > 0 ? low_s_ + static_cast<double>(b) / per_second_ : low_s_;
    while (k < sorted_s_.size() && sorted_s_[k] < edge_s) ++k;
    begin_[b] = static_cast<uint32_t>(k);
  }
  begin_[buckets + 1] = static_cast<uint32_t>(sorted_s_.size());
}

size_t Times::within(double limit_s) const {
  if (sorted_s_.empty() || limit_s < low_s_) return 0;
  const double at = (limit_s - low_s_) * per_second_;
  const size_t bucket = at < static_cast<double>(buckets) ? static_cast<size_t>(at) : buckets;
  // Rounding may put a time at an edge one bucket off.
  const size_t first = begin_[bucket > 0 ? bucket - 1 : 0];
  const size_t last = bucket + 2 <= buckets + 1 ? begin_[bucket + 2] : sorted_s_.size();
  return static_cast<size_t>(std::upper_bound(sorted_s_.begin() + static_cast<std::ptrdiff_t>(first),
                                              sorted_s_.begin() + static_cast<std::ptrdiff_t>(last),
                                              limit_s) -
                             sorted_s_.begin());
}

double Times::share_within(double limit_s) const { return static_cast<double>(within(limit_s)) / count_; }

double Times::mean_up_to(double limit_s) const {
  const size_t k = within(limit_s);
  return (sum_s_[k] + limit_s * (count_ - static_cast<double>(k))) / count_;
}

int64_t first_of_phase(const TruthTable& truth, int phase, int64_t first_judged) {
  for (int64_t n = first_judged; n < truth.inputs; ++n)
    if (phase_of(truth, n) == phase) return first_judged;
  return 0;
}

PhaseTimes::PhaseTimes(const TruthTable& truth, const Profile& profile, int64_t first_judged)
    : rows_(profile.rows()), caps_(profile.caps()) {
  std::vector<std::vector<double>> times(static_cast<size_t>(2 * rows_ * caps_));
  const int64_t first[] = {first_of_phase(truth, 0, first_judged), first_of_phase(truth, 1, first_judged)};
  for (int m = 0; m < static_cast<int>(profile.models.size()); ++m) {
    const int first_row = profile.first_row(m), stages = profile.models[static_cast<size_t>(m)].stages();
    for (int64_t n = 0; n < truth.inputs; ++n) {
      if (n < first[phase_of(truth, n)]) continue;
      const double factor = profile.size_factor(m, truth.facts_of(n).size / profile.mean_size);
      for (int row = first_row; row < first_row + stages; ++row)
        for (int cap = 0; cap < caps_; ++cap)
          times[static_cast<size_t>((phase_of(truth, n) * rows_ + row) * caps_ + cap)].push_back(
              truth.end_s(n, row, cap) / factor);
    }
  }
  times_.reserve(times.size());
  for (auto& t : times) times_.emplace_back(std::move(t));
}

}  // namespace alertbench
