// Runs one scheduler over the inputs: decide, execute, observe, judge, record. The code is the same live and
// in replay.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "core/environment.h"
#include "schedulers/scheduler.h"
#include "trace/input_record.h"

namespace alertbench {

class SchedulerRun {
 public:
  using Sink = std::function<void(const InputRecord&)>;

  // `clock` measures the scheduler's own time; it is null in replay, where nothing may depend on real time.
  // `environment` and `clock` must outlive the run.
  SchedulerRun(std::unique_ptr<Scheduler> scheduler, Environment& environment, const Goals& goals,
               Clock* clock, Sink sink);

  // Must be called with inputs in order. Warm-up inputs are not judged. `input_id` is stored in the record.
  void step(int64_t input, bool warmup, bool opens_group, const std::string& input_id);
  GoalVerdict verdict() const { return judge_.verdict(); }  // over the judged inputs so far
  std::optional<Bound> bound() const { return scheduler_->bound(); }

 private:
  std::unique_ptr<Scheduler> scheduler_;
  Environment& environment_;
  Clock* clock_;
  Sink sink_;
  GoalJudge judge_;
  InputRecord record_;
};

}  // namespace alertbench
