// Time, passed in wherever something waits or measures, so that tests can use a fake clock.
#pragma once

namespace alertbench {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual double now_s() = 0;                   // monotonic, from an arbitrary start
  virtual void sleep_until(double time_s) = 0;  // returns at once if that time has passed
  virtual double processor_s() = 0;             // processor time of the calling thread
};

// CLOCK_MONOTONIC. sleep_until() sleeps until shortly before the time, then spins: a plain sleep returns 0.1
// to 0.2 ms late.
class SystemClock : public Clock {
 public:
  SystemClock();
  double now_s() override;
  void sleep_until(double time_s) override;
  double processor_s() override;
};

}  // namespace alertbench
