// For LD_PRELOAD: faults of a machine that begin once a file is there.
//   FAULT_CLOCK=FILE   the wall clock goes back by an hour, as when somebody sets it
//   FAULT_MEMORY=FILE  nothing is left for tensors: LibTorch's aligned allocations of 16 KiB and more fail
#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>

namespace {

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

bool begun(const char* file) { return file && access(file, F_OK) == 0; }

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static const auto call = real<int(clockid_t, timespec*)>("clock_gettime");
  static const char* const file = std::getenv("FAULT_CLOCK");
  const int result = call(clock, time);
  if (result == 0 && clock == CLOCK_REALTIME && begun(file)) time->tv_sec -= 3600;
  return result;
}

extern "C" int posix_memalign(void** memory, size_t alignment, size_t size) noexcept {
  static const auto call = real<int(void**, size_t, size_t)>("posix_memalign");
  static const char* const file = std::getenv("FAULT_MEMORY");
  return size >= 16384 && begun(file) ? ENOMEM : call(memory, alignment, size);
}
