#include "schedulers/static_outcomes.h"

#include <memory>

#include "schedulers/candidates.h"
#include "schedulers/true_outcomes.h"

namespace alertbench {
namespace {

// Sums over the judged inputs of one stage under one cap: inputs done by the deadline, seconds at work and at
// rest.
struct Sums {
  int64_t in_time = 0;
  double busy_s = 0, idle_s = 0;
};

Sums sums_of(const double* end_s, int64_t first, int64_t end, double deadline_s, bool anytime) {
  Sums s;
  for (int64_t n = first; n < end; ++n) {
    const double t = end_s[n], within_s = std::min(t, deadline_s);
    s.in_time += t <= deadline_s;
    s.busy_s += anytime ? within_s : t;
    s.idle_s += deadline_s - within_s;
  }
  return s;
}

// How many inputs break no goal, each by itself. Energy rises with the work, so a budget bounds it.
int64_t satisfied(const double* first_end_s, const double* target_end_s, const SchedulerInputs& in,
                  double active_w, bool anytime) {
  const double deadline_s = in.goals.deadline_s, idle_w = in.profile.idle_power_w;
  int64_t count = 0;
  for (int64_t n = in.first_judged; n < in.truth->inputs; ++n) {
    const double busy_s = anytime ? std::min(target_end_s[n], deadline_s) : target_end_s[n];
    count += (first_end_s[n] <= deadline_s) &
             (active_w * busy_s + idle_w * std::max(0.0, deadline_s - busy_s) <= *in.goals.energy_j);
  }
  return count;
}

void judge_columns(const SchedulerInputs& in, const TruthColumns& columns,
                   std::vector<GoalVerdict>& verdicts) {
  const Profile& profile = in.profile;
  const Goals& goals = in.goals;
  const int64_t judged = in.truth->inputs - in.first_judged;
  const auto n = static_cast<double>(judged);
  const std::vector<Configuration> configurations = configurations_by_name(profile);
  std::vector<Sums> stages;  // of the network and cap under way
  for (size_t k = 0; k < configurations.size(); ++k) {
    const Configuration& c = configurations[k];
    const ModelProfile& model = profile.models[static_cast<size_t>(c.model)];
    const int first_row = profile.first_row(c.model);
    // Under each cap: the sums of the stages before, once more for each target. Stages are few.
    stages.clear();
    for (int s = 0; s < c.stage; ++s)
      stages.push_back(sums_of(columns.end_s(first_row + s, c.cap), in.first_judged, in.truth->inputs,
                               goals.deadline_s, model.anytime()));
    GoalVerdict& v = verdicts[k];
    v.inputs = v.groups = judged;
    const double active_w = profile.active_power_of(c.model, c.cap);
    double accuracy = profile.fail_accuracy * static_cast<double>(judged - stages[0].in_time);
    int64_t accurate = 0;  // inputs that got an answer as accurate as the goal
    for (int s = 0; s < c.stage; ++s) {
      const auto at = static_cast<size_t>(s);
      const int64_t beyond = s + 1 < c.stage ? stages[at + 1].in_time : 0;
      accuracy += model.accuracy[at] * static_cast<double>(stages[at].in_time - beyond);
      if (!goals.accuracy || model.accuracy[at] >= *goals.accuracy) accurate += stages[at].in_time - beyond;
    }
    const int64_t late = judged - stages[0].in_time;
    v.late_share = static_cast<double>(late) / n;
    v.mean_accuracy = accuracy / n;
    v.mean_energy_j = (active_w * stages.back().busy_s + profile.idle_power_w * stages.back().idle_s) / n;
    const int64_t kept =
        goals.task == Task::min_energy
            ? accurate
            : satisfied(columns.end_s(first_row, c.cap), columns.end_s(first_row + c.stage - 1, c.cap), in,
                        active_w, model.anytime());
    v.satisfaction = static_cast<double>(kept) / n;
    v.violated_strict = static_cast<double>(judged - kept) / n > allowed_share;
    judge_means(goals, v);
  }
}

void judge_replays(const SchedulerInputs& in, std::vector<GoalVerdict>& verdicts) {
  const TrueOutcomes outcomes(*in.truth, in.profile, in.goals);
  for (size_t k = 0; k < outcomes.size(); ++k) {
    GoalJudge judge(in.goals);
    Pacing pacing(in.arrivals, in.goals.deadline_s);
    for (int64_t n = 0; n < in.truth->inputs; ++n) {
      const Arrival arrival = pacing.arrive(in.truth->facts_of(n).members_left);
      const TrueOutcome o = outcomes.at(k, true_context_of(n, arrival, 1));
      pacing.executed(arrival.arrival_s + arrival.wait_s + o.busy_s, o.busy_s);
      if (n < in.first_judged) continue;
      Outcome outcome;
      outcome.stage_delivered = o.stage_delivered;
      outcome.accuracy = o.accuracy;
      outcome.energy_j = o.energy_j;
      Violations violations = violations_of(in.goals, outcome);
      judge.add(outcome, opens_group(*in.truth, n), violations);
    }
    verdicts[k] = judge.verdict();
  }
}

}  // namespace

std::vector<GoalVerdict> static_verdicts(const SchedulerInputs& inputs) {
  std::vector<GoalVerdict> verdicts(configurations_by_name(inputs.profile).size());
  if (inputs.truth->inputs <= inputs.first_judged) return verdicts;
  if (inputs_are_alone(*inputs.truth) && inputs.arrivals == Arrivals::closed) {
    std::unique_ptr<TruthColumns> own;
    if (!inputs.columns) own = std::make_unique<TruthColumns>(*inputs.truth);
    judge_columns(inputs, inputs.columns ? *inputs.columns : *own, verdicts);
  } else {
    judge_replays(inputs, verdicts);
  }
  return verdicts;
}

}  // namespace alertbench
