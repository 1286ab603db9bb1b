#include "schedulers/coral_like.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/goal_judge.h"
#include "schedulers/candidates.h"
#include "schedulers/feedback.h"

namespace alertbench {
namespace {

constexpr double mean_rounding = 1e-9;  // of a mean of equal values, which must not look like a missed goal

}  // namespace

CoralSettings CoralSettings::read(JsonReader reader) {
  CoralSettings s;
  s.seed = reader.seed("seed", s.seed);
  s.trials = reader.integer("trials", s.trials, 2, 1000);
  s.trial_inputs = reader.integer("trial_inputs", s.trial_inputs, 1, 1'000'000);
  s.samples = reader.integer("samples", s.samples, 1, 1000);
  s.temperature = reader.number("temperature", s.temperature, 1e-3, 1e6);
  s.watch_inputs = reader.integer("watch_inputs", s.watch_inputs, 1, 1'000'000);
  s.reopen_drop = reader.number("reopen_drop", s.reopen_drop, 0, 1);
  reader.finish();
  return s;
}

nlohmann::ordered_json CoralSettings::to_json() const {
  return {{"seed", seed},
          {"trials", trials},
          {"trial_inputs", trial_inputs},
          {"samples", samples},
          {"temperature", temperature},
          {"watch_inputs", watch_inputs},
          {"reopen_drop", reopen_drop}};
}

CoralLike::CoralLike(const SchedulerInputs& inputs, const CoralSettings& settings)
    : goals_(inputs.goals), settings_(settings), caps_w_(inputs.profile.caps_w), random_(settings.seed) {
  const Profile& profile = inputs.profile;
  for (int m : models_by_name(profile, Candidates::all))
    for (int s = 1; s <= profile.models[static_cast<size_t>(m)].stages(); ++s) rows_.push_back({m, s});
  const auto accuracy = [&](const Row& row) {
    return profile.models[static_cast<size_t>(row.model)].accuracy[static_cast<size_t>(row.stage - 1)];
  };
  std::stable_sort(rows_.begin(), rows_.end(),
                   [&](const Row& a, const Row& b) { return accuracy(a) < accuracy(b); });
  trials_.reserve(static_cast<size_t>(settings_.trials));
  hypercube_.resize(static_cast<size_t>(settings_.samples));
  strata_.resize(static_cast<size_t>(settings_.samples));
  start_search();
}

void CoralLike::start_search() {
  trials_.clear();
  staying_ = false;
  point_ = {};
}

Configuration CoralLike::decide(const Context&) {
  const Row& row = rows_[static_cast<size_t>(point_.network)];
  return {row.model, row.stage, point_.cap};
}

void CoralLike::observe(const Observation& o) {
  ++inputs_;
  late_ += was_late(o);
  accuracy_ += o.accuracy;
  energy_j_ += o.energy_j.value_or(caps_w_[static_cast<size_t>(o.configuration.cap)] * o.busy_s);
  if (inputs_ < (staying_ ? settings_.watch_inputs : settings_.trial_inputs)) return;
  if (!(first_energy_j_ > 0)) first_energy_j_ = energy_j_ / inputs_;
  const double now = reward();
  inputs_ = late_ = 0;
  accuracy_ = energy_j_ = 0;
  if (!staying_) {
    end_trial(now);
  } else if (settings_.reopen_drop < 1 &&
             (now < (1 - settings_.reopen_drop) * best_reward_ || (now < 1 && best_reward_ >= 1))) {
    start_search();
  } else {
    best_reward_ = std::max(best_reward_, now);
  }
}

double CoralLike::reward() const {
  const double late = late_ / static_cast<double>(inputs_), accuracy = accuracy_ / inputs_,
               energy_j = energy_j_ / inputs_;
  const bool in_time = late <= allowed_share;
  if (goals_.task == Task::min_energy) {
    const double goal = goals_.accuracy.value_or(0);
    if (in_time && accuracy >= goal - mean_rounding)
      return 1 + (energy_j > 0 ? first_energy_j_ / energy_j : 0);
    return (1 - late) * (accuracy < goal ? std::max(0.0, accuracy / goal) : 1);
  }
  const double budget_j = goals_.energy_j.value_or(infinity);
  if (in_time && energy_j <= budget_j * (1 + mean_rounding)) return 1 + accuracy;
  return (1 - late) * (energy_j > budget_j ? std::max(0.0, budget_j / energy_j) : 1);
}

void CoralLike::end_trial(double reward) {
  trials_.push_back({point_, reward});
  const auto worse = [](const Trial& a, const Trial& b) { return a.reward < b.reward; };
  const auto best = std::max_element(trials_.begin(), trials_.end(), worse);
  bool found = static_cast<int>(trials_.size()) < settings_.trials;
  if (found && trials_.size() == 1) {
    point_ = {static_cast<int>(rows_.size()) - 1, static_cast<int>(caps_w_.size()) - 1};
    found = !was_tried(point_);
  } else if (found) {
    const Trial* second = nullptr;
    for (const Trial& t : trials_)
      if (&t != &*best && (!second || t.reward > second->reward)) second = &t;
    point_ = half_way(best->point, second->point);
    if (was_tried(point_)) found = draw(best->point, point_);
  }
  if (found) return;
  point_ = best->point;
  best_reward_ = best->reward;
  staying_ = true;
}

bool CoralLike::was_tried(const Point& point) const {
  return std::any_of(trials_.begin(), trials_.end(), [&](const Trial& t) { return t.point == point; });
}

double CoralLike::correlation(int Point::*knob) const {
  const auto n = static_cast<double>(trials_.size());
  double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
  for (const Trial& t : trials_) {
    mean_x += t.point.*knob / n;
    mean_y += t.reward / n;
  }
  for (const Trial& t : trials_) {
    const double x = t.point.*knob - mean_x, y = t.reward - mean_y;
    xx += x * x;
    yy += y * y;
    xy += x * y;
  }
  return xx * yy > 0 ? std::clamp(xy / std::sqrt(xx * yy), -1.0, 1.0) : 0;
}

CoralLike::Point CoralLike::half_way(const Point& a, const Point& b) const {
  const auto value = [&](int Point::*knob) {
    const double quarter = std::abs(a.*knob - b.*knob) / 4.0;
    return static_cast<int>(std::lround((a.*knob + b.*knob) / 2.0 + correlation(knob) * quarter));
  };
  return {value(&Point::network), value(&Point::cap)};
}

bool CoralLike::draw(const Point& best, Point& drawn) {
  const size_t n = hypercube_.size();
  for (size_t i = 0; i < n; ++i) strata_[i] = static_cast<int>(i);
  for (size_t i = n - 1; i > 0; --i) std::swap(strata_[i], strata_[random_.below(i + 1)]);
  const auto value = [&](size_t stratum, size_t values) {
    const double share = (static_cast<double>(stratum) + random_.uniform()) / static_cast<double>(n);
    return std::min(static_cast<int>(values) - 1, static_cast<int>(share * static_cast<double>(values)));
  };
  double furthest = -1;
  const auto distance = [&](const Point& p) {
    return static_cast<double>(std::abs(p.network - best.network) + std::abs(p.cap - best.cap));
  };
  for (size_t i = 0; i < n; ++i) {
    hypercube_[i].network = value(i, rows_.size());
    hypercube_[i].cap = value(static_cast<size_t>(strata_[i]), caps_w_.size());
    if (!was_tried(hypercube_[i])) furthest = std::max(furthest, distance(hypercube_[i]));
  }
  if (furthest < 0) return false;
  const auto weight = [&](const Point& p) {
    return was_tried(p) ? 0 : std::exp((distance(p) - furthest) / settings_.temperature);
  };
  double sum = 0;
  for (const Point& p : hypercube_) sum += weight(p);
  double left = random_.uniform() * sum;
  for (const Point& p : hypercube_) {
    const double w = weight(p);
    if (w <= 0) continue;
    drawn = p;
    left -= w;
    if (left < 0) break;
  }
  return true;
}

}  // namespace alertbench
