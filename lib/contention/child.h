// One child process. Only for this folder.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace alertbench {

// Closes it; owns it alone.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { reset(); }
  void reset();
  int get() const { return fd_; }

 private:
  int fd_;
};

// "exited with status 3", "was killed by signal 9 (Killed)"; of a status as waitpid gives it.
std::string describe_status(int status);

class Child {
 public:
  Child() = default;
  // Runs program, which gets channel as descriptor kChannelFd and mark (process_tree.h) in its environment,
  // in a process group of its own, with stdin and stdout on /dev/null. Safe in a process with threads.
  // EnvironmentError if it cannot be run.
  Child(const std::string& program, const std::vector<std::string>& arguments, int channel,
        const std::string& mark);
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  ~Child() { kill_and_reap(); }

  pid_t pid() const { return pid_; }
  // The status it ended with. Does not reap it, so that its process id stays taken.
  std::optional<int> ended() const;
  // True once it has ended by itself and is reaped, false if that took longer than timeout_s.
  bool reap(double timeout_s);
  // False where it could not be reaped within some seconds: nothing ends a process that a driver keeps in the
  // kernel, and waiting for it would keep the harness from putting back what else it changed.
  bool kill_and_reap();

 private:
  pid_t pid_ = -1;
};

}  // namespace alertbench
