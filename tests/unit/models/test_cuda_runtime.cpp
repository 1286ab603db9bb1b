// The GPU's own times, against a fake CUDA runtime: a library with NVIDIA's names and a clock that the
// test moves.
#include <dlfcn.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "catch.h"
#include "models/cuda_runtime.h"
#include "support.h"

using namespace alertbench;

namespace {

// Loaded as LibTorch's are: with RTLD_LOCAL, under a file name with something behind "libcudart".
struct FakeGpu {
  FakeGpu() : library(dlopen(ALERT_FAKE_CUDART, RTLD_NOW | RTLD_LOCAL)) {
    REQUIRE(library);
    reinterpret_cast<void (*)(const char*, int)>(dlsym(library, "fake_gpu_fails"))("", 0);
  }
  void works(double ms) { reinterpret_cast<void (*)(double)>(dlsym(library, "fake_gpu_works"))(ms); }
  void fails(const char* call, int after = 0) {
    reinterpret_cast<void (*)(const char*, int)>(dlsym(library, "fake_gpu_fails"))(call, after);
  }
  int events() { return reinterpret_cast<int (*)()>(dlsym(library, "fake_gpu_events"))(); }
  CudaRuntime runtime() {
    const auto found = CudaRuntime::find("libcudart-stand-in", "libcudart-stand-in");
    REQUIRE(found);
    return *found;
  }
  void* library;
};

}  // namespace

TEST_CASE("the CUDA runtime is found among the loaded libraries, whatever its suffix", "[cuda]") {
  FakeGpu gpu;
  const auto found = CudaRuntime::find("libcudart", "libcudart");
  REQUIRE(found);
  CHECK(found->library.find("libcudart-stand-in.so") != std::string::npos);
  CHECK_FALSE(CudaRuntime::find("libcudart-of-another-name"));
  CHECK_FALSE(CudaRuntime::find("libc.so"));  // loaded, but without events
  CHECK(found->gpu_facts() ==
        nlohmann::ordered_json(
            {{"name", "Made-up GPU"}, {"memory_bytes", size_t{16} << 30}, {"pci_bus_id", "0000:3B:00.0"}}));
  gpu.fails("cudaMemGetInfo");
  CHECK(found->gpu_facts()["memory_bytes"].is_null());
  CHECK(CudaRuntime::find("libcudart", "no driver")->gpu_facts()["name"].is_null());
}

TEST_CASE("device times count from the GPU's start of the run to each stage's end", "[cuda]") {
  FakeGpu gpu;
  const int before = gpu.events();
  {
    DeviceTimer timer(gpu.runtime(), 3);
    CHECK(gpu.events() == before + 4);
    CHECK_FALSE(timer.time_s(0));
    gpu.works(100);  // of another network, still under way when the run begins
    timer.start();
    CHECK_FALSE(timer.time_s(0));
    gpu.works(2);
    timer.end_stage(0);
    gpu.works(3);
    timer.end_stage(1);
    CHECK(*timer.time_s(1) == Approx(5e-3));  // waits for it
    CHECK(*timer.time_s(0) == Approx(2e-3));
    CHECK_FALSE(timer.time_s(2));  // stopped before it

    timer.start();
    CHECK_FALSE(timer.time_s(0));  // nothing is left of the run before
    gpu.works(7);
    timer.end_stage(0);
    CHECK(*timer.time_s(0) == Approx(7e-3));
    CHECK_FALSE(timer.time_s(1));
  }
  CHECK(gpu.events() == before);
}

TEST_CASE("a call that the CUDA runtime refuses is told with its reason", "[cuda]") {
  FakeGpu gpu;
  const int before = gpu.events();
  gpu.fails("cudaEventCreate", 2);
  CHECK_THROWS_WITH(DeviceTimer(gpu.runtime(), 3),
                    "timing the GPU: cudaEventCreate: error 719, unspecified launch failure");
  CHECK(gpu.events() == before);  // those that it had got are given back
  gpu.fails("", 0);
  DeviceTimer timer(gpu.runtime(), 1);
  for (const char* call : {"cudaEventRecord", "cudaEventSynchronize", "cudaEventElapsedTime"}) {
    INFO(call);
    gpu.fails(call);
    const auto message = message_of<RunError>([&] {
      timer.start();
      timer.end_stage(0);
      timer.time_s(0);
    });
    check_says(message, {call, "unspecified launch failure"});
  }
}
