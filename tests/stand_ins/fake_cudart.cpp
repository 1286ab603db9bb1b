// A stand-in for NVIDIA's libcudart and libcuda: the same names and signatures, a GPU whose clock is moved by
// the test (fake_gpu_works), and calls that fail when told to (fake_gpu_fails). As on a GPU, an event has its
// time only once the work before it is done, and reading it before that is an error.
#include <cstddef>
#include <cstring>
#include <map>
#include <string>

namespace {

constexpr int success = 0, invalid_value = 1, not_ready = 600;

double clock_ms = 5, queued_ms = 0;  // what has been worked off, and what waits to be
int events = 0;
std::string failing;  // the name of the call that fails
int failing_after = 0;
struct FakeEvent {
  double at_ms = -1;  // when it will have happened; below 0: not recorded
};

int outcome(const char* call) { return failing == call && failing_after-- <= 0 ? 719 : success; }

int copy_text(char* to, int length, const char* text) {
  if (static_cast<size_t>(length) <= std::strlen(text)) return invalid_value;
  std::strcpy(to, text);
  return success;
}

}  // namespace

extern "C" {

// For the test.
void fake_gpu_works(double ms) { queued_ms += ms; }
void fake_gpu_fails(const char* call, int after) {
  failing = call;
  failing_after = after;
}
int fake_gpu_events() { return events; }

int cudaEventCreate(void** event) {
  if (const int code = outcome("cudaEventCreate")) return code;
  *event = new FakeEvent;
  ++events;
  return success;
}

int cudaEventRecord(void* event, void* stream) {
  if (stream) return invalid_value;  // LibTorch's work is on the default stream
  if (const int code = outcome("cudaEventRecord")) return code;
  static_cast<FakeEvent*>(event)->at_ms = clock_ms + queued_ms;
  return success;
}

int cudaEventSynchronize(void* event) {
  if (const int code = outcome("cudaEventSynchronize")) return code;
  const double at_ms = static_cast<FakeEvent*>(event)->at_ms;
  if (at_ms > clock_ms) queued_ms -= at_ms - clock_ms, clock_ms = at_ms;
  return success;
}

int cudaEventElapsedTime(float* ms, void* from, void* to) {
  if (const int code = outcome("cudaEventElapsedTime")) return code;
  const double start = static_cast<FakeEvent*>(from)->at_ms, end = static_cast<FakeEvent*>(to)->at_ms;
  if (start < 0 || end < 0) return invalid_value;
  if (end > clock_ms) return not_ready;
  *ms = static_cast<float>(end - start);
  return success;
}

int cudaEventDestroy(void* event) {
  delete static_cast<FakeEvent*>(event);
  --events;
  return success;
}

const char* cudaGetErrorString(int code) {
  return code == 719         ? "unspecified launch failure"
         : code == not_ready ? "device not ready"
                             : "invalid argument";
}

int cudaMemGetInfo(size_t* free, size_t* total) {
  if (const int code = outcome("cudaMemGetInfo")) return code;
  *free = size_t{3} << 30;
  *total = size_t{16} << 30;
  return success;
}

int cudaDeviceGetPCIBusId(char* text, int length, int device) {
  return device == 0 ? copy_text(text, length, "0000:3B:00.0") : invalid_value;
}
int cuDeviceGetName(char* text, int length, int device) {
  return device == 0 ? copy_text(text, length, "Made-up GPU") : invalid_value;
}

}  // extern "C"
