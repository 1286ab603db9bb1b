#include "core/arrivals.h"

#include <utility>

namespace alertbench {

Arrivals Arrivals::at(std::vector<double> times_s) {
  if (!times_s.empty()) {
    const double first_s = times_s.front();
    for (double& t : times_s) t -= first_s;
  }
  Arrivals a(timed);
  a.times_s_ = std::make_shared<const std::vector<double>>(std::move(times_s));
  return a;
}

double Arrivals::period_s(int64_t input, double deadline_s) const {
  if (kind_ != timed) return deadline_s;
  return input + 1 < count() ? time_s(input + 1) - time_s(input) : mean_period_s(deadline_s);
}

double Arrivals::mean_period_s(double deadline_s) const {
  if (kind_ != timed || count() < 2) return deadline_s;
  return time_s(count() - 1) / static_cast<double>(count() - 1);
}

}  // namespace alertbench
