// A feedback controller for the power cap alone, after POET (Imes, Kim, Maggio, Hoffmann, RTAS 2015): it
// keeps the rate of inputs at one per deadline with the least energy. It knows the speed and power of each
// cap relative to the lowest, knows nothing about networks, and observes only latencies. With the defaults it
// does what libpoet (the authors' library of 2017) does, call by call; every difference is a setting or is
// stated here.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <utility>
#include <vector>

#include "base/json_reader.h"
#include "core/profile.h"
#include "estimate/base_speed_filter.h"

namespace alertbench {

struct PoetSettings {
  enum class Feedback { requested, applied };
  enum class Rounding { nearest, down };
  enum class FirstRate { skip, use };

  // Inputs per plan. With more than one, inputs of a slower and a faster cap are mixed so that the *mean*
  // rate meets the goal, so the slower ones are planned to miss their deadlines. The default is therefore 1
  // here, where each input has its own deadline. libpoet leaves the choice to its user, who typically uses 20
  // to 50.
  int window = 1;
  // The controller in its general form: -1 < pole, zero < 1. With all at 0, an error is corrected at once
  // (libpoet's default); libpoet's slow preset is 0.1, 0.8, zero 0.7. The key "pole" sets pole_1.
  double pole_1 = 0, pole_2 = 0, zero_1 = 0;
  double mu = 1;  // 0 <= mu <= 1: below 1, part of the error is never corrected
  // The speed-up that filter and controller use as the last one: the requested one (libpoet), or that of the
  // caps that actually ran. No cap has exactly the requested speed-up. With `requested` the difference
  // remains an error, which makes the cap alternate until the mean rate is right; with `applied` it is
  // ignored.
  Feedback feedback = Feedback::requested;
  // How the slower cap's share of a plan is rounded. libpoet rounds to the nearest number of inputs: with a
  // window of 1, the slower cap runs whenever its share is at least half. `down` can only run faster than
  // planned.
  Rounding rounding = Rounding::nearest;
  // libpoet makes its first plan after input number `window`, and with a window of 1 after the second (it
  // discards the first rate). `use` plans after the first input, whatever the window.
  FirstRate first_rate = FirstRate::skip;
  double margin = 0;  // share of the deadline subtracted from the goal, 0 <= margin < 1; libpoet: none
  double process_noise = 1e-5;      // Q of the filter on the base speed
  double measurement_noise = 0.01;  // R
  double base_speed = 0.2;          // x at the start, 1/s
  double variance = 1;              // P at the start

  static PoetSettings read(JsonReader reader, PoetSettings defaults);  // strict
  static PoetSettings read(JsonReader reader) { return read(std::move(reader), {}); }
  nlohmann::ordered_json to_json() const;
};

class PoetController {
 public:
  // `speedup` is the speed of each cap relative to the first one, whose value is 1; `power_w` is the active
  // power under each cap. Both are [cap], finite and above 0; they need not increase.
  PoetController(std::vector<double> speedup, std::vector<double> power_w, const PoetSettings& settings);
  // Uses the speed-ups and powers of one row of a profile.
  PoetController(const Profile& profile, int model, int stage, const PoetSettings& settings);

  // Returns the cap for the next input: the last one (uncapped) before anything was observed. After an
  // observation it does what one call of libpoet's apply_control() does, with the rate of the last `window`
  // inputs, which is their number divided by the sum of their latencies. Without a new observation the cap
  // does not change.
  //
  // Such a call makes a new plan if its number (from 1) is a multiple of the window, with `first_rate` as
  // above. With R = 1/((1-margin)*deadline), r the rate, e = R-r, u1 and u2 the last two speed-ups (at the
  // start that of the last cap), e1 the error of the previous plan (at the start 1):
  //   P <- P+Q;  K = P*u1/(u1*P*u1+R_noise);  x <- x+K*(r-u1*x);  P <- (1-K*u1)*P
  //   u = (p1+p2)*u1 - p1*p2*u2 + mu*(1-p1)*(1-p2)/(1-z1) * ((u1+e/x) - z1*(u2+e1/x)), within [1, s_max]
  // Then over all pairs of caps with s_l <= u <= s_u, in the outer loop the upper one, the lower cap gets
  // w*s_l*(s_u-u)/(u*(s_u-s_l)) inputs of the plan, rounded (none of equal speed-ups); the first pair with
  // the least l/s_l*p_l + (w-l)/s_u*p_u is taken. The lower cap runs first; until the next plan the upper
  // one.
  //
  // It always returns a cap: a deadline that is not above 0 requests the highest speed, rates and goals are
  // limited to at most 1e100, and x to at least 1e-12.
  int cap(double deadline_s);
  void observe(double latency_s);  // seconds; a value that is not above 0 or not finite is ignored

  double speedup() const { return requested_; }
  double base_speed() const { return base_speed_.value(); }

 private:
  void plan(double deadline_s);
  void share_window();

  const std::vector<double> speedup_, input_energy_;  // energy: of one input, over that at speed-up 1 and 1 W
  const PoetSettings settings_;
  const double max_speedup_;
  BaseSpeedFilter base_speed_;
  double requested_, last_, before_last_;  // u, u1, u2
  double last_error_ = 1;
  int cap_, slow_cap_, fast_cap_, slow_left_ = 0;
  int phase_;            // 0: the next call plans
  double window_s_ = 0;  // latencies since the last plan, `window` of them at most
  int observed_ = 0;     // ... and how many
  bool news_ = false;    // since the last call of cap()
};

}  // namespace alertbench
