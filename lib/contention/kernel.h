// A load that is divided into short steps, so that a burst can end on time. A step takes about 10 us on the
// processor and 1 ms on a GPU.
#pragma once

#include <cstdint>
#include <ctime>

namespace alertbench {

struct Kernel {
  virtual ~Kernel() = default;
  virtual uint64_t step() = 0;  // returns the units of work done
  // Returns the time that the steps so far have used of the resource to which the duty applies. On a
  // processor, this is the processor time of the calling thread.
  virtual int64_t busy_ns() const {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * int64_t{1000000000} + t.tv_nsec;
  }
};

}  // namespace alertbench
