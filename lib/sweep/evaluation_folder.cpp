#include "sweep/evaluation_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "core/interrupt.h"
#include "core/json_reader.h"
#include "trace/atomic_file.h"
#include "trace/sha256.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string listed(const std::set<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

// One cell alone, as evaluation.json has it.
std::string text_of(const Plan& plan, const Cell& cell) {
  EvaluationResult e = plan.empty_result();
  e.cells = {cell};
  e.total();
  return e.to_json().dump(1) + "\n";
}

}  // namespace

std::string some_of(const std::vector<std::string>& words) {
  constexpr size_t shown = 8;
  if (words.size() <= shown) return fmt::format("{}", fmt::join(words, ", "));
  return fmt::format("{} and {} more", fmt::join(words.begin(), words.begin() + shown, ", "), words.size() - shown);
}

EvaluationFolder::EvaluationFolder(const std::string& path) : path_(path) {
  std::error_code error;
  fs::create_directories(path_, error);
  if (!error && ::access(path_.c_str(), W_OK | X_OK) != 0) error = std::error_code(errno, std::generic_category());
  if (error)
    throw EnvironmentError(
        fmt::format("{}: cannot write results here ({}); give a folder you may write to by --out", path_, error.message()));
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Some network file systems know no locks: then nobody is kept out.
  if (lock_ >= 0 && ::flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(lock_);
    throw EnvironmentError(path_ + ": another alert-bench is at work in this folder; wait for it, or give another --out");
  }
}

EvaluationFolder::~EvaluationFolder() {
  if (lock_ >= 0) ::close(lock_);
}

bool EvaluationFolder::has(const std::string& name) const {
  std::error_code ignored;
  return fs::exists(fs::path(path_) / name, ignored);
}

void EvaluationFolder::remove(const std::string& name) const {
  std::error_code error;
  if (fs::remove_all(fs::path(path_) / name, error); error)
    throw EnvironmentError(fmt::format("{}: cannot clear {} ({})", path_, name, error.message()));
}

void EvaluationFolder::begin(const Plan& plan, const std::vector<std::string>& argv) {
  plan.write(path_);
  manifest.started_at = utc_now();
  manifest.argv = argv;
  manifest.scenario = plan.to_json();
  manifest.seeds = {{"bootstrap", plan.empty_result().bootstrap.seed}};
  manifest.host = read_host();
  manifest.warnings.insert(manifest.warnings.end(), plan.warnings.begin(), plan.warnings.end());
  write_manifest(path_, manifest);
}

void EvaluationFolder::fail(const std::string& what) {
  try {
    manifest.verdict = {false, {what}};
    manifest.status = interrupted() ? RunStatus::partial : RunStatus::failed;
    manifest.finished_at = utc_now();
    write_manifest(path_, manifest);
  } catch (const std::exception&) {  // the first error is the one to tell
  }
}

ExitCode EvaluationFolder::conclude(EvaluationResult& result, std::vector<std::string> reasons, bool quiet) {
  const bool partial = interrupted();
  result.total();
  result.write(path_);
  std::set<std::string> energy, accuracy;
  std::vector<std::string> failed;
  for (const Cell& c : result.cells)
    if (c.failed.empty()) {
      energy.insert(c.energy_source);
      accuracy.insert(c.accuracy_source);
    } else {
      failed.push_back(fmt::format("{} ({})", c.id, c.failed));
    }
  if (!failed.empty())
    reasons.push_back(fmt::format("{} of {} cells failed: {}", failed.size(), result.cells.size(), some_of(failed)));
  if (partial) reasons.insert(reasons.begin(), fmt::format("interrupted by signal {}", interrupt_signal()));
  manifest.energy_source = listed(energy);
  manifest.accuracy_source = listed(accuracy);
  manifest.verdict = {reasons.empty(), reasons};
  manifest.status = partial ? RunStatus::partial : RunStatus::complete;
  manifest.finished_at = utc_now();
  write_manifest(path_, manifest);
  for (const std::string& r : reasons) fmt::print(stderr, "alert-bench: the result is not valid: {}\n", r);
  if (!quiet) fmt::print(stderr, "Result: {} ({} cells)\n", path_, result.cells.size());
  return partial ? ExitCode::run_failed : reasons.empty() ? ExitCode::done : ExitCode::invalid_result;
}

std::string cell_path(const std::string& folder, const std::string& id) {
  constexpr size_t longest = 120;
  std::string name;
  for (const char c : id.substr(0, longest)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    name += plain ? c : '.';
  }
  // Names that became alike stay apart.
  return fmt::format("{}/cells/{}.{}.json", folder, name, sha256_of(id).substr(0, 8));
}

Cell store_cell(const std::string& folder, const Plan& plan, const Cell& cell) {
  const std::string path = cell_path(folder, cell.id), text = text_of(plan, cell);
  write_file_atomically(path, text);
  return EvaluationResult::from_json(json::parse(text), path).cells.at(0);
}

std::optional<Cell> stored_cell(const std::string& folder, const Plan& plan, const PlannedCell& planned) {
  const std::string path = cell_path(folder, planned.cell.id);
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return {};
  try {
    const EvaluationResult e = EvaluationResult::read(path);
    if (e.cells.size() != 1 || e.schedulers != plan.schedulers || e.scheduler_settings != plan.scheduler_settings) return {};
    const Cell& cell = e.cells[0];
    if (cell.id != planned.cell.id || cell.recording_sha256 != planned.cell.recording_sha256) return {};
    return cell;
  } catch (const InputError&) {
    return {};
  }
}

}  // namespace alertbench
