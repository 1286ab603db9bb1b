// Ctrl-C and `kill`: the first one asks for an orderly end, a second one ends at once.
#pragma once

namespace alertbench {

void install_interrupt_handlers();  // SIGINT, SIGTERM, SIGHUP; notes SIGCONT
bool interrupted();
int interrupt_signal();  // 0 where there was none
// How often this process was stopped (SIGSTOP, Ctrl-Z, a debugger) and continued: what was measured meanwhile
// took that long.
int times_continued();

}  // namespace alertbench
