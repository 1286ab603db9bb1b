// Ctrl-C and `kill`: the first signal requests an orderly end, the second one ends the program at once.
#pragma once

#include <signal.h>

#include <vector>

namespace alertbench {

void install_interrupt_handlers();  // SIGINT, SIGTERM, SIGHUP; notes SIGCONT
bool interrupted();
int interrupt_signal();  // 0 if there was none
// How often this process was stopped (SIGSTOP, Ctrl-Z, a debugger) and continued: measurements under
// way include the pause.
int times_continued();

// Keeps the signal handlers of this process across the loading of a library: those that the library replaced
// are put back at the end of the scope. (UCX, which Debian 13's LibTorch brings along, takes SIGHUP and the
// signals of crashes when it is loaded.)
class KeepSignalHandlers {
 public:
  KeepSignalHandlers();
  ~KeepSignalHandlers();
  KeepSignalHandlers(const KeepSignalHandlers&) = delete;
  KeepSignalHandlers& operator=(const KeepSignalHandlers&) = delete;

 private:
  std::vector<struct sigaction> before_;  // of the signals 1, 2, ...
};

}  // namespace alertbench
