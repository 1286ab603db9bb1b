#include "core/types.h"

namespace alertbench {

const char* to_string(Task task) { return task == Task::min_energy ? "min_energy" : "min_error"; }
const char* to_string(Judge judge) { return judge == Judge::mean ? "mean" : "strict"; }

const char* to_string(AccuracyUnit unit) {
  switch (unit) {
    case AccuracyUnit::top1:
      return "top1";
    case AccuracyUnit::f1:
      return "f1";
    case AccuracyUnit::language_quality:
      return "language_quality";
  }
  return "";
}

void MeasuredError::add(const Correctness& correct) {
  switch (unit_) {
    case AccuracyUnit::top1:
      lost_ += !correct.top1, of_ += 1;
      break;
    case AccuracyUnit::f1:
      if (correct.f1) lost_ += 1 - *correct.f1, of_ += 1;
      break;
    case AccuracyUnit::language_quality:
      if (correct.nll && correct.guess_nll) lost_ += *correct.nll, of_ += *correct.guess_nll;
      break;
  }
}

std::optional<double> MeasuredError::error() const {
  if (!(of_ > 0)) return {};
  return lost_ / of_;
}

Observation observation_of(const Configuration& configuration, const Context& context, const Outcome& outcome,
                           double decide_s) {
  Observation seen;
  seen.configuration = configuration;
  seen.stages_finished = outcome.stages_finished;
  // From the start of the execution: what the profile's latencies count from, too.
  if (outcome.stages_finished > 0)
    seen.last_stage_end_s =
        outcome.stage_end_s[static_cast<size_t>(outcome.stages_finished - 1)] - outcome.wait_s;
  seen.busy_s = outcome.busy_s;
  seen.deadline_from_start_s = context.deadline_from_start_s;
  seen.period_s = context.period_s;
  seen.size = context.size;
  seen.decide_s = decide_s;
  seen.stage_delivered = outcome.stage_delivered;
  seen.accuracy = outcome.accuracy;
  seen.energy_j = outcome.energy_j;
  seen.idle_power_w = outcome.idle_power_w;
  return seen;
}

}  // namespace alertbench
