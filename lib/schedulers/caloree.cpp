#include "schedulers/caloree.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "schedulers/candidates.h"

namespace alertbench {
namespace {

constexpr int em_iterations = 5;
constexpr double new_sample = 0.2, caloree_highest_rate = 1e100;
constexpr double least_learned = 1e-6;  // of what was learned: it must stay above 0

void divide_by_mean(std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  for (double& v : values) v *= static_cast<double>(values.size()) / sum;
}

// Of every network but one: speeds, or powers, over caps.
std::vector<std::vector<double>> curves_of_others(const Profile& profile, int own, bool speeds) {
  std::vector<std::vector<double>> curves;
  for (const int m : models_by_name(profile, Candidates::all)) {
    if (m == own) continue;
    std::vector<double> curve;
    const int stages = profile.models[static_cast<size_t>(m)].stages();
    for (int c = 0; c < profile.caps(); ++c)
      curve.push_back(speeds ? 1 / profile.latency_of({m, stages, c}).mean_s : profile.active_power_of(m, c));
    divide_by_mean(curve);
    curves.push_back(std::move(curve));
  }
  return curves;
}

void add_sample(double value, double& mean, char& has) {
  mean = has ? (1 - new_sample) * mean + new_sample * value : value;
  has = 1;
}

// Learns from samples in any unit: at the sampled caps they are scaled to the mean of the other networks.
void learn_scaled(LeoLearner& learner, const std::vector<double>& samples, const std::vector<char>& has,
                  std::vector<double>& scaled) {
  double others = 0, own = 0;
  for (size_t c = 0; c < samples.size(); ++c)
    if (has[c]) others += learner.mean_of_others()[c], own += samples[c];
  const double factor = own > 0 ? others / own : 1;
  for (size_t c = 0; c < samples.size(); ++c) scaled[c] = factor * samples[c];
  learner.learn(scaled, has, em_iterations);
}

}  // namespace

CaloreeSettings CaloreeSettings::read(JsonReader reader) {
  CaloreeSettings s;
  s.network = reader.text("network", s.network);
  s.window = reader.integer("window", s.window, 1, 1000000);
  s.samples = reader.integer("samples", s.samples, 1, 1000);
  s.relearn = reader.integer("relearn", s.relearn, 0, 1000000);
  reader.finish();
  return s;
}

nlohmann::ordered_json CaloreeSettings::to_json() const {
  return {{"network", network}, {"window", window}, {"samples", samples}, {"relearn", relearn}};
}

CaloreeController::CaloreeController(size_t caps, int window, const BaseSpeedConstants& constants)
    : window_(window),
      constants_(constants),
      hull_(caps),
      speedup_(caps, 1),
      base_speed_(constants),
      slow_cap_(static_cast<int>(caps) - 1),
      fast_cap_(slow_cap_) {}

void CaloreeController::set_table(const std::vector<double>& speedup, const std::vector<double>& power_w,
                                  double pole, double scale) {
  speedup_ = speedup;
  hull_.build(speedup, power_w);
  pole_ = pole;
  base_speed_.scale(1 / scale);
  requested_ *= scale;
}

void CaloreeController::start(double base_rate) {
  constants_.base_speed = base_rate;
  base_speed_ = BaseSpeedFilter(constants_);
  requested_ = hull_.highest_speed();
  slow_cap_ = fast_cap_ = hull_.settings().back();
}

int CaloreeController::cap(double deadline_s) {
  if (observed_ == window_) plan(deadline_s);
  return slow_left_ > 0 ? slow_cap_ : fast_cap_;
}

void CaloreeController::observe(double latency_s) {
  if (slow_left_ > 0) --slow_left_;
  if (observed_ == window_) window_s_ = observed_ = 0;
  window_s_ += latency_s;
  ++observed_;
}

void CaloreeController::plan(double deadline_s) {
  const double rate = std::min(caloree_highest_rate, observed_ / window_s_);
  const double goal = deadline_s > 0 ? std::min(caloree_highest_rate, 1 / deadline_s) : caloree_highest_rate;
  window_s_ = observed_ = 0;
  base_speed_.update(rate, requested_);
  requested_ = std::clamp(requested_ + (1 - pole_) * (goal - rate) / base_speed_.value(), 1.0,
                          std::max(1.0, hull_.highest_speed()));
  const EnergyHull::Pair pair = hull_.around(requested_);
  slow_cap_ = pair.lower;
  fast_cap_ = pair.upper;
  const double u = requested_, sl = speedup_[static_cast<size_t>(pair.lower)],
               su = speedup_[static_cast<size_t>(pair.upper)];
  const double share = su > sl ? sl * (su - u) / (u * (su - sl)) : 0;
  slow_left_ = window_ > 1 ? static_cast<int>(window_ * share + 0.5) : 0;
}

Caloree::Caloree(const SchedulerInputs& inputs, const CaloreeSettings& settings)
    : network_(inputs, "caloree", settings.network),
      relearn_(settings.relearn),
      controller_(static_cast<size_t>(inputs.profile.caps()), settings.window) {
  const Profile& profile = inputs.profile;
  const auto caps = static_cast<size_t>(profile.caps());
  rate_ = power_w_ = std::vector<double>(caps, 0);
  has_rate_ = has_power_ = std::vector<char>(caps, 0);
  scaled_ = speedup_ = old_speedup_ = power_table_ = std::vector<double>(caps, 1);
  if (profile.models.size() > 1) {
    speeds_.emplace(curves_of_others(profile, network_.model(), true));
    powers_.emplace(curves_of_others(profile, network_.model(), false));
    const int samples = std::min(settings.samples, profile.caps());
    for (int i = 0; i < samples; ++i)
      sample_caps_.push_back(profile.caps() - 1 -
                             (samples > 1 ? i * (profile.caps() - 1) / (samples - 1) : 0));
    return;
  }
  for (size_t c = 0; c < caps; ++c) {
    const Configuration under = network_.under(static_cast<int>(c));
    speedup_[c] = profile.latency_of(network_.under(0)).mean_s / profile.latency_of(under).mean_s;
    power_table_[c] = profile.active_power_of(network_.model(), under.cap);
  }
  controller_.set_table(speedup_, power_table_, 0, 1);
  controller_.start(1 / profile.latency_of(network_.under(0)).mean_s);
}

Configuration Caloree::decide(const Context& context) {
  idle_charged_s_ = context.idle_charged_s;
  if (sampling()) return network_.under(sample_caps_[sampled_]);
  return network_.under(controller_.cap(network_.deadline_s(context)));
}

void Caloree::observe(const Observation& o) {
  const double latency_s = network_.latency_s(o);
  if (!(std::isfinite(latency_s) && latency_s > 0)) return;
  const auto cap = static_cast<size_t>(o.configuration.cap);
  const bool was_sampling = sampling();
  if (!was_sampling) controller_.observe(latency_s);
  if (!speeds_) return;
  const double rate = std::min(caloree_highest_rate, 1 / latency_s);
  add_sample(was_sampling ? rate : rate / controller_.base_speed(), rate_[cap], has_rate_[cap]);
  if (o.energy_j && o.idle_power_w && o.busy_s > 0) {
    const double idle_j = *o.idle_power_w * (std::max(0.0, o.period_s - o.busy_s) - idle_charged_s_);
    const double active_w = (*o.energy_j - idle_j) / o.busy_s;
    if (std::isfinite(active_w) && active_w > 0) add_sample(active_w, power_w_[cap], has_power_[cap]);
  }
  if (was_sampling) ++sampled_;
  if (was_sampling ? !sampling() : relearn_ > 0 && ++since_learned_ >= relearn_) learn();
}

void Caloree::learn() {
  const bool first = since_learned_ == 0;
  since_learned_ = 0;
  learn_scaled(*speeds_, rate_, has_rate_, scaled_);
  learn_scaled(*powers_, power_w_, has_power_, scaled_);
  old_speedup_ = speedup_;
  const std::vector<double>& speed = speeds_->mean();
  const double slowest = std::max(least_learned, speed[0]);
  double uncertainty = 0, old_sum = 0, new_sum = 0, samples = 0;
  for (size_t c = 0; c < speed.size(); ++c) {
    speedup_[c] = std::max(least_learned, speed[c]) / slowest;
    power_table_[c] = std::max(least_learned, powers_->mean()[c]);
    uncertainty += speeds_->sd()[c] / std::max(least_learned, speed[c]) / static_cast<double>(speed.size());
    if (!has_rate_[c]) continue;
    old_sum += old_speedup_[c];
    new_sum += speedup_[c];
    samples += rate_[c];
  }
  const double delta = 1 + 3 * uncertainty;
  const double pole = delta > 2 ? 1 - 2 / delta : 0;
  // So that the caps sampled have on average the speed that they had.
  const double scale = first ? 1 : new_sum / old_sum;
  controller_.set_table(speedup_, power_table_, pole, scale);
  if (first) {
    controller_.start(samples / new_sum);
    for (double& r : rate_) r *= new_sum / samples;
  } else {
    for (double& r : rate_) r *= scale;
  }
}

}  // namespace alertbench
