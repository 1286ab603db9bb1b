#pragma once
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catch.h"

namespace alertbench {

// Forks a child that runs `work(step)` without end, and kills it by SIGKILL at the end of `delay_s`, counted
// from its start or, with `after_first_step`, from its first call of `step()`. On a slow machine (sanitizers)
// a child may need longer than any delay to get that far, so tests that must interrupt work wait for its
// first step in some of their rounds. The child's standard error is discarded. It is a failure if the child
// ended by itself.
template <typename Work>
void run_and_kill(Work&& work, double delay_s, bool after_first_step) {
  int steps[2];
  REQUIRE(pipe2(steps, O_CLOEXEC | O_NONBLOCK) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
    try {
      while (true) work([&] { (void)!write(steps[1], "s", 1); });
    } catch (...) {
    }
    _exit(9);
  }
  close(steps[1]);
  char byte;
  // An end of file means that the child ended: the check of its status below says so.
  while (after_first_step && read(steps[0], &byte, 1) < 0) usleep(100);
  usleep(static_cast<useconds_t>(delay_s * 1e6));
  kill(child, SIGKILL);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  close(steps[0]);
  REQUIRE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
}

}  // namespace alertbench
