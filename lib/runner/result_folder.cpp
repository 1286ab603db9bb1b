#include "runner/result_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "base/console.h"
#include "host/host.h"
#include "recording/recording.h"
#include "result/result_content.h"

namespace alertbench {
namespace {

constexpr off_t reserved_bytes = 512 * 1024;

// A file without a name, which nobody sees and no kill leaves behind.
int reserve_space(const std::string& folder) {
  const int file = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (file >= 0) (void)::posix_fallocate(file, 0, reserved_bytes);
  return file;
}

// What is there, would be written, and is none of `own`.
void refuse_foreign(const std::string& folder, const std::vector<std::string>& outputs,
                    const std::set<std::string>& own) {
  namespace fs = std::filesystem;
  std::vector<std::string> foreign;
  std::error_code ignored;
  for (const std::string& name : outputs)
    if (!own.count(name) && fs::exists(fs::symlink_status(folder + "/" + name, ignored)))
      foreign.push_back(name);
  if (!foreign.empty())
    throw InputError(fmt::format(
        "{}: {} would be overwritten, which alert-bench did not write; move {} away, or give another --out",
        folder, fmt::join(foreign, ", "), foreign.size() == 1 ? "it" : "them"));
}

}  // namespace

ResultFolder::ResultFolder(const nlohmann::ordered_json& scenario, const RunOptions& options,
                           const std::vector<std::string>& traces, FolderLock lock)
    : lock_(std::move(lock)) {
  manifest.outputs = {"manifest.json", "profile.json", "summary.json", "evaluation.json"};
  for (const std::string& name : RecordingWriter::file_names())
    manifest.outputs.push_back("recording/" + name);
  manifest.outputs.insert(manifest.outputs.end(), traces.begin(), traces.end());
  const std::set<std::string> left = make_result_folder(path(), options.resume      ? Existing::resume
                                                                : options.overwrite ? Existing::overwrite
                                                                                    : Existing::refuse);
  if (!options.resume) refuse_foreign(path(), manifest.outputs, left);
  manifest.started_at = utc_now();
  manifest.argv = options.argv;
  manifest.scenario = scenario;
  if (scenario.contains("seeds")) manifest.seeds = scenario["seeds"];
  manifest.energy_source = "model";
  manifest.accuracy_source = "profile";
  manifest.host = read_host();
  write();
  reserve_ = reserve_space(path());
}

ResultFolder::~ResultFolder() {
  if (reserve_ >= 0) ::close(reserve_);
}

void ResultFolder::write() const {
  check_place();
  write_manifest(path(), manifest);
}

void ResultFolder::finish(RunStatus status) {
  manifest.status = status;
  manifest.finished_at = utc_now();
  if (reserve_ >= 0) ::close(reserve_);
  reserve_ = -1;
  write();
}

std::vector<std::string> trace_names(const std::vector<std::string>& schedulers,
                                     const std::vector<std::string>& settings,
                                     const std::vector<std::string>& modes) {
  std::vector<std::string> names;
  for (const std::string& mode : modes)
    for (const std::string& setting : settings)
      for (const std::string& scheduler : schedulers)
        names.push_back(fmt::format("traces/{}.{}.{}.jsonl", scheduler, setting, mode));
  return names;
}

ExitCode conclude(ResultFolder& result, std::vector<std::string> reasons, bool quiet) {
  const bool partial = interrupted();
  if (partial) reasons.insert(reasons.begin(), fmt::format("interrupted by signal {}", interrupt_signal()));
  result.manifest.verdict = {reasons.empty(), reasons};
  result.finish(partial ? RunStatus::partial : RunStatus::complete);
  for (const std::string& r : reasons) say("alert-bench: the result is not valid: {}", r);
  if (!quiet) say("Result: {}", result.path());
  return partial ? ExitCode::run_failed : reasons.empty() ? ExitCode::done : ExitCode::invalid_result;
}

}  // namespace alertbench
