#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "contention/protocol.h"

namespace alertbench {

struct GeneratorOptions {
  std::string kind;
  int cpu = -1;
  uint64_t seed = 1;
  int64_t period_ns = 1'500'000;
  uint64_t buffer_bytes = 0;
  bool real_time = false;
};

// Waits and works as block says until it is killed. Throws before block.ready only; on a GPU, which can fail,
// at any time.
[[noreturn]] void generate(const GeneratorOptions& options, ControlBlock& block);

// Runs command until kChannelFd reports end of file, then kills all below this process. The exit status.
int supervise(const std::vector<int>& cpus, char** command);

// False with errno set if not one of them can be used.
bool run_on(const std::vector<int>& cpus);

}  // namespace alertbench
