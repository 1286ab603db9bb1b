#include "core/truth_table.h"

#include <algorithm>

#include "core/delivery.h"

namespace alertbench {

TruthColumns::TruthColumns(const TruthTable& truth)
    : inputs_(truth.inputs), caps_(truth.caps), stage_end_s_(truth.stage_end_s.size()) {
  const auto configurations = static_cast<size_t>(truth.rows * truth.caps);
  const auto inputs = static_cast<size_t>(truth.inputs);
  for (size_t n = 0; n < inputs; ++n)
    for (size_t k = 0; k < configurations; ++k)
      stage_end_s_[k * inputs + n] = truth.stage_end_s[n * configurations + k];
}

bool inputs_are_alone(const TruthTable& truth) {
  return std::all_of(truth.members_left.begin(), truth.members_left.end(),
                     [](int64_t left) { return left <= 1; });
}

bool inputs_are_alike(const TruthTable& truth) {
  return std::all_of(truth.size.begin(), truth.size.end(),
                     [&](double size) { return size == truth.size.front(); });
}

bool opens_group(const TruthTable& truth, int64_t n) {
  if (truth.members_left.empty() || n == 0) return true;
  const auto at = static_cast<size_t>(n);
  return truth.members_left[at] < 1 || truth.members_left[at] != truth.members_left[at - 1] - 1;
}

int64_t first_judged(const TruthTable& truth, int64_t warmup) {
  int64_t n = std::clamp<int64_t>(warmup, 0, truth.inputs);
  while (n < truth.inputs && !opens_group(truth, n)) ++n;
  return n;
}

Correctness correctness_of(const TruthTable& truth, int64_t input, int row) {
  const auto at = static_cast<size_t>(input * truth.rows + row);
  Correctness c;
  c.top1 = truth.top1[at] != 0;
  if (!truth.top5.empty()) c.top5 = truth.top5[at] != 0;
  if (!truth.nll.empty()) c.nll = truth.nll[at];
  if (!truth.missed_nll.empty()) c.guess_nll = truth.missed_nll[static_cast<size_t>(input)];
  if (!truth.f1.empty()) c.f1 = truth.f1[at];
  return c;
}

Correctness missed_correctness_of(const TruthTable& truth, int64_t input) {
  const auto at = static_cast<size_t>(input);
  Correctness c;
  c.top1 = !truth.missed_top1.empty() && truth.missed_top1[at] != 0;
  if (!truth.top5.empty()) c.top5 = !truth.missed_top5.empty() && truth.missed_top5[at] != 0;
  if (!truth.missed_nll.empty()) c.nll = c.guess_nll = truth.missed_nll[at];
  if (!truth.f1.empty()) c.f1 = 0;
  return c;
}

Outcome outcome_of(const TruthTable& truth, const Profile& profile, const Configuration& configuration,
                   const Context& context) {
  const ModelProfile& model = profile.models[static_cast<size_t>(configuration.model)];
  const int first_row = profile.first_row(configuration.model);
  const int64_t input = context.input;
  const double* stage_end_s =
      truth.stage_end_s.data() +
      static_cast<size_t>((input * truth.rows + first_row) * truth.caps + configuration.cap);
  const auto end_s = [&](int stage) { return stage_end_s[stage * truth.caps]; };
  const double stop_s = context.deadline_from_start_s;
  const Delivery d = deliver(model.anytime(), configuration.stage, stop_s, context.delivered_by_s(), end_s);

  Outcome outcome;
  for (int s = 0; s < d.stages_finished; ++s) outcome.stage_end_s[static_cast<size_t>(s)] = end_s(s);
  outcome.stages_finished = d.stages_finished;
  outcome.stage_delivered = d.stage_delivered;
  outcome.latency_s = d.latency_s;
  outcome.busy_s = d.busy_s;
  outcome.stopped = d.stopped;
  outcome.accuracy = d.stage_delivered > 0 ? model.accuracy[static_cast<size_t>(d.stage_delivered - 1)]
                                           : profile.fail_accuracy;
  if (!truth.top1.empty() && !model.random_weights)
    outcome.correct = d.stage_delivered > 0 ? correctness_of(truth, input, first_row + d.stage_delivered - 1)
                                            : missed_correctness_of(truth, input);
  outcome.energy_j = profile.period_energy_j(configuration.model, configuration.cap, d.busy_s,
                                             context.period_s, context.idle_charged_s);
  outcome.active_power_w = profile.active_power_of(configuration.model, configuration.cap);
  outcome.idle_power_w = profile.idle_power_w;
  if (!truth.co_runner_on.empty()) outcome.co_runner_on = truth.co_runner_on[static_cast<size_t>(input)] != 0;
  return outcome;
}

}  // namespace alertbench
