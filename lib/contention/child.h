// A child process.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace alertbench {

// Owns a file descriptor exclusively, and closes it.
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

// "exited with status 3", "was killed by signal 9 (Killed)"; describes a status from waitpid.
std::string describe_status(int status);

// Descriptors for a child's standard streams; -1: /dev/null for input and output, ours for errors.
struct ChildStreams {
  int in = -1, out = -1, error = -1;
};

class Child {
 public:
  Child() = default;
  // Runs `program` in its own process group. The program gets `channel` as descriptor kChannelFd, and `mark`
  // (process_tree.h) in its environment. This is safe in a process with threads. EnvironmentError if the
  // program cannot be run.
  Child(const std::string& program, const std::vector<std::string>& arguments, int channel,
        const std::string& mark, const ChildStreams& streams = {});
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  ~Child() { kill_and_reap(); }

  pid_t pid() const { return pid_; }
  // Returns the status with which it ended. It does not reap the process, so its process id stays reserved.
  std::optional<int> ended() const;
  // Waits until the process has ended by itself, and reaps it. Returns false if that took longer than
  // timeout_s.
  bool reap(double timeout_s);
  // Returns false if it could not be reaped within a few seconds: nothing ends a process that a driver keeps
  // in the kernel, and waiting for it would prevent the harness from restoring other things it changed.
  bool kill_and_reap();

 private:
  pid_t pid_ = -1;
};

}  // namespace alertbench
