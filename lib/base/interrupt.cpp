#include "base/interrupt.h"

#include <csignal>
#include <initializer_list>

namespace alertbench {
namespace {

volatile std::sig_atomic_t received = 0, continued = 0;

void note(int signal) { received = signal; }

void note_continued(int) { continued = continued + 1; }

}  // namespace

void install_interrupt_handlers() {
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);  // a file beyond the limit is an error of write(), which says what it hit
  struct sigaction note_it {};
  note_it.sa_handler = note_continued;
  note_it.sa_flags = SA_RESTART;
  sigaction(SIGCONT, &note_it, nullptr);
}

bool interrupted() { return received != 0; }
int interrupt_signal() { return received; }
int times_continued() { return continued; }

KeepSignalHandlers::KeepSignalHandlers() : before_(31) {
  for (size_t i = 0; i < before_.size(); ++i) sigaction(static_cast<int>(i) + 1, nullptr, &before_[i]);
}

KeepSignalHandlers::~KeepSignalHandlers() {
  for (size_t i = 0; i < before_.size(); ++i) sigaction(static_cast<int>(i) + 1, &before_[i], nullptr);
}

}  // namespace alertbench
