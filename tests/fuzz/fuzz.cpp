// libFuzzer's entry. ALERT_FUZZ_READER names the reader; --list, and nothing else, prints the names. See
// scripts/fuzz.sh.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "reader.h"
#include "scratch.h"

namespace {
const fuzz::Reader* reader = nullptr;
}

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  if (*argc == 2 && std::strcmp((*argv)[1], "--list") == 0) {
    for (const fuzz::Reader& r : fuzz::readers()) std::puts(r.name);
    std::exit(0);
  }
  const char* name = std::getenv("ALERT_FUZZ_READER");
  reader = &fuzz::reader_named(name ? name : "");
  fuzz::scratch_folder();
  std::atexit([] { std::fprintf(stderr, "slowest: %.3f ms\n", 1e3 * fuzz::slowest_s()); });
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  fuzz::run(*reader, {reinterpret_cast<const char*>(data), size});
  return 0;
}
