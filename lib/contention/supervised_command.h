// A command line below a supervisor process (alert-co-runner --supervise). Once this object or this process
// is gone, however it ended, the supervisor kills all that came of the command, also what left its process
// group.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "contention/child.h"

namespace alertbench {

// To be used by one thread at a time.
class SupervisedCommand {
 public:
  // `who` opens the messages of all errors.
  explicit SupervisedCommand(std::string who) : who_(std::move(who)) {}
  ~SupervisedCommand();

  // Runs `command` (argv, searched on PATH, without a shell) in its own process group, on these processors
  // (none: those of the calling thread). `generator_path` is the program of find_generator(). InputError if
  // the command cannot be executed, EnvironmentError if it cannot be confined to the processors, RunError if
  // the supervisor ended.
  void start(const std::string& generator_path, const std::vector<std::string>& command,
             const std::vector<int>& cpus, const ChildStreams& streams = {});
  bool started() const { return group_ > 0; }

  // Returns why it runs no more, such as "exited with status 3", after at most timeout_ms; empty if it runs.
  const std::string& why_ended(int timeout_ms) const;
  int end_descriptor() const { return socket_.get(); }  // readable once it has ended
  // To its process group; nothing if that is gone.
  void signal(int signal) const;
  pid_t supervisor() const { return supervisor_.pid(); }  // below 0: none

  // RunError if a process is left that cannot be killed (see require_none_left).
  void stop();

 private:
  std::string who_;
  Descriptor socket_;
  Child supervisor_;
  pid_t group_ = -1;
  std::string mark_;
  mutable std::string why_ended_;
};

}  // namespace alertbench
