// The memory that a network needs, computed from its configuration before anything is allocated.
#pragma once

#include <cstdint>
#include <string>

#include "models/network_file.h"

namespace alertbench {

// Returns the least memory that it needs for its parameters and, if the configuration determines them
// (resnet), for the values between two layers, as 32-bit numbers. Returns 0 for TorchScript and
// AOTInductor, whose parameters are in their files. A cascade needs that of all its members, because it loads
// them for itself, even if they are candidates as well.
double memory_needed_bytes(const NetworkSpec& network);

// Returns the memory that this process can use: the least of the machine's memory, the limit of its control
// group, and `ulimit -v`. `root` is for tests.
double memory_limit_bytes(const std::string& root = "");

// InputError that names the network, its parameters and the limit if it cannot fit.
void check_memory(const NetworkSpec& network, double limit_bytes = memory_limit_bytes());

}  // namespace alertbench
