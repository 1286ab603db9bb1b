// The protocol between the harness and alert-co-runner, over the single descriptor that the child receives.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <ctime>

namespace alertbench {

constexpr int kChannelFd = 3;  // in the child: the memfd of a ControlBlock, or the socket of a supervisor

// Memory shared by the harness and one generator. The harness reads the progress without a system call and
// without disturbing the generator, even after the generator has ended.
struct ControlBlock {
  // Written by the harness.
  std::atomic<uint32_t> running{0};  // futex: 1 while resumed
  std::atomic<double> duty{1};       // processor time over wall time, 0 < duty <= 1
  // Written by the generator, on a cache line of its own.
  alignas(64) std::atomic<uint32_t> ready{0};  // futex: 1 once its memory is touched and it waits
  std::atomic<int32_t> priority_error{0};      // errno with which the kernel refused real-time priority
  std::atomic<uint64_t> units{0};
  std::atomic<uint64_t> busy_ns{0};  // processor time spent in bursts; for a load on the GPU, GPU time
  char error[1024] = {};             // why it gave up; written before it exits
};
static_assert(std::atomic<uint32_t>::is_always_lock_free && std::atomic<uint64_t>::is_always_lock_free &&
              std::atomic<double>::is_always_lock_free && sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));

// Sent by a supervisor; closing the other end of its socket makes it end everything.
struct Report {
  enum Kind : int32_t { started, pin_failed, exec_failed, ended };
  int32_t kind;
  int32_t value;  // started: the process group; *_failed: errno; ended: the status from waitpid
};

// Sleeps while word == expected, for at most timeout_ns (without limit if negative). May wake early.
inline void futex_wait(const std::atomic<uint32_t>& word, uint32_t expected, int64_t timeout_ns = -1) {
  timespec timeout{timeout_ns / 1000000000, timeout_ns % 1000000000};
  syscall(SYS_futex, &word, FUTEX_WAIT, expected, timeout_ns < 0 ? nullptr : &timeout, nullptr, 0);
}
inline void futex_wake(const std::atomic<uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE, INT32_MAX, nullptr, nullptr, 0);
}

}  // namespace alertbench
