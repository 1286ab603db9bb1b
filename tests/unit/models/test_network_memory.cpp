#include <nlohmann/json.hpp>

#include "catch.h"
#include "models/network_memory.h"
#include "support.h"

using namespace alertbench;

namespace {

NetworkSpec resnet(int width, int blocks, int side) {
  NetworkSpec n;
  n.name = "wide";
  n.architecture = "resnet";
  n.resnet.input_size = side;
  n.resnet.stem_width = width;
  n.resnet.groups = {{blocks, width, 1}};
  return n;
}

constexpr double gib = 1024.0 * 1024.0 * 1024.0;

}  // namespace

TEST_CASE("memory of a network: its parameters, and the widest layer", "[network-memory]") {
  const NetworkSpec n = resnet(16, 2, 32);
  const double parameters = static_cast<double>(n.parameters());
  CHECK(memory_needed_bytes(n) > 4 * parameters);
  CHECK(memory_needed_bytes(n) < 4 * parameters + 1e6);
  NetworkSpec lstm;
  lstm.architecture = "lstm";
  CHECK(memory_needed_bytes(lstm) == 4.0 * static_cast<double>(lstm.parameters()));
}

TEST_CASE("a network beyond the memory is refused before it is made", "[network-memory]") {
  CHECK(message_of([] { check_memory(resnet(16, 2, 32), gib); }) == "");
  check_says(message_of([] { check_memory(resnet(4096, 200, 28), 64 * gib); }),
             {"\"wide\"", "parameters", "GiB", "64.0 GiB of memory"});
  // Few parameters, but a huge layer.
  check_says(message_of([] { check_memory(resnet(4096, 1, 1024), 8 * gib); }), {"8.0 GiB of memory"});
  NetworkSpec bert;
  bert.name = "reader";
  bert.architecture = "bert";
  bert.bert.hidden = 4096;
  bert.bert.intermediate = 65536;
  bert.bert.layers = 96;
  check_says(message_of([&] { check_memory(bert, 128 * gib); }), {"\"reader\""});
}

TEST_CASE("the memory is the machine's, or what its control group leaves", "[network-memory]") {
  const Folder root;
  put(root / "proc/meminfo", "MemTotal:        4194304 kB\nMemFree:         1000 kB\n");
  CHECK(memory_limit_bytes(root.path) == 4 * gib);
  put(root / "sys/fs/cgroup/memory.max", "max\n");
  CHECK(memory_limit_bytes(root.path) == 4 * gib);
  put(root / "sys/fs/cgroup/memory.max", "1073741824\n");
  CHECK(memory_limit_bytes(root.path) == gib);
  put(root / "sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
  CHECK(memory_limit_bytes(root.path) == gib / 2);
  // A job's group lies below the top.
  put(root / "proc/self/cgroup", "0::/slurm/job_7\n");
  put(root / "proc/self/mountinfo", "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  put(root / "sys/fs/cgroup/slurm/job_7/memory.max", "268435456\n");
  CHECK(memory_limit_bytes(root.path) == gib / 4);
  CHECK(memory_limit_bytes() > 0);
}
