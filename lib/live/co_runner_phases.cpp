#include "live/co_runner_phases.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/statistics.h"

namespace alertbench {
namespace {

constexpr double least_active_s = 1.0, least_phase_s = 0.2;
constexpr size_t most_listed = 100, listed_at_each_end = 20;
constexpr double fair_share = 0.5, least_of_share = 0.5;

WorkDone difference(const Throughput& now, const Throughput& before) {
  return {now.active_s - before.active_s, now.busy_s - before.busy_s, now.units - before.units};
}

using nlohmann::ordered_json;

const char* busy_key(bool on_gpu) { return on_gpu ? "gpu_s" : "cpu_s"; }

ordered_json per_second(double amount, double active_s) {
  return active_s > 0 ? ordered_json(amount / active_s) : ordered_json(nullptr);
}

ordered_json to_json(const CoRunnerPhase& phase, const std::vector<Throughput>& units) {
  ordered_json workers = ordered_json::array();
  for (size_t w = 0; w < phase.workers.size(); ++w) {
    const WorkDone& done = phase.workers[w];
    workers.push_back({{busy_key(w < units.size() && units[w].on_gpu), done.busy_s},
                       {"units", done.units},
                       {"unit", w < units.size() ? units[w].unit : ""},
                       {"achieved_duty", per_second(done.busy_s, done.active_s)}});
  }
  ordered_json j = {{"first", phase.first},
                    {"last", phase.last},
                    {"inputs", phase.inputs},
                    {"active_s", phase.workers.empty() ? 0.0 : phase.workers[0].active_s},
                    {"workers", workers}};
  if (phase.died) j["died"] = true;
  return j;
}

ordered_json quantiles(const std::vector<double>& values) {
  if (values.empty()) return nullptr;
  return {{"min", *quantile(values, 0)},
          {"p25", *quantile(values, 0.25)},
          {"median", *quantile(values, 0.5)},
          {"p75", *quantile(values, 0.75)},
          {"max", *quantile(values, 1)}};
}

ordered_json part_facts(const std::string& part, const std::vector<const CoRunnerPhase*>& phases,
                        const std::vector<Throughput>& units) {
  const bool all = phases.size() <= most_listed;
  ordered_json each = ordered_json::array(), workers = ordered_json::array();
  for (size_t i = 0; i < phases.size(); ++i)
    if (all || i < listed_at_each_end || i + listed_at_each_end >= phases.size())
      each.push_back(to_json(*phases[i], units));
  std::vector<double> active_s;
  for (const CoRunnerPhase* p : phases)
    if (!p->workers.empty()) active_s.push_back(p->workers[0].active_s);
  for (size_t w = 0; w < units.size(); ++w) {
    std::vector<double> duties, rates;
    for (const CoRunnerPhase* p : phases)
      if (w < p->workers.size() && p->workers[w].active_s > 0) {
        duties.push_back(p->workers[w].busy_s / p->workers[w].active_s);
        rates.push_back(p->workers[w].units / p->workers[w].active_s);
      }
    workers.push_back({{"unit", units[w].unit},
                       {"achieved_duty", quantiles(duties)},
                       {"units_per_active_s", quantiles(rates)}});
  }
  return {{"part", part},
          {"phases", phases.size()},
          {"left_out", phases.size() - each.size()},
          {"over_phases", {{"active_s", quantiles(active_s)}, {"workers", workers}}},
          {"each", each}};
}

}  // namespace

ordered_json phase_facts(const std::vector<CoRunnerPhase>& phases, const std::vector<Throughput>& now) {
  ordered_json parts = ordered_json::array();
  std::vector<std::string> names;
  for (const CoRunnerPhase& p : phases)
    if (std::find(names.begin(), names.end(), p.part) == names.end()) names.push_back(p.part);
  for (const std::string& name : names) {
    std::vector<const CoRunnerPhase*> of_part;
    for (const CoRunnerPhase& p : phases)
      if (p.part == name) of_part.push_back(&p);
    parts.push_back(part_facts(name, of_part, now));
  }
  return parts;
}

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

std::vector<std::string> starvation(const std::vector<CoRunnerPhase>& phases,
                                    const std::vector<WorkAsked>& workers) {
  std::vector<std::string> reasons;
  for (size_t w = 0; w < workers.size(); ++w) {
    WorkDone total;
    int64_t long_ones = 0, idle_ones = 0;
    const CoRunnerPhase* first_idle = nullptr;
    for (const CoRunnerPhase& p : phases) {
      if (p.died || w >= p.workers.size()) continue;
      const WorkDone& done = p.workers[w];
      total.active_s += done.active_s;
      total.busy_s += done.busy_s;
      total.units += done.units;
      if (done.active_s < least_phase_s) continue;
      ++long_ones;
      if (done.units > 0) continue;
      ++idle_ones;
      if (!first_idle) first_idle = &p;
    }
    const bool long_enough = total.active_s >= least_active_s;
    if (long_enough && total.units <= 0) {
      reasons.push_back(
          fmt::format("the co-runner did no work while it was on: {} used no {} time in {:.2f} s",
                      workers[w].name, workers[w].on_gpu ? "GPU" : "processor", total.active_s));
      continue;
    }
    if (!workers[w].duty) continue;
    const double share = total.active_s > 0 ? total.busy_s / total.active_s : 0;
    if (long_enough && share < least_of_share * std::min(*workers[w].duty, fair_share))
      reasons.push_back(
          fmt::format("the co-runner was starved: {} got {:.3f} of {} in the {:.2f} s that it was on, but "
                      "its duty is {:.3f}; end the processes that run beside it{}",
                      workers[w].name, share, workers[w].on_gpu ? "the GPU" : "a processor", total.active_s,
                      *workers[w].duty, workers[w].on_gpu ? "" : ", or pin it elsewhere"));
    if (idle_ones > 0)
      reasons.push_back(fmt::format(
          "the co-runner was starved: {} did nothing in {} of {} phases of at least {} s, first in the phase "
          "of inputs {} to {}",
          workers[w].name, idle_ones, long_ones, least_phase_s, first_idle->first, first_idle->last));
  }
  return reasons;
}

}  // namespace alertbench
