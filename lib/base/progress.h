// Progress of a long-running task, with the time left: one line rewritten in place on a terminal, an
// occasional plain line elsewhere, nothing if quiet. Always on stderr.
#pragma once

#include <cstdint>
#include <string>

namespace alertbench {

class Progress {
 public:
  explicit Progress(bool quiet);
  void begin(const std::string& what, int64_t steps);
  void step();                         // cheap enough for a tight loop of milliseconds
  void end();                          // leaves a line that says how long it took
  void note(const std::string& line);  // prints a separate line

 private:
  void show(double now);

  bool quiet_, terminal_;
  std::string what_;
  int64_t steps_ = 0, done_ = 0;
  double start_s_ = 0, shown_s_ = 0;
};

}  // namespace alertbench
