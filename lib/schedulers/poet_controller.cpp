#include "schedulers/poet_controller.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace alertbench {
namespace {

constexpr double highest_rate = 1e100;  // with it nothing overflows

constexpr const char* feedbacks[] = {"requested", "applied"};
constexpr const char* roundings[] = {"nearest", "down"};
constexpr const char* first_rates[] = {"skip", "use"};

// An enumeration by its two words, in their order.
template <class Enum>
void read_word(JsonReader& reader, const char* key, const char* const (&words)[2], Enum& value) {
  value = static_cast<Enum>(reader.one_of(key, words[static_cast<size_t>(value)], {words[0], words[1]}) ==
                            words[1]);
}

std::vector<double> speedups(const Profile& profile, int model, int stage) {
  std::vector<double> result;
  for (int c = 0; c < profile.caps(); ++c)
    result.push_back(profile.latency_of({model, stage, 0}).mean_s /
                     profile.latency_of({model, stage, c}).mean_s);
  return result;
}

std::vector<double> powers(const Profile& profile, int model) {
  std::vector<double> result;
  for (int c = 0; c < profile.caps(); ++c) result.push_back(profile.active_power_of(model, c));
  return result;
}

std::vector<double> quotients(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> result;
  for (size_t i = 0; i < a.size(); ++i) result.push_back(a[i] / b[i]);
  return result;
}

}  // namespace

PoetSettings PoetSettings::read(JsonReader reader, PoetSettings s) {
  constexpr double below_1 = 0.999, large = 1e100;
  s.window = reader.integer("window", s.window, 1, 1000000);
  if (reader.has("pole")) {
    if (reader.has("pole_1"))
      reader.fail("pole", "is the older name of pole_1, which is also set; omit one of them");
    s.pole_1 = reader.number("pole", -below_1, below_1);
  }
  s.pole_1 = reader.number("pole_1", s.pole_1, -below_1, below_1);
  s.pole_2 = reader.number("pole_2", s.pole_2, -below_1, below_1);
  s.zero_1 = reader.number("zero_1", s.zero_1, -below_1, below_1);
  s.mu = reader.number("mu", s.mu, 0, 1);
  read_word(reader, "feedback", feedbacks, s.feedback);
  read_word(reader, "rounding", roundings, s.rounding);
  read_word(reader, "first_rate", first_rates, s.first_rate);
  s.margin = reader.number("margin", s.margin, 0, below_1);
  s.process_noise = reader.number("process_noise", s.process_noise, 0, large);
  s.measurement_noise = reader.number("measurement_noise", s.measurement_noise, 1e-12, large);
  s.base_speed = reader.number("base_speed", s.base_speed, BaseSpeedFilter::lowest, large);
  s.variance = reader.number("variance", s.variance, 0, large);
  reader.finish();
  return s;
}

nlohmann::ordered_json PoetSettings::to_json() const {
  return {{"window", window},
          {"pole_1", pole_1},
          {"pole_2", pole_2},
          {"zero_1", zero_1},
          {"mu", mu},
          {"feedback", feedbacks[static_cast<size_t>(feedback)]},
          {"rounding", roundings[static_cast<size_t>(rounding)]},
          {"first_rate", first_rates[static_cast<size_t>(first_rate)]},
          {"margin", margin},
          {"process_noise", process_noise},
          {"measurement_noise", measurement_noise},
          {"base_speed", base_speed},
          {"variance", variance}};
}

PoetController::PoetController(std::vector<double> speedup, std::vector<double> power_w,
                               const PoetSettings& settings)
    : speedup_(std::move(speedup)),
      input_energy_(quotients(power_w, speedup_)),
      settings_(settings),
      max_speedup_(std::max(1.0, *std::max_element(speedup_.begin(), speedup_.end()))),
      base_speed_(BaseSpeedConstants{settings.base_speed, settings.variance, settings.process_noise,
                                     settings.measurement_noise}),
      requested_(speedup_.back()),
      last_(requested_),
      before_last_(requested_),
      cap_(static_cast<int>(speedup_.size()) - 1),
      slow_cap_(cap_),
      fast_cap_(cap_),
      phase_(settings.first_rate == PoetSettings::FirstRate::skip ? 1 : 0) {}

PoetController::PoetController(const Profile& profile, int model, int stage, const PoetSettings& settings)
    : PoetController(speedups(profile, model, stage), powers(profile, model), settings) {}

int PoetController::cap(double deadline_s) {
  if (!news_) return cap_;
  news_ = false;
  if (phase_ == 0) plan(deadline_s);
  phase_ = (phase_ + 1) % settings_.window;
  cap_ = slow_left_ > 0 ? slow_cap_ : fast_cap_;
  if (slow_left_ > 0) --slow_left_;
  return cap_;
}

void PoetController::observe(double latency_s) {
  if (!(std::isfinite(latency_s) && latency_s > 0)) return;
  if (observed_ == settings_.window) window_s_ = observed_ = 0;  // a rate that no plan took
  window_s_ += latency_s;
  ++observed_;
  news_ = true;
}

void PoetController::plan(double deadline_s) {
  const double p1 = settings_.pole_1, p2 = settings_.pole_2, z1 = settings_.zero_1;
  const double rate = std::min(highest_rate, observed_ / window_s_);
  const double goal =
      deadline_s > 0 ? std::min(highest_rate, 1 / ((1 - settings_.margin) * deadline_s)) : highest_rate;
  const double error = goal - rate;
  window_s_ = observed_ = 0;

  base_speed_.update(rate, last_);

  const double at_once = last_ + error / base_speed(),
               at_once_before = before_last_ + last_error_ / base_speed();
  const double wanted = (p1 + p2) * last_ - p1 * p2 * before_last_ +
                        settings_.mu * (1 - p1) * (1 - p2) / (1 - z1) * (at_once - z1 * at_once_before);
  requested_ = std::clamp(wanted, 1.0, max_speedup_);
  before_last_ = last_;
  last_ = requested_;
  last_error_ = error;
  share_window();
}

void PoetController::share_window() {
  const double half = settings_.rounding == PoetSettings::Rounding::nearest ? 0.5 : 1e-9;
  const int caps = static_cast<int>(speedup_.size()), w = settings_.window;
  const double u = requested_;
  double least = std::numeric_limits<double>::infinity();
  for (int upper = 0; upper < caps; ++upper) {
    const double su = speedup_[static_cast<size_t>(upper)];
    if (su < u) continue;
    for (int lower = 0; lower < caps; ++lower) {
      const double sl = speedup_[static_cast<size_t>(lower)];
      if (sl > u) continue;
      const double share = su > sl ? sl * (su - u) / (u * (su - sl)) : 0;
      const double inputs = w * share + half;  // not a number where speed-ups are infinite
      const int slow = inputs > 0 ? static_cast<int>(std::min(inputs, static_cast<double>(w))) : 0;
      const double cost = slow * input_energy_[static_cast<size_t>(lower)] +
                          (w - slow) * input_energy_[static_cast<size_t>(upper)];
      if (cost >= least) continue;
      least = cost;
      slow_cap_ = lower;
      fast_cap_ = upper;
      slow_left_ = slow;
    }
  }
  if (settings_.feedback == PoetSettings::Feedback::applied)
    last_ = w / (slow_left_ / speedup_[static_cast<size_t>(slow_cap_)] +
                 (w - slow_left_) / speedup_[static_cast<size_t>(fast_cap_)]);
}

}  // namespace alertbench
