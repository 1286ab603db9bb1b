#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "catch.h"
#include "models/aotinductor_package.h"
#include "models/network_file.h"
#include "stored_zip_writer.h"
#include "support.h"

using namespace alertbench;

namespace {

std::string metadata(const std::string& instructions, const std::string& device = "cpu") {
  return nlohmann::json{{"AOTI_DEVICE_KEY", device},     {"AOTI_PLATFORM", "linux"},
                        {"AOTI_MACHINE", "x86_64"},      {"AOTI_CPU_ISA", instructions},
                        {"AOTI_COMPUTE_CAPABILITY", ""}, {"mine", "kept by AOTInductor, passed over here"}}
      .dump();
}

// As PyTorch 2.13 names its members.
ZipMembers package(const std::string& about, const std::string& folder = "net/") {
  const std::string model = folder + "data/aotinductor/model/";
  return {{model + "c6.wrapper.cpp", "int main() {}"},
          {model + "c6.wrapper_metadata.json", about},
          {model + "c6.wrapper.so",
           "\x7f"
           "ELF"},
          {folder + "archive_version", "0"}};
}

AotinductorPackage read(const ZipMembers& members) {
  const TemporaryFile file(stored_zip(members));
  return read_aotinductor_package(file.path);
}

std::string refusal(const ZipMembers& members) {
  return message_of([&] { read(members); });
}

std::string refused_here(const std::string& instructions, const Machine& machine) {
  return message_of([&] { check_machine(read(package(metadata(instructions))), machine, "n.pt2: "); });
}

const Machine epyc{"x86_64", "AMD EPYC", {"avx2", "fma", "f16c"}};

}  // namespace

TEST_CASE("an AOTInductor package says what it was compiled for", "[aotinductor]") {
  for (const char* folder : {"net/", ""}) {
    const AotinductorPackage found = read(package(metadata("AVX512 AVX512_VNNI", "cuda"), folder));
    CHECK(found.model == "model");
    CHECK(found.device == "cuda");
    CHECK(found.machine == "x86_64");
    CHECK(found.instructions == "AVX512 AVX512_VNNI");
  }
}

TEST_CASE("an AOTInductor package that cannot be used is refused with its fault", "[aotinductor]") {
  ZipMembers members = package(metadata("AVX2"));
  members[2].first += "x";
  check_says(refusal(members),
             {"/file: not a usable AOTInductor package", "no shared library", "package_cpp_only"});
  members = package(metadata("AVX2"));
  members.erase(members.begin() + 1);
  check_says(refusal(members), {"does not say what it was compiled for"});
  members = package(metadata("AVX2"));
  members.push_back({"net/data/aotinductor/second/a.so", ""});
  check_says(refusal(members), {"2 models (model, second)"});
  check_says(refusal({{"net/data.pkl", "a state dictionary"}}), {"aoti_compile_and_package"});
  check_says(refusal(package("{\"AOTI_DEVICE_KEY\": \"cpu\"}")), {"metadata", "AOTI_PLATFORM"});
  check_says(refusal(package("no JSON")), {"metadata"});
  const TemporaryFile torn(stored_zip(package(metadata("AVX2"))).substr(0, 100));
  check_says(message_of([&] { read_aotinductor_package(torn.path); }), {torn.path, "truncated"});
}

TEST_CASE("a package for another machine is refused before it is loaded", "[aotinductor]") {
  CHECK(refused_here("AVX2", epyc).empty());
  CHECK(refused_here("INVALID_VEC_ISA", epyc).empty());  // scalar code
  check_says(
      refused_here("AVX512", epyc),
      {"n.pt2: was compiled for processors with AVX512, but this one (AMD EPYC) lacks avx512f, avx512dq, "
       "avx512vl, avx512bw",
       "compile it again"});
  Machine xeon{"x86_64", "Xeon", {"avx2", "fma", "f16c", "avx512f", "avx512dq", "avx512vl", "avx512bw"}};
  CHECK(refused_here("AVX512", xeon).empty());
  check_says(refused_here("AVX512 AVX512_VNNI", xeon), {"lacks avx512_vnni;"});
  xeon.flags.insert("avx512_vnni");
  CHECK(refused_here("AVX512 AVX512_VNNI", xeon).empty());
  check_says(refused_here("AVX512 AVX512_VNNI AMX_TILE", xeon), {"lacks amx_tile, amx_bf16, amx_int8;"});
  check_says(refused_here("AVX2", {"aarch64", "Neoverse-N1", {"asimd"}}),
             {"for x86_64 on linux, but this machine is aarch64"});
  CHECK(message_of<EnvironmentError>([] {
          check_machine(read(package(metadata("AVX2"))), {"x86_64", "?", {}}, "");
        }) == "needs AVX2, but /proc/cpuinfo does not tell what this processor can do");
}

TEST_CASE("what a processor can do is read from /proc/cpuinfo", "[aotinductor]") {
  const Folder root;
  CHECK(this_machine(root.path).flags.empty());
  put(root / "proc/cpuinfo", "processor\t: 0\nmodel name\t: Xeon\nflags\t\t: fpu avx2\n\nflags\t\t: sse\n");
  CHECK(this_machine(root.path).flags == std::set<std::string>{"avx2", "fpu"});
  CHECK(this_machine(root.path).processor == "Xeon");
  put(root / "proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd\n");
  CHECK(this_machine(root.path).flags == std::set<std::string>{"asimd", "fp"});
}

TEST_CASE("native code needs a permission", "[aotinductor]") {
  NetworkSpec n;
  n.name = "fast";
  n.architecture = "aotinductor";
  n.weights = "fast.pt2";
  check_says(message_of([&] { refuse_native_code({n}, "nets.json"); }),
             {"nets.json: networks: fast: fast.pt2 is native code", "--allow-commands"});
  n.architecture = "torchscript";
  CHECK(message_of([&] { refuse_native_code({n}, "nets.json"); }).empty());
}
