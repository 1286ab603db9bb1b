#include "live/co_runner_phases.h"

#include <fmt/format.h>

#include <algorithm>

namespace alertbench {
namespace {

constexpr double least_active_s = 1.0, least_phase_s = 0.2;
constexpr double fair_share = 0.5, least_of_share = 0.5;

WorkDone difference(const Throughput& now, const Throughput& before) {
  return {now.active_s - before.active_s, now.cpu_s - before.cpu_s, now.units - before.units};
}

}  // namespace

void CoRunnerPhases::begin(int64_t input, std::vector<Throughput> now) {
  CoRunnerPhase phase;
  phase.part = part_;
  phase.first = phase.last = input;
  phases_.push_back(std::move(phase));
  before_ = std::move(now);
  open_ = true;
}

void CoRunnerPhases::input(int64_t input) {
  if (!open_) return;
  phases_.back().last = input;
  ++phases_.back().inputs;
}

void CoRunnerPhases::end(const std::vector<Throughput>& now, bool died) {
  if (!open_) return;
  phases_ = so_far(now);
  phases_.back().died = died;
  open_ = false;
}

std::vector<CoRunnerPhase> CoRunnerPhases::so_far(const std::vector<Throughput>& now) const {
  std::vector<CoRunnerPhase> all = phases_;
  if (!open_) return all;
  for (size_t w = 0; w < std::min(now.size(), before_.size()); ++w)
    all.back().workers.push_back(difference(now[w], before_[w]));
  return all;
}

std::vector<std::string> starvation(const std::vector<CoRunnerPhase>& phases, const std::vector<WorkAsked>& workers) {
  std::vector<std::string> reasons;
  for (size_t w = 0; w < workers.size(); ++w) {
    WorkDone total;
    int64_t long_ones = 0, idle_ones = 0;
    const CoRunnerPhase* first_idle = nullptr;
    for (const CoRunnerPhase& p : phases) {
      if (p.died || w >= p.workers.size()) continue;
      const WorkDone& done = p.workers[w];
      total.active_s += done.active_s;
      total.cpu_s += done.cpu_s;
      total.units += done.units;
      if (done.active_s < least_phase_s) continue;
      ++long_ones;
      if (done.units > 0) continue;
      ++idle_ones;
      if (!first_idle) first_idle = &p;
    }
    const bool long_enough = total.active_s >= least_active_s;
    if (long_enough && total.units <= 0) {
      reasons.push_back(fmt::format("the co-runner did no work while it was on: {} used no processor time in {:.2f} s", workers[w].name,
                                    total.active_s));
      continue;
    }
    if (!workers[w].duty) continue;
    const double share = total.active_s > 0 ? total.cpu_s / total.active_s : 0;
    if (long_enough && share < least_of_share * std::min(*workers[w].duty, fair_share))
      reasons.push_back(fmt::format("the co-runner was starved: {} got {:.3f} of a processor in the {:.2f} s that it was on, its duty "
                                    "asks {:.3f}; end what runs beside it, or pin it elsewhere", workers[w].name, share, total.active_s,
                                    *workers[w].duty));
    if (idle_ones > 0)
      reasons.push_back(fmt::format("the co-runner was starved: {} did nothing in {} of {} phases of {} s and more, first in that of "
                                    "inputs {} to {}", workers[w].name, idle_ones, long_ones, least_phase_s, first_idle->first,
                                    first_idle->last));
  }
  return reasons;
}

}  // namespace alertbench
