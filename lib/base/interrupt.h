// Ctrl-C and `kill`: the first signal requests an orderly end, the second one ends the program at once.
#pragma once

namespace alertbench {

void install_interrupt_handlers();  // SIGINT, SIGTERM, SIGHUP; notes SIGCONT
bool interrupted();
int interrupt_signal();  // 0 if there was none
// How often this process was stopped (SIGSTOP, Ctrl-Z, a debugger) and continued: measurements under
// way include the pause.
int times_continued();

}  // namespace alertbench
