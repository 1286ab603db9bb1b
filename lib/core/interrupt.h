// Ctrl-C and `kill`: the first one asks for an orderly end, a second one ends at once.
#pragma once

namespace alertbench {

void install_interrupt_handlers();  // SIGINT, SIGTERM, SIGHUP
bool interrupted();
int interrupt_signal();  // 0 where there was none

}  // namespace alertbench
