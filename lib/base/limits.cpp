#include "base/limits.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cerrno>
#include <vector>

#include "base/cgroup.h"

namespace alertbench {
namespace {

std::optional<rlim_t> soft_limit(int resource) {
  rlimit limit{};
  if (getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return {};
  return limit.rlim_cur;
}

std::string mib(double bytes) { return fmt::format("{:.0f} MiB", bytes / (1 << 20)); }

std::string joined(const std::vector<std::string>& limits, const std::string& remedy) {
  return limits.empty() ? "" : fmt::format("; {}: {}", fmt::join(limits, ", "), remedy);
}

std::string process_limits(const std::string& root) {
  std::vector<std::string> limits;
  if (const auto n = soft_limit(RLIMIT_NPROC))
    limits.push_back(fmt::format("the limit on processes and threads of this user (ulimit -u) is {}", *n));
  if (const auto n = read_cgroup_limits(root).most_processes)
    limits.push_back(fmt::format("the limit of this container or job (pids.max) is {}", *n));
  return joined(limits, "raise it, or end other processes");
}

}  // namespace

void raise_limits() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == files.rlim_max) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

std::optional<size_t> file_limit() {
  const auto limit = soft_limit(RLIMIT_NOFILE);
  return limit ? std::optional<size_t>(*limit) : std::nullopt;
}

std::string memory_limits(const std::string& root) {
  std::vector<std::string> limits;
  if (const auto bytes = soft_limit(RLIMIT_AS))
    limits.push_back("the limit on address space (ulimit -v) is " + mib(static_cast<double>(*bytes)));
  if (const auto bytes = soft_limit(RLIMIT_DATA))
    limits.push_back("the limit on data (ulimit -d) is " + mib(static_cast<double>(*bytes)));
  if (const auto bytes = read_cgroup_limits(root).memory_bytes)
    limits.push_back("the memory limit of this container or job is " + mib(static_cast<double>(*bytes)));
  return joined(limits, "raise it");
}

std::string limit_behind(int error, const std::string& root) {
  switch (error) {
    case EAGAIN:
      return process_limits(root);
    case ENOMEM:
      return memory_limits(root);
    case EMFILE:
      if (const auto n = soft_limit(RLIMIT_NOFILE))
        return fmt::format("; the limit on open files (ulimit -n) is {}: raise it", *n);
      return "";
    case ENFILE:
      return "; the whole machine has too many files open (fs.file-max): end other processes";
    case EFBIG:
      if (const auto n = soft_limit(RLIMIT_FSIZE))
        return fmt::format("; the limit on the size of a file (ulimit -f) is {} bytes: raise it", *n);
      return "";
    default:
      return "";
  }
}

}  // namespace alertbench
