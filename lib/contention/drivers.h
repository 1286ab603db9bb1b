// The two drivers that make_co_runner uses: one starts our own loads and controls their duty, the other runs
// a command line. Private to this folder.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "contention/co_runner.h"

namespace alertbench {

// Measures the wall time spent resumed.
class ActiveTime {
 public:
  void resume() {
    if (!active_) since_ = Clock::now();
    active_ = true;
  }
  void pause() {
    total_s_ = seconds();
    active_ = false;
  }
  double seconds() const {
    return total_s_ + (active_ ? std::chrono::duration<double>(Clock::now() - since_).count() : 0);
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point since_;
  double total_s_ = 0;
  bool active_ = false;
};

std::unique_ptr<CoRunner> make_generators(const CoRunnerSpec& spec, const std::string& generator_path);
std::unique_ptr<CoRunner> make_command(const CoRunnerSpec& spec, const std::string& generator_path);

}  // namespace alertbench
