// A feedback controller for the power cap alone, after POET (Imes, Kim, Maggio, Hoffmann, RTAS 2015): it
// keeps the rate of inputs at one per deadline with the least energy. It knows speed and power of each cap
// relative to the lowest, nothing of networks, and looks at latencies only.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "core/json_reader.h"
#include "core/profile.h"

namespace alertbench {

struct PoetSettings {
  // Inputs per plan. With more than one, inputs of a slower and a faster cap are mixed so that the *mean*
  // rate meets the goal, which plans to miss the deadlines of the slower ones; so 1 is the default here,
  // where each input has its own.
  int window = 1;
  double pole = 0;                  // of the closed loop, 0 <= pole < 1: 0 corrects an error at once
  double margin = 0;                // share of the deadline taken off the goal, 0 <= margin < 1
  double process_noise = 1e-5;      // Q of the filter on the base speed
  double measurement_noise = 0.01;  // R
  double base_speed = 0.2;          // b at the start, 1/s
  double variance = 1;              // P at the start

  static PoetSettings read(JsonReader reader);  // strict
  nlohmann::ordered_json to_json() const;
};

class PoetController {
 public:
  // speedup: of each cap over the first one, which has 1; power_w: active power under each cap. Both [cap].
  PoetController(std::vector<double> speedup, std::vector<double> power_w, const PoetSettings& settings);
  // Speed-ups and powers of one row of a profile.
  PoetController(const Profile& profile, int model, int stage, const PoetSettings& settings);

  // The cap for the next input. At the start of a window, with R = 1/((1-margin)*deadline), the last window's
  // rate and the speed-up s it really ran at:
  //   P <- P+Q;  K = P*s/(s*P*s+R_noise);  b <- b+K*(rate-s*b);  P <- (1-K*s)*P
  //   s <- clamp(s + (1-pole)*(R-rate)/b, 1, s_max)
  // Then over all pairs of caps with s_u <= s <= s_o, the slower runs first, for
  // floor(w*s_u*(s_o-s)/(s*(s_o-s_u))) inputs; the pair with the least w_u/s_u*p_u + w_o/s_o*p_o is taken.
  // Rounding down can only run faster than planned. Before the first observation s is s_max.
  int cap(double deadline_s);
  void observe(double latency_s);  // seconds; not above 0 or not finite: ignored

  double speedup() const { return wanted_; }
  double base_speed() const { return base_speed_; }

 private:
  void plan(double deadline_s);
  void share_window();

  const std::vector<double> speedup_, power_w_;
  const PoetSettings settings_;
  const double max_speedup_;
  double base_speed_, variance_, wanted_, applied_;
  int slow_cap_ = 0, fast_cap_ = 0, slow_left_ = 0, fast_left_ = 0;
  double window_s_ = 0;
  int observed_ = 0;
};

}  // namespace alertbench
