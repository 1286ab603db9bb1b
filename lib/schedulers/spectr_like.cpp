#include "schedulers/spectr_like.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "schedulers/feedback.h"

namespace alertbench {
namespace {

constexpr double least_range = 1e-9;  // ranges are divided by; a single network or cap has none
constexpr double out_of_reach = 1e9;  // more than any log speed

// The index in `logs` of the value nearest to `u`, or of the least one not below it (the greatest of all if
// none is); the first of equal ones.
size_t rounded_to(const double* logs, size_t count, double u, bool up) {
  const auto off = [&](size_t i) {
    const double difference = logs[i] - u;
    return up && difference < 0 ? out_of_reach - difference : std::abs(difference);
  };
  size_t best = 0;
  for (size_t i = 1; i < count; ++i)
    if (off(i) < off(best)) best = i;
  return best;
}

// The slope of `y` over `x` between the neighbours of `i` at distance `stride`; 0 if x does not differ.
template <class Y>
double slope_at(size_t i, size_t count, const Y& y, const double* x, size_t stride) {
  const size_t low = i > 0 ? i - 1 : i, high = i + 1 < count ? i + 1 : i;
  const double dx = x[high * stride] - x[low * stride];
  return std::abs(dx) > least_range ? (y(high) - y(low)) / dx : 0;
}

}  // namespace

SpectrSettings SpectrSettings::read(JsonReader reader) {
  constexpr double large = 1e6;
  SpectrSettings s;
  s.period = reader.integer("period", s.period, 1, 1'000'000);
  s.step = reader.number("step", s.step, 0, 1);
  s.margin = reader.number("margin", s.margin, 0, 0.999);
  s.priority = reader.number("priority", s.priority, 1, large);
  s.network_effort = reader.number("network_effort", s.network_effort, 1e-6, large);
  s.cap_effort = reader.number("cap_effort", s.cap_effort, 1e-6, large);
  s.rounding = reader.one_of("rounding", s.rounding, {"nearest", "up"});
  s.feedback = reader.one_of("feedback", s.feedback, {"requested", "applied"});
  s.late_share = reader.number("late_share", s.late_share, 0, 1);
  s.critical = reader.number("critical", s.critical, 0, large);
  s.above = reader.number("above", s.above, 0, s.critical);
  s.safe = reader.number("safe", s.safe, 0, s.above);
  reader.finish();
  return s;
}

nlohmann::ordered_json SpectrSettings::to_json() const {
  return {{"period", period},
          {"step", step},
          {"margin", margin},
          {"priority", priority},
          {"network_effort", network_effort},
          {"cap_effort", cap_effort},
          {"rounding", rounding},
          {"feedback", feedback},
          {"late_share", late_share},
          {"critical", critical},
          {"above", above},
          {"safe", safe}};
}

Matrix2 lq_gain(const Matrix2& b, const std::array<double, 2>& q, const std::array<double, 2>& r) {
  const double m00 = b[0][0] * q[0] * b[0][0] + b[1][0] * q[1] * b[1][0] + r[0];
  const double m01 = b[0][0] * q[0] * b[0][1] + b[1][0] * q[1] * b[1][1];
  const double m11 = b[0][1] * q[0] * b[0][1] + b[1][1] * q[1] * b[1][1] + r[1];
  const double determinant = m00 * m11 - m01 * m01;
  Matrix2 gain;
  for (size_t y = 0; y < 2; ++y) {
    const double v0 = b[y][0] * q[y], v1 = b[y][1] * q[y];
    gain[0][y] = (m11 * v0 - m01 * v1) / determinant;
    gain[1][y] = (m00 * v1 - m01 * v0) / determinant;
  }
  return gain;
}

double SpectrLike::Range::half() const { return std::max(least_range, (high - low) / 2); }

SpectrLike::SpectrLike(const SchedulerInputs& inputs, const SpectrSettings& settings)
    : profile_(inputs.profile),
      settings_(settings),
      saves_(inputs.goals.task == Task::min_energy),
      rounds_up_(settings.rounding == "up"),
      applied_(settings.feedback == "applied"),
      deadline_s_(inputs.goals.deadline_s),
      rungs_(accuracy_ladder(inputs.profile, saves_ ? inputs.goals.accuracy.value_or(0) : 0)) {
  const auto caps = static_cast<size_t>(profile_.caps());
  log_rate_ = power_w_ = cap_range_ = {infinity, -infinity};
  const auto widen = [](Range& range, double value) {
    range = {std::min(range.low, value), std::max(range.high, value)};
  };
  // Logarithms of ratios only, so that nothing depends on the unit of time.
  const auto latency_s = [&](size_t d, size_t c) {
    return profile_.latency_of({rungs_[d].model, rungs_[d].stage, static_cast<int>(c)}).mean_s;
  };
  for (size_t d = 0; d < rungs_.size(); ++d) {
    network_log_.push_back(std::log(rungs_[d].speedup));
    for (size_t c = 0; c < caps; ++c) {
      cap_log_.push_back(std::log(latency_s(d, caps - 1) / latency_s(d, c)));
      widen(cap_range_, cap_log_.back());
      widen(log_rate_, std::log(latency_s(0, caps - 1) / latency_s(d, c)));
      widen(power_w_, active_w(d, c));
    }
  }
  network_range_ = {network_log_.front(), network_log_.back()};
  for (size_t d = 0; d < rungs_.size(); ++d)
    for (size_t c = 0; c < caps; ++c)
      slopes_.push_back(
          {slope_at(
               d, rungs_.size(), [&](size_t i) { return active_w(i, c); }, network_log_.data(), 1),
           slope_at(
               c, caps, [&](size_t i) { return active_w(d, i); }, cap_log_.data() + at(d, 0), 1)});

  limit_w_ = saves_ ? power_w_.high : inputs.goals.energy_j.value_or(infinity) / deadline_s_;
  reference_w_ = std::clamp(saves_ ? first_reference_w(inputs.goals) : limit_w_, power_w_.low, power_w_.high);
  network_u_ = network_range_.low;
  cap_u_ = cap_range_.high;
}

double SpectrLike::active_w(size_t rung, size_t cap) const {
  return profile_.active_power_of(rungs_[rung].model, static_cast<int>(cap));
}

double SpectrLike::first_reference_w(const Goals& goals) const {
  double least_j = infinity, power_w = power_w_.high;
  for (size_t d = 0; d < rungs_.size(); ++d)
    for (int c = 0; c < profile_.caps(); ++c) {
      const double busy_s = profile_.latency_of({rungs_[d].model, rungs_[d].stage, c}).mean_s;
      const double energy_j = profile_.period_energy_j(rungs_[d].model, c, busy_s, goals.deadline_s);
      if (rungs_[d].accuracy < goals.accuracy.value_or(0) || busy_s > goals.deadline_s || energy_j >= least_j)
        continue;
      least_j = energy_j;
      power_w = active_w(d, static_cast<size_t>(c));
    }
  return power_w;
}

Configuration SpectrLike::decide(const Context& context) {
  idle_charged_s_ = context.idle_charged_s;
  deadline_from_start_s_ = context.deadline_from_start_s;
  rung_ = rounded_to(network_log_.data(), network_log_.size(), network_u_, rounds_up_);
  const double* caps = cap_log_.data() + at(rung_, 0);
  const size_t cap = rounded_to(caps, static_cast<size_t>(profile_.caps()), cap_u_, rounds_up_);
  if (applied_) {
    network_u_ = network_log_[rung_];
    cap_u_ = caps[cap];
  }
  return {rungs_[rung_].model, rungs_[rung_].stage, static_cast<int>(cap)};
}

void SpectrLike::observe(const Observation& o) {
  const MeasuredPower power(profile_, o, idle_charged_s_);
  ++inputs_;
  late_ += was_late(o);
  energy_j_ += power.energy_j;
  const double ratio = measured_ratio(profile_, o, o.configuration.cap);
  if (std::isfinite(ratio) && ratio > 0 && std::isfinite(power.active_w)) {
    const double latency_s =
        ratio * profile_.latency_of({rungs_[rung_].model, rungs_[rung_].stage, o.configuration.cap}).mean_s;
    const double goal_s =
        (1 - settings_.margin) * deadline_from_start_s_ / profile_.size_factor(o.configuration.model, o.size);
    const double range = log_rate_.high - log_rate_.low;
    const double rate_error = goal_s > 0 ? std::log(latency_s / goal_s) : range;
    move(slopes_[at(rung_, static_cast<size_t>(o.configuration.cap))], rate_error,
         reference_w_ - power.active_w);
  }
  if (inputs_ == settings_.period) supervise();
}

void SpectrLike::move(const Slope& slope, double rate_error, double power_error) {
  const double rate = log_rate_.half(), power = power_w_.half();
  const Matrix2 b = {{{1 / rate, 1 / rate}, {slope.network_w / power, slope.cap_w / power}}};
  const std::array<double, 2> e = {rate_error / rate, power_error / power};
  const bool qos_first = supervisor_.gains() == SpectrSupervisor::Gains::qos;
  const std::array<double, 2> q = {qos_first ? settings_.priority : 1, qos_first ? 1 : settings_.priority};
  const std::array<double, 2> r = {settings_.network_effort, settings_.cap_effort};
  const Matrix2 gain = lq_gain(b, q, r);

  double* const u[2] = {&network_u_, &cap_u_};
  const Range* const range[2] = {&network_range_, &cap_range_};
  double wanted[2], held[2];
  for (size_t i = 0; i < 2; ++i) {
    wanted[i] = *u[i] + gain[i][0] * e[0] + gain[i][1] * e[1];
    held[i] = std::clamp(wanted[i], range[i]->low, range[i]->high);
  }
  for (size_t i = 0; i < 2; ++i) {
    const size_t other = 1 - i;
    if (held[i] != wanted[i] || held[other] == wanted[other]) continue;
    const double moved = held[other] - *u[other];
    double pull = 0, weight = r[i];
    for (size_t y = 0; y < 2; ++y) {
      pull += b[y][i] * q[y] * (e[y] - b[y][other] * moved);
      weight += b[y][i] * q[y] * b[y][i];
    }
    held[i] = std::clamp(*u[i] + pull / weight, range[i]->low, range[i]->high);
    break;
  }
  network_u_ = held[0];
  cap_u_ = held[1];
}

void SpectrLike::supervise() {
  using Event = SpectrSupervisor::Event;
  supervisor_.take(late_ > settings_.late_share * inputs_ ? Event::late : Event::met);
  const double share = energy_j_ / (inputs_ * deadline_s_ * limit_w_);
  if (share > settings_.critical)
    supervisor_.take(Event::critical);
  else if (share > settings_.above)
    supervisor_.take(Event::above);
  else if (share < settings_.safe)
    supervisor_.take(Event::safe);
  while (const auto event = supervisor_.choice(saves_)) {
    supervisor_.take(*event);
    const double step_w = settings_.step * limit_w_;
    if (*event == Event::lower_power) reference_w_ -= step_w;
    if (*event == Event::raise_power) reference_w_ += step_w;
  }
  reference_w_ = std::clamp(reference_w_, power_w_.low, power_w_.high);
  inputs_ = late_ = 0;
  energy_j_ = 0;
}

}  // namespace alertbench
