#include "base/clock.h"

#include <sys/prctl.h>
#include <time.h>

namespace alertbench {
namespace {

constexpr double spin_s = 120e-6;

double read(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

}  // namespace

SystemClock::SystemClock() {
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}  // of the calling thread: 1 ns, not 50 us

double SystemClock::now_s() { return read(CLOCK_MONOTONIC); }
double SystemClock::processor_s() { return read(CLOCK_THREAD_CPUTIME_ID); }

void SystemClock::sleep_until(double time_s) {
  const double wake_s = time_s - spin_s;
  if (now_s() < wake_s) {
    timespec t{};
    t.tv_sec = static_cast<time_t>(wake_s);
    t.tv_nsec = static_cast<long>((wake_s - static_cast<double>(t.tv_sec)) * 1e9);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr) != 0 && now_s() < wake_s) {
    }
  }
  while (now_s() < time_s) {
  }
}

}  // namespace alertbench
