// The idle-power ratio phi: power while no network runs, over the power cap in force (ALERT, USENIX ATC
// 2020).
#pragma once

namespace alertbench {

struct IdlePowerConstants {
  double variance = 0.01;            // M at the start
  double process_noise = 0.0001;     // S
  double measurement_noise = 0.001;  // V, > 0
};

class IdlePowerFilter {
 public:
  IdlePowerFilter(const IdlePowerConstants& constants, double ratio)
      : constants_(constants), variance_(constants.variance), ratio_(ratio) {}

  // ratio: idle power over cap. One that is not finite or below 0 changes nothing.
  //   W <- (M+S)/(M+S+V)   M <- (1-W)*(M+S)   phi <- phi + W*(ratio - phi)
  void update(double ratio);

  double ratio() const { return ratio_; }

 private:
  IdlePowerConstants constants_;
  double variance_, ratio_;
};

}  // namespace alertbench
