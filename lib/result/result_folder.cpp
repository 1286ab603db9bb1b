#include "result/result_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "base/console.h"
#include "base/interrupt.h"
#include "host/host.h"

namespace alertbench {
namespace {

constexpr off_t reserved_bytes = 512 * 1024;

// A file without a name, which nobody sees and no kill leaves behind.
int reserve_space(const std::string& folder) {
  const int file = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (file >= 0) (void)::posix_fallocate(file, 0, reserved_bytes);
  return file;
}

// Refuses what exists, would be overwritten, and is not one of `own`.
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

ResultFolder::~ResultFolder() {
  if (reserve_ >= 0) ::close(reserve_);
}

void ResultFolder::make_room(Existing existing) const {
  const std::set<std::string> left = make_result_folder(path(), existing);
  if (existing != Existing::resume) refuse_foreign(path(), manifest.outputs, left);
}

void ResultFolder::begin(const std::vector<std::string>& argv, const nlohmann::ordered_json& scenario,
                         const nlohmann::ordered_json& seeds) {
  manifest.started_at = utc_now();
  manifest.argv = argv;
  manifest.scenario = scenario;
  manifest.seeds = seeds;
  manifest.host = read_host();
  write();
  reserve_ = reserve_space(path());
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

void ResultFolder::fail(const std::string& what) {
  manifest.verdict = {false, {what}};
  try {
    finish(interrupted() ? RunStatus::partial : RunStatus::failed);
  } catch (const std::exception&) {  // the first error is the one to tell
  }
}

ExitCode ResultFolder::conclude(std::vector<std::string> reasons, bool quiet, const std::string& remark) {
  const bool partial = interrupted();
  if (partial) reasons.insert(reasons.begin(), fmt::format("interrupted by signal {}", interrupt_signal()));
  manifest.verdict = {reasons.empty(), reasons};
  finish(partial ? RunStatus::partial : RunStatus::complete);
  for (const std::string& r : reasons) say("alert-bench: the result is not valid: {}", r);
  if (!quiet) say("Result: {}{}", path(), remark);
  return partial ? ExitCode::run_failed : reasons.empty() ? ExitCode::done : ExitCode::invalid_result;
}

}  // namespace alertbench
