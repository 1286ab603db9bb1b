// What a network takes of the memory, counted from its configuration before anything is allocated.
#pragma once

#include <cstdint>
#include <string>

#include "models/network_file.h"

namespace alertbench {

// Of its parameters, and of the values between two layers where the configuration tells (resnet), in 32-bit
// numbers: the least it can do with. Of TorchScript, whose parameters lie in its file, 0.
double memory_needed_bytes(const NetworkSpec& network);

// The memory that this process can have: the machine's, the limit of its control group, that of `ulimit -v`.
// `root` is for tests.
double memory_limit_bytes(const std::string& root = "");

// InputError that names the network, its parameters and the limit where it cannot fit.
void check_memory(const NetworkSpec& network, double limit_bytes = memory_limit_bytes());

}  // namespace alertbench
