// The child processes of a co-runner; started by the harness alone (lib/contention/co_runner.h):
//   alert-co-runner --parent PID --kind KIND [--cpu N] [--seed N] [--period-ns N] [--buffer-bytes N]
//                   [--priority normal|real-time]
//   alert-co-runner --supervise [--cpu N]... -- COMMAND...
// Descriptor 3 is the ControlBlock of the first, and the socket of the second.
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "base/error.h"
#include "contention/kinds.h"
#include "modes.h"

using namespace alertbench;

namespace {

int usage() {
  std::fputs("alert-co-runner is part of alert-bench, which starts it; see alert-bench list co-runners\n",
             stderr);
  return static_cast<int>(ExitCode::bad_input);
}

int generator_main(const GeneratorOptions& options, pid_t parent) {
  // The check closes the gap before the kernel was asked.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) return static_cast<int>(ExitCode::run_failed);
  struct stat channel;
  if (fstat(kChannelFd, &channel) != 0 || channel.st_size != sizeof(ControlBlock)) return usage();
  void* at = mmap(nullptr, sizeof(ControlBlock), PROT_READ | PROT_WRITE, MAP_SHARED, kChannelFd, 0);
  if (at == MAP_FAILED) return static_cast<int>(ExitCode::run_failed);
  auto& block = *static_cast<ControlBlock*>(at);
  try {
    generate(options, block);
  } catch (const std::exception& e) {
    std::strncpy(block.error, e.what(), sizeof block.error - 1);
    const auto* known = dynamic_cast<const Error*>(&e);
    return static_cast<int>(known ? known->code() : ExitCode::run_failed);
  }
}

}  // namespace

int main(int argc, char** argv) {
  // What others in the harness left open without close-on-exec.
  syscall(SYS_close_range, kChannelFd + 1, ~0u, 0);
  GeneratorOptions options;
  std::vector<int> cpus;
  pid_t parent = 0;
  bool supervisor = false;
  for (int i = 1; i < argc; ++i) {
    const std::string key = argv[i];
    if (key == "--supervise") {
      supervisor = true;
      continue;
    }
    if (i + 1 == argc) return usage();
    if (key == "--") return supervisor ? supervise(cpus, argv + i + 1) : usage();
    const char* value = argv[++i];
    if (key == "--kind")
      options.kind = value;
    else if (key == "--cpu")
      cpus.push_back(options.cpu = std::atoi(value));
    else if (key == "--seed")
      options.seed = std::strtoull(value, nullptr, 10);
    else if (key == "--period-ns")
      options.period_ns = std::atoll(value);
    else if (key == "--buffer-bytes")
      options.buffer_bytes = std::strtoull(value, nullptr, 10);
    else if (key == "--priority")
      options.real_time = std::strcmp(value, "real-time") == 0;
    else if (key == "--parent")
      parent = std::atoi(value);
    else
      return usage();
  }
  const auto& kinds = co_runner_kinds();
  const bool known = std::any_of(kinds.begin(), kinds.end(),
                                 [&](const auto& k) { return k.own() && k.name == options.kind; });
  if (supervisor || !parent || !known) return usage();
  return generator_main(options, parent);
}
