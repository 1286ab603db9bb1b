#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/sha256.h"
#include "catch.h"
#include "host/host.h"
#include "result/manifest.h"
#include "result/result_content.h"
#include "support.h"

using namespace alertbench;
namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;

namespace {

long files_in(const std::string& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

}  // namespace

TEST_CASE("SHA-256 of known texts and files", "[manifest]") {
  CHECK(sha256_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Folder folder;
  put(folder / "abc", "abc");
  const FileFact fact = hash_file(folder / "abc");
  CHECK(fact.sha256 == sha256_of("abc"));
  CHECK(fact.bytes == 3);
  const std::string large(1 << 17, 'x');  // two whole pieces
  put(folder / "large", large);
  CHECK(hash_file(folder / "large").sha256 == sha256_of(large));
  CHECK_THROWS_AS(hash_file(folder / "none"), InputError);
  CHECK_THROWS_AS(hash_file(folder.path), InputError);
}

TEST_CASE("an atomic write replaces a file, or leaves it as it was", "[manifest]") {
  Folder folder;
  write_file_atomically(folder / "a", "one");
  write_file_atomically(folder / "a", "two");
  CHECK(content_of(folder / "a") == "two");
  CHECK(files_in(folder.path) == 1);

  CHECK_THROWS_AS(write_file_atomically("/dev/full", "x"), RunError);
  CHECK(fs::is_character_file("/dev/full"));
  CHECK_THROWS_WITH(write_file_atomically(folder / "none/a", "x"),
                    ContainsSubstring("none/a") && ContainsSubstring("No such file"));

  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit tight = before;
  tight.rlim_cur = 100;
  setrlimit(RLIMIT_FSIZE, &tight);
  std::string message;
  try {
    write_file_atomically(folder / "a", std::string(1000, 'x'));
  } catch (const RunError& e) {
    message = e.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  CHECK_THAT(message, ContainsSubstring(folder / "a") && ContainsSubstring("too large"));
  CHECK(content_of(folder / "a") == "two");
  CHECK(files_in(folder.path) == 1);
}

TEST_CASE("an atomic file in pieces is there when it is whole", "[manifest]") {
  Folder folder;
  put(folder / "a", "old");
  {
    AtomicFile file(folder / "a");
    file.append("ne");
    CHECK(content_of(folder / "a") == "old");
  }
  CHECK(content_of(folder / "a") == "old");
  CHECK(files_in(folder.path) == 1);
  AtomicFile file(folder / "a");
  file.append("ne");
  file.append("w");
  file.commit();
  CHECK(content_of(folder / "a") == "new");
  CHECK(files_in(folder.path) == 1);
  CHECK_THROWS_WITH(AtomicFile(folder / "none/a"),
                    ContainsSubstring("none/a") && ContainsSubstring("No such file"));
}

TEST_CASE("a result folder is made, and not made twice", "[manifest]") {
  Folder folder;
  const std::string result = folder / "deep/result";
  make_result_folder(result);
  for (const char* name : {"/traces", "/recording", "/figures"}) CHECK(fs::is_directory(result + name));
  CHECK_NOTHROW(make_result_folder(result));  // nothing in it yet

  Manifest manifest;
  manifest.outputs = {"manifest.json", "profile.json", "traces/old.jsonl", "recording/recording.json"};
  write_manifest(result, manifest);
  for (const std::string& name : manifest.outputs)
    if (name != "manifest.json") put(result + "/" + name, "{}");
  CHECK_THROWS_AS(make_result_folder(result), InputError);
  CHECK(fs::exists(result + "/traces/old.jsonl"));
  CHECK(make_result_folder(result, Existing::resume) ==
        std::set<std::string>{"profile.json", "recording/recording.json"});
  CHECK_FALSE(fs::exists(result + "/manifest.json"));
  CHECK_FALSE(fs::exists(result + "/traces/old.jsonl"));
  write_manifest(result, manifest);
  CHECK(make_result_folder(result, Existing::overwrite) == std::set<std::string>{"recording/recording.json"});
  CHECK_FALSE(fs::exists(result + "/profile.json"));
  CHECK(fs::exists(result + "/recording/recording.json"));

  put(folder / "file", "");
  CHECK_THROWS_AS(make_result_folder(folder / "file/result"), EnvironmentError);
  CHECK_THROWS_WITH(make_result_folder(folder / "file/result"),
                    ContainsSubstring("file/result") && ContainsSubstring("--out"));
}

TEST_CASE("what a manifest does not list is foreign, and keeps a folder from being overwritten",
          "[manifest]") {
  Folder folder;
  Manifest manifest;
  manifest.outputs = {"manifest.json", "summary.json", "traces/a.jsonl"};
  write_manifest(folder.path, manifest);
  put(folder / "summary.json", "");
  put(folder / "traces/b.jsonl", "");
  put(folder / "figures/bars.png", "");
  put(folder / "figures/mine.png", "");
  put(folder / "figures/written.json", "[\"bars.png\"]");
  put(folder / "interrupted-1/traces/a.jsonl", "");
  put(folder / "interrupted-1/traces/c.jsonl", "");
  write_manifest(folder / "interrupted-1", manifest);
  fs::create_symlink(folder / "summary.json",
                     folder / "traces/a.jsonl");  // no file of ours, whatever its name
  const ResultContent content = content_of_result(folder.path);
  CHECK(content.is_result);
  CHECK(content.own == std::set<std::string>{"figures/bars.png", "figures/written.json",
                                             "interrupted-1/manifest.json", "interrupted-1/traces/a.jsonl",
                                             "manifest.json", "summary.json"});
  CHECK(content.foreign == std::set<std::string>{"figures/mine.png", "interrupted-1/traces/c.jsonl",
                                                 "traces/a.jsonl", "traces/b.jsonl"});
  check_says(message_of([&] { make_result_folder(folder.path, Existing::overwrite); }),
             {"traces/b.jsonl", "figures/mine.png"});
  CHECK(fs::exists(folder / "summary.json"));

  put(folder / "web/manifest.json", "{\"name\": \"a web application\"}");
  check_says(message_of([&] { content_of_result(folder / "web"); }),
             {"web/manifest.json", "not written by alert-bench"});
  // Of a version that listed nothing.
  put(folder / "old/manifest.json", "{\"tool\": {\"name\": \"alert-bench\"}}");
  for (const char* name : {"traces/x.jsonl", "recording/top1.npy", "figures/bars.pdf", "notes.txt"})
    put(folder / (std::string("old/") + name), "");
  CHECK(content_of_result(folder / "old").foreign == std::set<std::string>{"notes.txt"});
}

TEST_CASE("files are written whole, never through a link that somebody left", "[manifest]") {
  Folder folder;
  put(folder / "victim", "precious");
  fs::create_symlink(folder / "victim", folder / "link");
  CHECK_THROWS_WITH(write_file_atomically(folder / "link", "x"), ContainsSubstring("symbolic link"));
  fs::create_symlink(folder / "victim", folder / ("file.tmp." + std::to_string(getpid())));
  write_file_atomically(folder / "file", "new");
  CHECK(content_of(folder / "file") == "new");
  CHECK(content_of(folder / "victim") == "precious");
  // Those that a user names lead to their target.
  CHECK(output_path(folder / "link") == folder / "victim");
  fs::create_symlink("absent", folder / "dangling");
  CHECK(output_path(folder / "dangling") == folder / "absent");
  CHECK(output_path(folder / "plain") == folder / "plain");
  fs::create_symlink("circle", folder / "circle");
  check_says(message_of([&] { output_path(folder / "circle"); }), {"circle", "leads nowhere"});
  check_says(message_of([&] { output_path(folder.path); }), {"is a folder"});
}

TEST_CASE("a manifest tells everything it was given, null for the rest", "[manifest]") {
  Folder folder;
  put(folder / "scenario.json", "abc");
  Manifest manifest;
  manifest.started_at = "2020-07-15T12:00:00Z";
  manifest.argv = {"alert-bench", "run", "bad\xff"};
  manifest.scenario = {{"name", "smoke"}};
  manifest.add_file(folder / "scenario.json");
  manifest.add_file(folder / "scenario.json");
  manifest.warnings = {"noisy"};
  write_manifest(folder.path, manifest);
  auto json = nlohmann::json::parse(content_of(folder / "manifest.json"));
  CHECK(json["schema_version"] == "1.2");
  CHECK(json["status"] == "running");
  CHECK(json["verdict"]["valid"].is_null());
  CHECK(json["finished_at"].is_null());
  CHECK(json["energy_source"].is_null());
  REQUIRE(json["files"].size() == 1);
  CHECK(json["files"][0]["sha256"] == sha256_of("abc"));
  CHECK(json["files"][0]["bytes"] == 3);
  CHECK(json["scenario"]["name"] == "smoke");
  CHECK(json["host"]["cpu_model"].is_null());
  CHECK(json["tool"].contains("git_revision"));
  CHECK_THAT(json["tool"]["compiler"].get<std::string>(),
             ContainsSubstring("+") || ContainsSubstring("clang"));

  manifest.status = RunStatus::complete;
  manifest.finished_at = utc_now();
  manifest.verdict = {false, {"too noisy: 12 %, allowed 5 %"}};
  write_manifest(folder.path, manifest);
  json = nlohmann::json::parse(content_of(folder / "manifest.json"));
  CHECK(json["status"] == "complete");
  CHECK(json["verdict"]["valid"] == false);
  CHECK(json["verdict"]["reasons"].size() == 1);
  CHECK(json["finished_at"].get<std::string>().size() == 20);
}

TEST_CASE("host facts of a virtual AMD machine without cpufreq", "[manifest]") {
  Folder root;
  put(root / "proc/cpuinfo",
      "processor\t: 0\nmodel name\t: AMD EPYC 7763\nflags\t\t: fpu hypervisor sse\n\n"
      "processor\t: 1\nmodel name\t: AMD EPYC 7763\nflags\t\t: fpu hypervisor sse\n");
  put(root / "proc/meminfo", "MemTotal:       1000 kB\nMemFree:  1 kB\nMemAvailable:    500 kB\n");
  put(root / "proc/sys/kernel/osrelease", "6.1.0-13\n");
  put(root / "proc/loadavg", "0.50 1.25 2.00 3/123 456\n");
  put(root / "proc/stat", "cpu  1 2 3 4 5 6 7 250 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n");
  put(root / "sys/devices/system/cpu/smt/active", "0\n");
  put(root / "sys/devices/system/cpu/cpu0/cache/index0/level", "1\n");
  put(root / "sys/devices/system/cpu/cpu0/cache/index0/size", "32K\n");
  put(root / "sys/devices/system/cpu/cpu0/cache/index1/level", "3\n");
  put(root / "sys/devices/system/cpu/cpu0/cache/index1/size", "32768K\n");
  const Host host = read_host(root.path);
  CHECK(host.cpu_model == "AMD EPYC 7763");
  CHECK(host.logical_cpus == 2);
  CHECK(host.virtualised == true);
  CHECK(host.kernel == "6.1.0-13");
  CHECK(host.memory_total_bytes == 1024000);
  CHECK(host.memory_available_bytes == 512000);
  CHECK(host.load_average == std::array<double, 3>{0.5, 1.25, 2});
  CHECK(host.steal_s == Approx(250.0 / static_cast<double>(sysconf(_SC_CLK_TCK))));
  CHECK(host.smt_active == false);
  CHECK(host.llc_bytes == 32 * 1024 * 1024);
  CHECK_FALSE(host.governor);
  CHECK_FALSE(host.turbo);
}

TEST_CASE("host facts of an Intel machine with governors", "[manifest]") {
  Folder root;
  put(root / "proc/cpuinfo", "processor\t: 0\nmodel name\t: Intel Xeon\nflags\t\t: fpu sse hypervisorless\n");
  put(root / "sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
  put(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
  put(root / "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n");
  CHECK(read_host(root.path).governor == "performance");
  CHECK(read_host(root.path).turbo == false);
  CHECK(read_host(root.path).virtualised == false);
  put(root / "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n");
  CHECK(read_host(root.path).governor == "performance, powersave");
  put(root / "sys/devices/system/cpu/intel_pstate/no_turbo", "0\n");
  CHECK(read_host(root.path).turbo == true);
}

TEST_CASE("host facts of an empty tree are all null, and of this machine sound", "[manifest]") {
  Folder root;
  const auto facts = to_json(read_host(root.path));
  CHECK(facts.size() == 14);
  for (const auto& [key, value] : facts.items()) {
    INFO(key);
    CHECK(value.is_null());
  }
  const Host host = read_host();
  CHECK(host.logical_cpus.value_or(1) >= 1);
  CHECK(host.kernel.has_value());
}
