// Our own loads on the processor. contention/kinds.cpp says which kind of co-runner each is.
#pragma once

#include <memory>

#include "contention/kinds.h"

namespace alertbench {

std::unique_ptr<Kernel> make_compute_kernel(const KernelSettings& settings);
std::unique_ptr<Kernel> make_matrix_kernel(const KernelSettings& settings);
std::unique_ptr<Kernel> make_memory_kernel(const KernelSettings& settings);

}  // namespace alertbench
