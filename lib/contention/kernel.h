// A load cut in steps, so that a burst ends in time: about 10 us on the processor, 1 ms on a GPU.
#pragma once

#include <cstdint>
#include <ctime>

namespace alertbench {

struct Kernel {
  virtual ~Kernel() = default;
  virtual uint64_t step() = 0;  // the units of work done
  // What the steps so far have used of that which a duty is a share of. On a processor: the time of the
  // calling thread.
  virtual int64_t busy_ns() const {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * int64_t{1000000000} + t.tv_nsec;
  }
};

}  // namespace alertbench
