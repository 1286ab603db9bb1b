// The two loads, cut in steps of about 10 us so that a burst ends in time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

namespace alertbench {

struct Kernel {
  virtual ~Kernel() = default;
  virtual uint64_t step() = 0;  // the units of work done
};

std::unique_ptr<Kernel> make_compute_kernel(uint64_t seed);
std::unique_ptr<Kernel> make_memory_kernel(uint64_t buffer_bytes);

}  // namespace alertbench
