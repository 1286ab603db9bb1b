#include "schedulers/oracle_mean.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/goal_judge.h"

namespace alertbench {
namespace {}  // namespace

OracleMean::OracleMean(const SchedulerInputs& inputs)
    : profile_(inputs.profile),
      truth_(*inputs.truth),
      goals_(inputs.goals),
      arrivals_(inputs.arrivals),
      first_judged_(inputs.first_judged),
      outcomes_(truth_, profile_, goals_),
      chosen_(static_cast<size_t>(truth_.inputs), 0) {
  int row_before = -1;
  for (size_t k = 0; k < outcomes_.size(); ++k) {
    const Configuration& c = outcomes_.configuration(k);
    const ModelProfile& model = profile_.models[static_cast<size_t>(c.model)];
    const int row = profile_.row(c);
    if (row != row_before) ++row_count_;
    row_before = row;
    entries_.push_back({row, profile_.first_row(c.model), c.cap, model.anytime(),
                        model.accuracy[static_cast<size_t>(c.stage - 1)],
                        profile_.active_power_of(c.model, c.cap), row_count_ - 1});
  }
  if (goals_.judge == Judge::strict)
    value_goal_ = -allowed_share;
  else if (goals_.task == Task::min_energy)
    value_goal_ = *goals_.accuracy - goals_.tolerance.accuracy;
  else
    value_goal_ = -*goals_.energy_j * (1 + goals_.tolerance.energy);
  if (first_judged_ >= truth_.inputs) return;
  if (inputs_are_alone(truth_) && arrivals_ == Arrivals::closed)
    solve_alone();
  else
    solve_groups();
}

Option OracleMean::option_of(double accuracy, double energy_j, bool late, double late_weight, int id) const {
  const bool energy_task = goals_.task == Task::min_energy;
  Option o;
  o.cost = energy_task ? energy_j : 1 - accuracy;
  o.late = late ? late_weight : 0;
  o.id = id;
  if (goals_.judge == Judge::strict)
    o.value = late || (energy_task ? accuracy < *goals_.accuracy : energy_j > *goals_.energy_j) ? -1 : 0;
  else
    o.value = energy_task ? accuracy : -energy_j;
  return o;
}

void OracleMean::options_alone(int64_t n, std::vector<Option>& options) const {
  const double deadline_s = goals_.deadline_s, idle_j = profile_.idle_power_w * deadline_s;
  options.clear();
  double miss_j = infinity, least_j = infinity;
  int miss = 0, least = 0;
  for (size_t k = 0; k < entries_.size(); ++k) {
    const Entry& e = entries_[k];
    const double t = end_s(n, e);
    if (t <= deadline_s) {
      const double energy_j = (e.active_w - profile_.idle_power_w) * t + idle_j;
      if (energy_j < least_j) least_j = energy_j, least = static_cast<int>(k);
    } else if (!e.anytime || e.row == e.first_row) {
      const double energy_j = e.active_w * (e.anytime ? deadline_s : t);
      if (energy_j < miss_j) miss_j = energy_j, miss = static_cast<int>(k);
    }
    const bool row_ends = k + 1 == entries_.size() || entries_[k + 1].row_index != e.row_index;
    if (!row_ends) continue;
    if (least_j < infinity) options.push_back(option_of(e.accuracy, least_j, false, 1, least));
    least_j = infinity;
  }
  if (miss_j < infinity) options.push_back(option_of(profile_.fail_accuracy, miss_j, true, 1, miss));
}

void OracleMean::solve_alone() {
  MeanProgram program;
  std::vector<Option> options;
  for (int64_t n = first_judged_; n < truth_.inputs; ++n) {
    options_alone(n, options);
    program.add_item(options);
  }
  const auto judged = static_cast<double>(truth_.inputs - first_judged_);
  // A share of late inputs that is allowed exactly must stay so when shares are computed with rounding.
  const MeanSolution s = program.solve(value_goal_ * judged, allowed_share * judged);
  std::copy(s.chosen.begin(), s.chosen.end(), chosen_.begin() + static_cast<std::ptrdiff_t>(first_judged_));
  for (int64_t n = 0; n < first_judged_; ++n) {
    options_alone(n, options);
    Prices prices = s.prices;
    if (!(prices.value < infinity)) prices.value = 1e100;
    chosen_[static_cast<size_t>(n)] =
        std::min_element(options.begin(), options.end(), [&](const Option& a, const Option& b) {
          return priced(a, prices) < priced(b, prices);
        })->id;
  }
  if (s.feasible) bound_ = Bound{s.bound / judged, (s.cost - s.bound) / judged};
}

double OracleMean::plan_group(const Group& group, double time_s, const Prices& prices, Sums& sums) {
  const auto miss_of = [&](int64_t n) {
    return option_of(profile_.fail_accuracy, idle_period_j(n), true,
                     1 / static_cast<double>(group.end - group.first), -1);
  };
  MeanProgram& program = group_program_;
  std::vector<Option>& options = options_;
  program.clear();
  double price = 0, cheapest_s = 0, cheapest_cost = 0;
  for (int64_t n = group.first; n < group.end; ++n) {
    // The value of this programme is time that is left, its cost what the prices make of the outcome.
    options.assign(1, {priced(miss_of(n), prices), 0, 0, -1});
    double least = options.front().cost;
    for (const MemberOption& o : member_options_[static_cast<size_t>(n)]) {
      if (!(o.time_s <= time_s)) break;
      // By rising time: one that costs no less than a briefer one is never chosen.
      const double cost = priced(o.outcome, prices);
      if (cost >= least) continue;
      least = cost;
      options.push_back({cost, -o.time_s, 0, o.outcome.id});
    }
    program.add_item(options);
    chosen_[static_cast<size_t>(n)] = options.back().id;
    cheapest_s -= options.back().value;
    cheapest_cost += options.back().cost;
  }
  // Often each member can have what is best for it alone.
  if (cheapest_s <= time_s) {
    sums.bound += cheapest_cost;
  } else {
    const MeanSolution s = program.solve(-std::max(0.0, time_s), 0);
    std::copy(s.chosen.begin(), s.chosen.end(), chosen_.begin() + static_cast<std::ptrdiff_t>(group.first));
    sums.bound += s.bound;
    price = s.prices.value;
  }
  for (int64_t n = group.first; n < group.end; ++n) {
    const int k = chosen_[static_cast<size_t>(n)];
    const Option o = k < 0 ? miss_of(n) : outcome_of_member(n, k);
    sums.value += o.value;
    sums.late += o.late;
  }
  return price;
}

Option OracleMean::outcome_of_member(int64_t n, int k) const {
  const Entry& e = entries_[static_cast<size_t>(k)];
  return option_of(e.accuracy, (e.active_w - profile_.idle_power_w) * end_s(n, e) + idle_period_j(n), false,
                   0, k);
}

OracleMean::Sums OracleMean::relaxed(const Prices& prices) {
  Sums sums;
  for (const Group& g : groups_)
    if (g.first >= first_judged_) plan_group(g, g.time_s, prices, sums);
  const auto judged = static_cast<double>(truth_.inputs - first_judged_);
  double wanted = value_goal_ * judged;
  if (goals_.task == Task::min_error) wanted -= carried_j_;
  sums.bound += prices.value * wanted - prices.late * allowed_share * static_cast<double>(judged_groups_);
  dual_ = std::max(dual_, sums.bound);
  return sums;
}

double OracleMean::value_price(double late_price, double value_goal) {
  constexpr double lowest = 1e-2, highest = 1e9, factor = 8;
  constexpr int halvings = 16;
  const double wanted = value_goal * static_cast<double>(truth_.inputs - first_judged_);
  const auto enough = [&](double price) { return relaxed({price, late_price}).value >= wanted; };
  if (enough(0)) return 0;
  double low = 0, high = lowest;
  while (!enough(high)) {
    low = high, high *= factor;
    if (high > highest) return infinity;
  }
  for (int k = 0; k < halvings && high - low > 1e-5 * high; ++k) {
    // The range is wide: in its logarithm, once it has a lower end.
    const double middle = low > 0 ? std::sqrt(low * high) : high / factor;
    (enough(middle) ? high : low) = middle;
  }
  return high;
}

Prices OracleMean::find_prices(double value_goal) {
  constexpr int doublings = 12, halvings = 10;
  const double late_allowed = allowed_share * static_cast<double>(judged_groups_);
  Prices prices{value_price(0, value_goal), 0};
  if (!(prices.value < infinity) || relaxed(prices).late <= late_allowed) return prices;
  double low = 0,
         high = goals_.task == Task::min_energy ? profile_.active_power_w.back() * goals_.deadline_s : 1;
  for (int k = 0; k < doublings; ++k, low = high, high *= 4) {
    prices = {value_price(high, value_goal), high};
    if (!(prices.value < infinity) || relaxed(prices).late <= late_allowed) break;
  }
  for (int k = 0; k < halvings && prices.value < infinity; ++k) {
    const double middle = 0.5 * (low + high);
    const Prices at_middle{value_price(middle, value_goal), middle};
    if (relaxed(at_middle).late <= late_allowed)
      high = middle, prices = at_middle;
    else
      low = middle;
  }
  return prices;
}

double OracleMean::most_carried_j() const {
  Pacing pacing(arrivals_, goals_.deadline_s);
  for (int64_t n = 0; n < first_judged_; ++n) {
    const Arrival arrival = pacing.arrive(truth_.facts_of(n).members_left);
    double longest_s = 0;
    for (const Entry& e : entries_) longest_s = std::max(longest_s, end_s(n, e));
    pacing.executed(arrival.arrival_s + arrival.wait_s + longest_s, longest_s);
  }
  return profile_.idle_power_w * pacing.arrive(truth_.facts_of(first_judged_).members_left).wait_s;
}

GoalVerdict OracleMean::play(const Prices& prices) {
  GoalJudge judge(goals_);
  Pacing pacing(arrivals_, goals_.deadline_s);
  const Group* group = groups_.data();
  double time_price = 0;
  for (int64_t n = 0; n < truth_.inputs; ++n) {
    while (n >= group->end) ++group;
    const Arrival arrival = pacing.arrive(truth_.facts_of(n).members_left);
    const Context context = true_context_of(n, arrival, 1);
    if (n == group->first) {
      Sums sums;
      time_price = plan_group(*group, context.group_deadline_from_start_s, prices, sums);
      if (!(time_price < infinity)) time_price = 0;
    }
    int& k = chosen_[static_cast<size_t>(n)];
    // A plan is made of whole stages; an anytime network may be stopped before, by its share of the group's
    // time.
    const auto comes_true = [&](int choice) {
      return choice >= 0 && outcomes_.at(static_cast<size_t>(choice), context).stage_delivered ==
                                outcomes_.configuration(static_cast<size_t>(choice)).stage;
    };
    if (!comes_true(k)) {
      const bool given_up = k < 0;
      double best = infinity;
      k = 0;
      for (size_t i = 0; i < outcomes_.size(); ++i) {
        const TrueOutcome o = outcomes_.at(i, context);
        const bool in_time = o.stage_delivered > 0 && o.busy_s <= context.deadline_from_start_s;
        // Where nothing is in time, or the plan gives this member up, as little energy as can be.
        const double cost =
            !given_up && in_time
                ? priced(option_of(o.accuracy, o.energy_j, false, 0, 0), prices) + time_price * o.busy_s
                : 1e100 * (1 + o.busy_s);
        if (cost < best) best = cost, k = static_cast<int>(i);
      }
    }
    const TrueOutcome o = outcomes_.at(static_cast<size_t>(k), context);
    pacing.executed(arrival.arrival_s + arrival.wait_s + o.busy_s, o.busy_s);
    if (n < first_judged_) continue;
    Outcome outcome;
    outcome.stage_delivered = o.stage_delivered;
    outcome.accuracy = o.accuracy;
    outcome.energy_j = o.energy_j;
    Violations violations = violations_of(goals_, outcome);
    judge.add(outcome, n == group->first, violations);
  }
  return judge.verdict();
}

void OracleMean::solve_groups() {
  for (int64_t n = 0; n < truth_.inputs; ++n) {
    if (opens_group(truth_, n)) {
      const auto members = std::max<int64_t>(1, truth_.facts_of(n).members_left);
      groups_.push_back({n, n, static_cast<double>(members) * goals_.deadline_s});
      judged_groups_ += n >= first_judged_;
    }
    groups_.back().end = n + 1;
    member_options_.emplace_back();
    for (size_t k = 0; k < entries_.size(); ++k)
      member_options_.back().push_back({end_s(n, entries_[k]), outcome_of_member(n, static_cast<int>(k))});
    std::sort(member_options_.back().begin(), member_options_.back().end(),
              [](const MemberOption& a, const MemberOption& b) { return a.time_s < b.time_s; });
  }
  const auto judged = static_cast<double>(truth_.inputs - first_judged_);
  const auto objective = [&](const GoalVerdict& v) {
    return goals_.task == Task::min_energy ? v.mean_energy_j.value_or(infinity) : 1 - v.mean_accuracy;
  };
  dual_ = -infinity;
  carried_j_ = most_carried_j();
  constexpr double as_much_as_there_is = 1e9;
  constexpr int corrections = 6;
  Prices prices = find_prices(value_goal_);
  const bool reachable = prices.value < infinity;
  if (!reachable) prices.value = as_much_as_there_is;
  GoalVerdict best = play(prices);
  std::vector<int> best_choice = chosen_;
  // What the relaxation overlooked is asked for on top, until the goals hold.
  double goal = value_goal_, late_price = prices.late;
  for (int c = 0; c < corrections && reachable && best.violated(goals_.judge); ++c) {
    const double missed =
        goals_.judge == Judge::strict ? std::max(0.0, 1 - best.satisfaction - allowed_share)
        : goals_.task == Task::min_energy
            ? std::max(0.0, *best.shortfall.accuracy - goals_.tolerance.accuracy)
            : std::max(0.0, best.shortfall.energy.value_or(0) - goals_.tolerance.energy) * *goals_.energy_j;
    goal += 1.2 * missed;
    if (best.shortfall.late > 0) late_price = std::max(objective(best), 2 * late_price);
    const double price = value_price(late_price, goal);
    if (!(price < infinity)) break;
    const GoalVerdict v = play({price, late_price});
    const auto beyond = [&](const GoalVerdict& x) {
      return !x.violated(goals_.judge) ? 0
                                       : x.shortfall.late + x.shortfall.accuracy.value_or(0) +
                                             x.shortfall.energy.value_or(0) + 1e-9;
    };
    if (beyond(v) < beyond(best)) best = v, best_choice = chosen_;
  }
  chosen_ = best_choice;
  if (goals_.task == Task::min_energy) dual_ -= carried_j_;
  const bool each_by_itself = goals_.judge == Judge::strict && goals_.task == Task::min_error;
  if (dual_ > -infinity && !best.violated(goals_.judge) && !each_by_itself)
    bound_ = Bound{dual_ / judged, objective(best) - dual_ / judged};
}

}  // namespace alertbench
