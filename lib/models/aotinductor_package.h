// What an AOTInductor package (.pt2, as torch._inductor.aoti_compile_and_package writes it) says about the
// machine that it was compiled for. A package holds a shared library, so this is read, and compared with the
// machine here, before any of it is loaded: one with instructions that the processor lacks would end the
// program by SIGILL. Needs no LibTorch.
//
// A package is a zip archive of stored members, all of them in a folder of any name or in none. A model lies
// in data/aotinductor/NAME/: the library *.so, and beside it *_metadata.json, an object of strings.
#pragma once

#include <set>
#include <string>

namespace alertbench {

struct AotinductorPackage {
  std::string model;         // NAME, by which LibTorch loads it
  std::string device;        // AOTI_DEVICE_KEY: "cpu", "cuda", ...
  std::string platform;      // AOTI_PLATFORM, Python's sys.platform: "linux"
  std::string machine;       // AOTI_MACHINE, as `uname -m` says it: "x86_64"
  std::string instructions;  // AOTI_CPU_ISA: "AVX2", "AVX512 AVX512_VNNI", "ASIMD", "INVALID_VEC_ISA" (none)
};

// InputError names the file and the fault: it is not such an archive, is damaged, holds several models or
// sources only, or lacks one of these entries.
AotinductorPackage read_aotinductor_package(const std::string& path);

// A machine as the package's words describe it; this one by default.
struct Machine {
  std::string name;             // `uname -m`
  std::string processor;        // for messages
  std::set<std::string> flags;  // of the processor, as in /proc/cpuinfo; empty: not known
};
Machine this_machine(const std::string& root = "");  // `root` stands before /proc

// InputError, whose message begins with `where`, says what the package needs, what the machine has, and what
// helps. Only vector instructions are compared, which is all that a package tells: its compiler may have used
// others of its own machine (-march=native). EnvironmentError if the machine's flags are not known.
void check_machine(const AotinductorPackage& package, const Machine& machine, const std::string& where);

}  // namespace alertbench
