// A program that is asked line by line over its standard input and output. Lines on its standard error go to
// ours, with a name in front.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "contention/supervised_command.h"

namespace alertbench {

// Once this object or this process is gone, so are the program and all that it began. To be used by one
// thread at a time.
class SchedulerProcess {
 public:
  // Starts `command`, on the processors of the calling thread. `who` opens the messages of all errors, `name`
  // what it prints on standard error. No answer may take longer than timeout_s. Throws what
  // SupervisedCommand::start() throws, and EnvironmentError if a limit of this process was hit.
  SchedulerProcess(const std::vector<std::string>& command, std::string who, std::string name,
                   double timeout_s);
  // Closes the program's input, gives it a moment to end, and kills what is left.
  ~SchedulerProcess();

  // Sends a line (which ends in '\n'), and returns the line that it answers (without), which stays valid
  // until the next call. RunError if it ended, took too long, or wrote anything else.
  std::string_view ask(std::string_view line);
  // Sends a line that has no answer. RunError if the program ended, or does not read.
  void tell(std::string_view line);

 private:
  enum class Waiting { to_send, for_answer };

  void send_line(std::string_view line, double give_up_s);
  // Returns when the program is ready for it. RunError if the program ended, or at give_up_s (monotonic).
  void wait(Waiting what, double give_up_s);
  void pass_on_errors();
  void say_error_line();
  [[noreturn]] void ended();

  const std::string who_, name_;
  const double timeout_s_;
  SupervisedCommand command_;
  Descriptor input_, output_, errors_;  // the other ends of its standard streams
  std::string received_;
  size_t answered_ = 0;     // bytes of the last answer in received_
  std::string error_line_;  // what it wrote to standard error since the last line break
  std::string last_words_;  // the last line there that was not blank
};

}  // namespace alertbench
