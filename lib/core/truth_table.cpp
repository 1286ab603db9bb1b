#include "core/truth_table.h"

#include <algorithm>

namespace alertbench {

void deliver(const ModelProfile& model, double fail_accuracy, const double* stage_end_s, int stride,
             int target_stage, double deadline_s, Outcome& outcome) {
  const double stop_s = std::max(0.0, deadline_s);
  int finished = 0, in_time = 0;
  for (int s = 0; s < target_stage; ++s) {
    const double end_s = stage_end_s[s * stride];
    const bool late = !(end_s <= stop_s);
    if (late && model.anytime()) break;
    outcome.stage_end_s[static_cast<size_t>(s)] = end_s;
    finished = s + 1;
    if (!late) in_time = s + 1;
  }
  outcome.stages_finished = finished;
  outcome.stage_delivered = in_time;
  outcome.stopped = finished < target_stage;
  outcome.overshoot_s = 0;
  outcome.latency_s = finished > 0 ? outcome.stage_end_s[static_cast<size_t>(finished - 1)] : stop_s;
  outcome.busy_s = outcome.stopped ? stop_s : outcome.latency_s;
  outcome.accuracy = in_time > 0 ? model.accuracy[static_cast<size_t>(in_time - 1)] : fail_accuracy;
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
                   int64_t input, double deadline_s, double period_s) {
  const ModelProfile& model = profile.models[static_cast<size_t>(configuration.model)];
  const int first_row = profile.first_row(configuration.model);
  const size_t first = static_cast<size_t>((input * truth.rows + first_row) * truth.caps + configuration.cap);
  Outcome outcome;
  deliver(model, profile.fail_accuracy, truth.stage_end_s.data() + first, truth.caps, configuration.stage,
          deadline_s, outcome);
  if (!truth.top1.empty() && !model.random_weights)
    outcome.correct = outcome.stage_delivered > 0
                          ? correctness_of(truth, input, first_row + outcome.stage_delivered - 1)
                          : missed_correctness_of(truth, input);
  outcome.energy_j =
      profile.period_energy_j(configuration.model, configuration.cap, outcome.busy_s, period_s);
  outcome.active_power_w = profile.active_power_of(configuration.model, configuration.cap);
  outcome.idle_power_w = profile.idle_power_w;
  if (!truth.co_runner_on.empty()) outcome.co_runner_on = truth.co_runner_on[static_cast<size_t>(input)] != 0;
  return outcome;
}

}  // namespace alertbench
