#include "schedulers/oracle_causal.h"

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "schedulers/candidates.h"

namespace alertbench {

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();
}

OracleCausalSettings OracleCausalSettings::read(JsonReader reader) {
  OracleCausalSettings s;
  s.max_violation_share = reader.number("max_violation_share", s.max_violation_share, 0, 1);
  reader.finish();
  return s;
}

nlohmann::ordered_json OracleCausalSettings::to_json() const { return {{"max_violation_share", max_violation_share}}; }

OracleCausal::Key OracleCausal::Expected::key(double price) const {
  if (price == infinity) return {violated, objective, energy_j};
  return {objective + price * violated, energy_j, 0.0};
}

double OracleCausal::Times::share_within(double limit_s) const {
  const auto within = std::upper_bound(sorted_s.begin(), sorted_s.end(), limit_s) - sorted_s.begin();
  return static_cast<double>(within) / static_cast<double>(sorted_s.size());
}

double OracleCausal::Times::mean_up_to(double limit_s) const {
  const auto within = static_cast<size_t>(std::upper_bound(sorted_s.begin(), sorted_s.end(), limit_s) - sorted_s.begin());
  const auto n = static_cast<double>(sorted_s.size());
  return (sum_s[within] + limit_s * (n - static_cast<double>(within))) / n;
}

double OracleCausal::Times::mean() const { return sum_s.back() / static_cast<double>(sorted_s.size()); }

OracleCausal::OracleCausal(const SchedulerInputs& inputs, const OracleCausalSettings& settings)
    : profile_(inputs.profile),
      truth_(*inputs.truth),
      goals_(inputs.goals),
      rows_(inputs.profile.rows()),
      configurations_(configurations_by_name(inputs.profile)) {
  const auto size_of = [&](int64_t n) { return truth_.facts_of(n).size / profile_.mean_size; };

  times_.resize(static_cast<size_t>(2 * rows_ * profile_.caps()));
  for (int m = 0; m < static_cast<int>(profile_.models.size()); ++m)
    for (int64_t n = 0; n < truth_.inputs; ++n) {
      const double factor = profile_.size_factor(m, size_of(n));
      for (int stage = 1; stage <= profile_.models[static_cast<size_t>(m)].stages(); ++stage)
        for (int cap = 0; cap < profile_.caps(); ++cap) {
          const int row = profile_.row({m, stage, cap});
          times_[static_cast<size_t>((phase_of(n) * rows_ + row) * profile_.caps() + cap)].sorted_s.push_back(
              truth_.end_s(n, row, cap) / factor);
        }
    }
  for (Times& t : times_) {
    std::sort(t.sorted_s.begin(), t.sorted_s.end());
    t.sum_s.assign(1, 0.0);
    for (const double s : t.sorted_s) t.sum_s.push_back(t.sum_s.back() + s);
  }

  // The kinds of inputs there are, and what each configuration is expected to come to on them.
  std::map<std::pair<int, double>, double> kinds;  // (phase, size) -> inputs
  for (int64_t n = 0; n < truth_.inputs; ++n) kinds[{phase_of(n), size_of(n)}] += 1;
  std::vector<std::vector<Expected>> table;
  std::vector<double> weight;
  for (const auto& [kind, inputs_of_kind] : kinds) {
    table.emplace_back();
    weight.push_back(inputs_of_kind / static_cast<double>(truth_.inputs));
    for (const Configuration& c : configurations_)
      table.back().push_back(expected(c, kind.first, kind.second, goals_.deadline_s, goals_.deadline_s));
  }
  const auto sum_of = [&](const auto& choice_of) {  // over all inputs
    Expected all;
    for (size_t k = 0; k < table.size(); ++k) {
      const Expected& e = table[k][choice_of(k)];
      all.objective += weight[k] * e.objective, all.violated += weight[k] * e.violated, all.energy_j += weight[k] * e.energy_j;
    }
    return all;
  };
  const auto at_price = [&](double price) {
    return sum_of([&](size_t k) {
      size_t best = 0;
      for (size_t i = 1; i < table[k].size(); ++i) {
        const Expected &a = table[k][i], &b = table[k][best];
        if (a.key(price) < b.key(price)) best = i;
      }
      return best;
    });
  };
  // A whisker of room for sums that are off in their last digit.
  const double allowed = settings.max_violation_share + 1e-9;
  Expected reached = at_price(price_ = 0);
  if (reached.violated > allowed) {
    double low = 0, high = 1e-6;
    while (high < 1e12 && at_price(high).violated > allowed) low = high, high *= 4;
    if (high >= 1e12) {
      high = infinity;
    } else {
      for (int step = 0; step < 60; ++step) {
        const double middle = 0.5 * (low + high);
        (at_price(middle).violated > allowed ? low : high) = middle;
      }
    }
    reached = at_price(price_ = high);
  }
  const auto rank = [&](const Expected& e) {
    return std::make_tuple(e.violated > allowed ? e.violated : 0.0, e.objective, e.energy_j);
  };
  for (size_t i = 0; i < configurations_.size(); ++i)
    if (const Expected e = sum_of([&](size_t) { return i; }); rank(e) < rank(reached)) {
      reached = e;
      single_ = static_cast<int>(i);
    }
}

OracleCausal::Expected OracleCausal::expected(const Configuration& c, int phase, double size, double deadline_s,
                                              double period_s) const {
  const ModelProfile& model = profile_.models[static_cast<size_t>(c.model)];
  const double factor = profile_.size_factor(c.model, size);
  const int first = profile_.first_row(c.model);
  const double active_w = profile_.active_power_of(c.model, c.cap), idle_w = profile_.idle_power_w;
  // Limits in the scale of times at the mean size.
  const double stop = std::max(0.0, deadline_s) / factor, period = std::max(0.0, period_s) / factor;
  const Times& target = times(phase, first + c.stage - 1, c.cap);

  Expected e;
  double accuracy = profile_.fail_accuracy;
  for (int stage = 1; stage <= c.stage; ++stage) {
    const double step = model.accuracy[static_cast<size_t>(stage - 1)] -
                        (stage > 1 ? model.accuracy[static_cast<size_t>(stage - 2)] : profile_.fail_accuracy);
    accuracy += step * times(phase, first + stage - 1, c.cap).share_within(stop);
  }
  // An anytime network ends at the deadline.
  const double busy = model.anytime() ? target.mean_up_to(stop) : target.mean();
  const double within_period = target.mean_up_to(model.anytime() ? std::min(stop, period) : period);
  e.energy_j = factor * (active_w * busy + idle_w * (period - within_period));
  e.objective = goals_.task == Task::min_energy ? e.energy_j : 1 - accuracy;

  // A goal holds where the first stage that is accurate enough is in time, and the energy stays within the budget: energy
  // rises with the busy time, so that is a limit on it.
  int needed = 1;
  if (goals_.task == Task::min_energy && goals_.accuracy)
    while (needed <= c.stage && model.accuracy[static_cast<size_t>(needed - 1)] < *goals_.accuracy) ++needed;
  if (needed > c.stage) {
    e.violated = 1;
    return e;
  }
  double held = times(phase, first + needed - 1, c.cap).share_within(stop);
  if (goals_.task == Task::min_error && goals_.energy_j) {
    const double budget_j = *goals_.energy_j / factor;
    // active * b + idle * max(0, period - b) <= budget
    double longest = budget_j / active_w;
    if (longest < period)
      longest = active_w > idle_w ? (budget_j - idle_w * period) / (active_w - idle_w)
                                  : (budget_j < active_w * period ? -1 : period);
    // Busy for the target's time, or until the deadline where that is sooner (anytime).
    const bool stops_within_budget = model.anytime() && stop <= longest;
    if (!stops_within_budget) held = std::min(held, target.share_within(longest));
  }
  e.violated = 1 - held;
  return e;
}

size_t OracleCausal::choose(double price, int phase, double size, double deadline_s, double period_s) const {
  size_t best = 0;
  Key best_key{infinity, infinity, infinity};
  for (size_t i = 0; i < configurations_.size(); ++i) {
    const Expected e = expected(configurations_[i], phase, size, deadline_s, period_s);
    if (const Key key = e.key(price); key < best_key) {
      best_key = key;
      best = i;
    }
  }
  return best;
}

Configuration OracleCausal::decide(const Context& context) {
  if (single_ >= 0) return configurations_[static_cast<size_t>(single_)];
  const int phase = phase_of(context.input);
  Last& last = last_[phase];
  if (last.size != context.size || last.deadline_s != context.deadline_s || last.period_s != context.period_s)
    last = {context.size, context.deadline_s, context.period_s,
            choose(price_, phase, context.size, context.deadline_s, context.period_s)};
  return configurations_[last.choice];
}

}  // namespace alertbench
