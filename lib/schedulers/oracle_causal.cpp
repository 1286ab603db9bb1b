#include "schedulers/oracle_causal.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/goal_judge.h"
#include "schedulers/candidates.h"

namespace alertbench {
namespace {

constexpr size_t sizes_of_a_phase = 8;  // kinds by size, where inputs differ in size
constexpr double reserve = 1.3;         // of the fastest configuration's mean time, for each member to come
constexpr double nothing_else_counts = 1e6;

}  // namespace

OracleCausal::OracleCausal(const SchedulerInputs& inputs)
    : profile_(inputs.profile),
      truth_(*inputs.truth),
      goals_(inputs.goals),
      arrivals_(inputs.arrivals),
      first_judged_(inputs.first_judged),
      configurations_(configurations_by_name(inputs.profile)),
      grouped_(!inputs_are_alone(truth_)),
      alone_(!grouped_ && inputs_are_alike(truth_) && arrivals_ == Arrivals::closed) {
  if (!alone_) {
    times_ = inputs.phase_times;
    if (!times_)
      own_times_ = std::make_unique<PhaseTimes>(truth_, profile_, first_judged_), times_ = own_times_.get();
  }
  sort_into_kinds();
  if (!alone_)
    for (const Kind& kind : kinds_) {
      double& fastest_s = fastest_s_[kind.phase];
      fastest_s = infinity;
      for (const Configuration& c : configurations_)
        fastest_s = std::min(fastest_s, times_->of(kind.phase, profile_.row(c), c.cap).mean());
    }
  set_up_plan();
}

void OracleCausal::sort_into_kinds() {
  const auto size_of = [&](int64_t n) { return truth_.facts_of(n).size / profile_.mean_size; };
  kind_of_input_.resize(static_cast<size_t>(truth_.inputs));
  for (int phase = 0; phase < 2; ++phase) {
    std::vector<std::pair<double, int64_t>> inputs;  // by size
    for (int64_t n = 0; n < truth_.inputs; ++n)
      if (phase_of(truth_, n) == phase) inputs.emplace_back(size_of(n), n);
    if (inputs.empty()) continue;
    std::sort(inputs.begin(), inputs.end());
    const size_t count =
        inputs.front().first == inputs.back().first ? 1 : std::min(sizes_of_a_phase, inputs.size());
    for (size_t k = 0; k < count; ++k) {
      Kind kind;
      kind.phase = phase;
      const size_t begin = inputs.size() * k / count, end = inputs.size() * (k + 1) / count;
      double sum = 0;
      for (size_t i = begin; i < end; ++i) {
        const auto [size, n] = inputs[i];
        sum += size;
        kind.to_come += n >= first_judged_;
        kind_of_input_[static_cast<size_t>(n)] = static_cast<int>(kinds_.size());
      }
      kind.size = sum / static_cast<double>(end - begin);
      kinds_.push_back(kind);
    }
  }
}

double OracleCausal::value_of(double accuracy, double energy_j, double broken) const {
  if (goals_.judge == Judge::strict) return -broken;
  return goals_.task == Task::min_energy ? accuracy : -energy_j;
}

Option OracleCausal::option_of(size_t k, double accuracy, double energy_j, double late, double broken) const {
  return {goals_.task == Task::min_energy ? energy_j : 1 - accuracy, value_of(accuracy, energy_j, broken),
          late, static_cast<int>(k)};
}

Option OracleCausal::expected(size_t k, int phase, const Context& context) const {
  const Configuration& c = configurations_[k];
  const ModelProfile& model = profile_.models[static_cast<size_t>(c.model)];
  const double factor = profile_.size_factor(c.model, context.size);
  const int first = profile_.first_row(c.model);
  const double active_w = profile_.active_power_of(c.model, c.cap), idle_w = profile_.idle_power_w;
  // Limits in the scale of times at the mean size.
  const double stop_s = std::max(0.0, context.deadline_from_start_s) / factor;
  const double period_s = std::max(0.0, context.period_s) / factor;
  double limit_s = stop_s;
  if (!model.anytime() && context.members_left > 1) {
    const double to_come_s = static_cast<double>(context.members_left - 1) * reserve * fastest_s_[phase];
    limit_s = std::max(stop_s, (context.group_deadline_from_start_s - to_come_s) / factor);
  }
  const Times& target = times_->of(phase, first + c.stage - 1, c.cap);

  double accuracy = profile_.fail_accuracy, before = profile_.fail_accuracy, in_time = 0, accurate = 0;
  for (int stage = 1; stage <= c.stage; ++stage) {
    const double of_stage = model.accuracy[static_cast<size_t>(stage - 1)];
    const double share = times_->of(phase, first + stage - 1, c.cap).share_within(limit_s);
    if (stage == 1) in_time = share;
    if (accurate == 0 && goals_.accuracy && of_stage >= *goals_.accuracy) accurate = share;
    accuracy += (of_stage - before) * share;
    before = of_stage;
  }
  const double busy_s = model.anytime() ? target.mean_up_to(stop_s) : target.mean();
  const double within_s = target.mean_up_to(model.anytime() ? std::min(stop_s, period_s) : period_s);
  const double energy_j =
      factor * (active_w * busy_s + idle_w * (period_s - within_s)) - idle_w * context.idle_charged_s;

  double kept = accurate;
  if (goals_.judge == Judge::strict && goals_.task == Task::min_error) {
    // active * b + idle * max(0, period - b) <= budget bounds the work b.
    const double budget_j = (*goals_.energy_j + idle_w * context.idle_charged_s) / factor;
    double longest_s = budget_j / active_w;
    if (longest_s < period_s)
      longest_s = active_w > idle_w ? (budget_j - idle_w * period_s) / (active_w - idle_w)
                                    : (budget_j < active_w * period_s ? -1 : period_s);
    kept =
        model.anytime() && stop_s <= longest_s ? in_time : std::min(in_time, target.share_within(longest_s));
  }
  return option_of(k, accuracy, energy_j, 1 - in_time, 1 - kept);
}

std::vector<Option> OracleCausal::expected_of_kind(const Kind& kind) const {
  Context context;
  context.deadline_from_start_s = goals_.deadline_s;
  context.period_s = arrivals_.mean_period_s(goals_.deadline_s);
  context.size = kind.size;
  if (grouped_) {
    // A member in the middle of a group: others may leave it time.
    context.members_left = 2;
    context.group_deadline_from_start_s = 2 * goals_.deadline_s;
  }
  std::vector<Option> options;
  for (size_t k = 0; k < configurations_.size(); ++k) options.push_back(expected(k, kind.phase, context));
  return options;
}

std::vector<Option> OracleCausal::expected_alone(int phase) const {
  const double deadline_s = goals_.deadline_s, idle_w = profile_.idle_power_w;
  const bool strict_energy = goals_.judge == Judge::strict && goals_.task == Task::min_error;
  struct Sums {
    double in_time = 0, busy_s = 0, rest_s = 0, kept = 0;
  };
  const auto cells = static_cast<size_t>(truth_.rows * truth_.caps);
  std::vector<Sums> sums(cells);
  std::vector<double> first_stage_s(cells);
  double count = 0;
  std::vector<char> anytime(cells);
  std::vector<double> active_w(cells);
  std::vector<size_t> first(cells);
  for (const Configuration& c : configurations_) {
    const auto at = static_cast<size_t>(profile_.row(c) * truth_.caps + c.cap);
    anytime[at] = profile_.models[static_cast<size_t>(c.model)].anytime();
    active_w[at] = profile_.active_power_of(c.model, c.cap);
    first[at] = static_cast<size_t>(profile_.first_row(c.model) * truth_.caps + c.cap);
  }
  for (int64_t n = first_of_phase(truth_, phase, first_judged_); n < truth_.inputs; ++n) {
    if (phase_of(truth_, n) != phase) continue;
    ++count;
    const double* end_s = truth_.stage_end_s.data() + static_cast<size_t>(n) * cells;
    for (size_t i = 0; i < cells; ++i) {
      const double within_s = std::min(end_s[i], deadline_s);
      sums[i].in_time += end_s[i] <= deadline_s;
      sums[i].busy_s += anytime[i] ? within_s : end_s[i];
      sums[i].rest_s += deadline_s - within_s;
    }
    if (!strict_energy) continue;
    for (size_t i = 0; i < cells; ++i) {
      const double busy_s = anytime[i] ? std::min(end_s[i], deadline_s) : end_s[i];
      sums[i].kept += end_s[first[i]] <= deadline_s &&
                      active_w[i] * busy_s + idle_w * std::max(0.0, deadline_s - busy_s) <= *goals_.energy_j;
    }
  }
  std::vector<Option> options;
  for (size_t k = 0; k < configurations_.size(); ++k) {
    const Configuration& c = configurations_[k];
    const ModelProfile& model = profile_.models[static_cast<size_t>(c.model)];
    double accuracy = profile_.fail_accuracy, before = profile_.fail_accuracy, in_time = 0, accurate = 0;
    for (int stage = 1; stage <= c.stage; ++stage) {
      const double of_stage = model.accuracy[static_cast<size_t>(stage - 1)];
      const double share =
          sums[static_cast<size_t>(profile_.row({c.model, stage, c.cap}) * truth_.caps + c.cap)].in_time /
          count;
      if (stage == 1) in_time = share;
      if (accurate == 0 && goals_.accuracy && of_stage >= *goals_.accuracy) accurate = share;
      accuracy += (of_stage - before) * share;
      before = of_stage;
    }
    const Sums& target = sums[static_cast<size_t>(profile_.row(c) * truth_.caps + c.cap)];
    const double energy_j =
        (profile_.active_power_of(c.model, c.cap) * target.busy_s + idle_w * target.rest_s) / count;
    options.push_back(
        option_of(k, accuracy, energy_j, 1 - in_time, 1 - (strict_energy ? target.kept / count : accurate)));
  }
  return options;
}

void OracleCausal::set_up_plan() {
  int64_t groups = 0, judged = 0;
  for (int64_t n = first_judged_; n < truth_.inputs; ++n) ++judged, groups += opens_group(truth_, n);
  const double goal = goals_.judge == Judge::strict     ? -allowed_share
                      : goals_.task == Task::min_energy ? *goals_.accuracy
                                                        : -*goals_.energy_j;
  wanted_ = goal * static_cast<double>(judged);
  late_allowed_ = allowed_share * static_cast<double>(groups) + 1e-9;

  std::vector<std::vector<Option>> options;
  MeanProgram program;
  for (const Kind& kind : kinds_) {
    options.push_back(alone_ ? expected_alone(kind.phase) : expected_of_kind(kind));
    std::vector<Option> weighted = options.back();
    const auto weight = static_cast<double>(kind.to_come);
    for (Option& o : weighted) {
      hopeless_price_ = std::max(hopeless_price_, nothing_else_counts * std::abs(o.cost));
      o.cost *= weight, o.value *= weight, o.late *= weight;
    }
    program.add_item(weighted);
  }
  late_price_ = program.solve(wanted_, allowed_share * static_cast<double>(groups)).prices.late;

  for (size_t i = 0; i < kinds_.size(); ++i) {
    hulls_.push_back(lower_hull(options[i], late_price_));
    for (size_t k = 0; k + 1 < hulls_[i].size(); ++k) {
      const Option &a = hulls_[i][k], &b = hulls_[i][k + 1];
      const double cost = b.cost + late_price_ * b.late - (a.cost + late_price_ * a.late);
      steps_.push_back({cost / (b.value - a.value), b.value - a.value, i});
    }
  }
  std::stable_sort(steps_.begin(), steps_.end(),
                   [](const Step& a, const Step& b) { return a.slope < b.slope; });
}

double OracleCausal::plan(size_t& critical, double& share) {
  double missing = wanted_;
  for (size_t i = 0; i < kinds_.size(); ++i) {
    kinds_[i].step = 0;
    missing -= static_cast<double>(kinds_[i].to_come) * hulls_[i].front().value;
  }
  critical = kinds_.size();
  share = 0;
  double price = 0;
  for (const Step& s : steps_) {
    if (!(missing > 0)) return price;
    Kind& kind = kinds_[s.kind];
    const double gain = static_cast<double>(kind.to_come) * s.value;
    price = s.slope;
    if (gain >= missing) {
      critical = s.kind;
      share = missing / gain;
      return price;
    }
    missing -= gain;
    ++kind.step;
  }
  return missing > 0 ? hopeless_price_ : price;
}

size_t OracleCausal::cheapest(const Prices& prices, int phase, const Context& context) const {
  size_t best = 0, fastest = 0;
  double least = infinity, least_s = infinity;
  for (size_t k = 0; k < configurations_.size(); ++k) {
    const Configuration& c = configurations_[k];
    if (grouped_) {
      // What takes longer than its share on average would be paid by the members to come.
      const double mean_s =
          times_->of(phase, profile_.row(c), c.cap).mean() * profile_.size_factor(c.model, context.size);
      if (mean_s < least_s) least_s = mean_s, fastest = k;
      const bool anytime = profile_.models[static_cast<size_t>(c.model)].anytime();
      if (!anytime && mean_s > context.deadline_from_start_s) continue;
    }
    const double cost = priced(expected(k, phase, context), prices);
    if (cost < least) least = cost, best = k;
  }
  return least < infinity ? best : fastest;
}

Configuration OracleCausal::decide(const Context& context) {
  kind_ = static_cast<size_t>(kind_of_input_[static_cast<size_t>(context.input)]);
  judging_ = context.input >= first_judged_;
  if (opens_group(truth_, context.input)) {
    // Late groups are to be spread over the run; a few may come together.
    constexpr double together = 2;
    group_is_late_ = false;
    late_spent_ = late_groups_ + 1 > std::min(late_allowed_, allowed_share * groups_ + together);
    groups_ += judging_;
  }
  Kind& kind = kinds_[kind_];
  size_t critical = 0;
  double share = 0;
  Prices prices{plan(critical, share), late_price_};
  bool further = false;
  if (critical == kind_) {
    kind.mixed += share;
    // Nor later than when all that are to come would not make up for it.
    further =
        kind.mixed >= 1 || share * static_cast<double>(kind.to_come) > static_cast<double>(kind.to_come - 1);
    kind.mixed -= further;
  }
  const bool late_spent = late_spent_ && !group_is_late_;
  if (alone_ && !late_spent) {
    const std::vector<Option>& hull = hulls_[kind_];
    const size_t at = std::min(kind.step + further, hull.size() - 1);
    return configurations_[static_cast<size_t>(hull[at].id)];
  }
  if (alone_) {
    const std::vector<Option>& options = hulls_[kind_];
    return configurations_[static_cast<size_t>(
        std::min_element(options.begin(), options.end(), [](const Option& a, const Option& b) {
          return a.late != b.late ? a.late < b.late : a.cost < b.cost;
        })->id)];
  }
  constexpr double whisker = 1e-9;  // between two options of equal price
  prices.value *= further ? 1 + whisker : 1 - whisker;
  if (late_spent) prices.late = std::max(prices.late, hopeless_price_);
  return configurations_[cheapest(prices, kind.phase, context)];
}

void OracleCausal::observe(const Observation& o) {
  if (o.stage_delivered == 0 && !group_is_late_) group_is_late_ = true, late_groups_ += judging_;
  if (!judging_) return;
  --kinds_[kind_].to_come;
  const double energy_j = o.energy_j.value_or(0);
  const bool broken =
      o.stage_delivered == 0 ||
      (goals_.task == Task::min_energy ? o.accuracy < *goals_.accuracy : energy_j > *goals_.energy_j);
  wanted_ -= value_of(o.accuracy, energy_j, broken);
}

}  // namespace alertbench
