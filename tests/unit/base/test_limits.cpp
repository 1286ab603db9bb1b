#include <sys/resource.h>

#include <cerrno>

#include "base/cgroup.h"
#include "base/limits.h"
#include "support.h"

using namespace alertbench;

namespace {

// For the life of the object.
struct SoftLimit {
  SoftLimit(int what, rlim_t value) : resource(static_cast<__rlimit_resource_t>(what)) {
    getrlimit(resource, &before);
    rlimit lower = before;
    lower.rlim_cur = value;
    setrlimit(resource, &lower);
  }
  ~SoftLimit() { setrlimit(resource, &before); }

  __rlimit_resource_t resource;
  rlimit before{};
};

}  // namespace

TEST_CASE("limits: of version 2, the tightest on the way up counts", "[limits]") {
  Folder root;
  put(root / "proc/self/cgroup", "0::/pods/mine\n");
  put(root / "proc/self/mountinfo",
      "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
  CHECK_FALSE(read_cgroup_limits(root.path).cpu_quota);
  put(root / "sys/fs/cgroup/pods/mine/cpu.max", "max 100000\n");
  put(root / "sys/fs/cgroup/pods/mine/memory.max", "1073741824\n");
  put(root / "sys/fs/cgroup/pods/mine/pids.max", "max\n");
  put(root / "sys/fs/cgroup/pods/cpu.max", "150000 100000\n");
  put(root / "sys/fs/cgroup/pods/cpu.stat",
      "usage_usec 5\nnr_periods 100\nnr_throttled 52\nthrottled_usec 810000\n");
  put(root / "sys/fs/cgroup/pods/memory.max", "536870912\n");
  put(root / "sys/fs/cgroup/pods/pids.max", "33\n");
  CgroupLimits limits = read_cgroup_limits(root.path);
  CHECK(*limits.cpu_quota == Approx(1.5));
  CHECK(limits.throttled_periods == 52);
  CHECK(*limits.throttled_s == Approx(0.81));
  CHECK(limits.memory_bytes == 536870912);
  CHECK(limits.most_processes == 33);
  put(root / "sys/fs/cgroup/pods/mine/cpu.max", "50000 100000\n");
  put(root / "sys/fs/cgroup/pods/mine/cpu.stat", "nr_throttled 8\nthrottled_usec 190000\n");
  limits = read_cgroup_limits(root.path);
  CHECK(*limits.cpu_quota == Approx(0.5));
  CHECK(limits.throttled_periods == 60);
  CHECK(*limits.throttled_s == Approx(1.0));
}

TEST_CASE("limits: of version 1, and of a container that sees its own group as the top", "[limits]") {
  Folder root;
  put(root / "proc/self/cgroup",
      "4:memory:/docker/ab\n3:cpu,cpuacct:/docker/ab\n1:name=systemd:/docker/ab\n0::/\n");
  put(root / "proc/self/mountinfo",
      "40 39 0:30 /docker/ab /sys/fs/cgroup/cpu,cpuacct ro,nosuid - cgroup cgroup rw,cpu,cpuacct\n"
      "41 39 0:31 /docker/ab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  put(root / "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "200000\n");
  put(root / "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  put(root / "sys/fs/cgroup/cpu,cpuacct/cpu.stat",
      "nr_periods 9\nnr_throttled 3\nthrottled_time 2500000000\n");
  put(root / "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  CgroupLimits limits = read_cgroup_limits(root.path);
  CHECK(*limits.cpu_quota == Approx(2));
  CHECK(limits.throttled_periods == 3);
  CHECK(*limits.throttled_s == Approx(2.5));
  CHECK_FALSE(limits.memory_bytes);
  put(root / "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  limits = read_cgroup_limits(root.path);
  CHECK_FALSE(limits.cpu_quota);
  CHECK_FALSE(limits.throttled_periods);
}

TEST_CASE("limits: an error that a limit is behind names it and its remedy", "[limits]") {
  Folder root;
  put(root / "proc/self/cgroup", "0::/\n");
  put(root / "proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  put(root / "sys/fs/cgroup/pids.max", "17\n");
  put(root / "sys/fs/cgroup/memory.max", "268435456\n");
  const auto says = [&](int error, std::initializer_list<const char*> parts) {
    for (const char* part : parts)
      CHECK_THAT(limit_behind(error, root.path), Catch::Matchers::ContainsSubstring(part));
  };
  {
    // A petabyte: AddressSanitizer alone maps tens of terabytes, and must still be able to grow.
    const SoftLimit processes(RLIMIT_NPROC, 11), memory(RLIMIT_AS, rlim_t{1} << 50),
        size(RLIMIT_FSIZE, 30000);
    says(EAGAIN, {"ulimit -u) is 11", "pids.max) is 17", "raise it"});
    says(ENOMEM, {"ulimit -v) is 1073741824 MiB", "container or job is 256 MiB"});
    says(EFBIG, {"ulimit -f) is 30000 bytes"});
  }
  const SoftLimit files(RLIMIT_NOFILE, 200);
  says(EMFILE, {"ulimit -n) is 200"});
  CHECK(file_limit() == 200);
  CHECK(limit_behind(ENOENT, root.path).empty());
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  raise_limits();
  rlimit raised{};
  getrlimit(RLIMIT_NOFILE, &raised);
  CHECK(raised.rlim_cur == before.rlim_max);
}
