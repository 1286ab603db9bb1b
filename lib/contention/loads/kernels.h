// The loads on the processor.
#pragma once

#include <cstdint>
#include <memory>

#include "contention/kernel.h"

namespace alertbench {

std::unique_ptr<Kernel> make_compute_kernel(uint64_t seed);
std::unique_ptr<Kernel> make_matrix_kernel(uint64_t seed);
std::unique_ptr<Kernel> make_memory_kernel(uint64_t buffer_bytes);

}  // namespace alertbench
