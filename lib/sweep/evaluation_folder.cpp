#include "sweep/evaluation_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "base/atomic_file.h"
#include "base/json_lines.h"
#include "base/json_reader.h"
#include "base/sha256.h"

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
  return json_text(e.to_json(), 1) + "\n";
}

}  // namespace

std::string some_of(const std::vector<std::string>& words) {
  constexpr size_t shown = 8;
  if (words.size() <= shown) return fmt::format("{}", fmt::join(words, ", "));
  return fmt::format("{} and {} more", fmt::join(words.begin(), words.begin() + shown, ", "),
                     words.size() - shown);
}

bool EvaluationFolder::has(const std::string& name) const {
  std::error_code ignored;
  return fs::exists(fs::path(path()) / name, ignored);
}

bool EvaluationFolder::has_plan() const {
  if (!has("plan.json")) return false;
  const std::string file = path() + "/plan.json";
  nlohmann::json plan;
  try {
    plan = read_json_file(file);
  } catch (const InputError&) {
  }
  if (!plan.is_object() || plan.value("kind", nlohmann::json()) != "sweep-plan")
    throw InputError(
        file +
        ": is not the plan of a sweep, so alert-bench did not write it; move it, or choose another --out");
  return true;
}

void EvaluationFolder::remove(const std::string& name) const {
  std::error_code error;
  if (fs::remove(fs::path(path()) / name, error); error)
    throw EnvironmentError(fmt::format("{}: cannot clear {} ({})", path(), name, error.message()));
}

std::vector<std::string> EvaluationFolder::foreign_cells() const {
  static const std::regex cell("[A-Za-z0-9_.-]*\\.[0-9a-f]{8}\\.json(\\.tmp\\.[0-9]+)?");
  std::vector<std::string> foreign;
  std::error_code error;
  for (fs::directory_iterator at(path() + "/cells", error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (!fs::is_regular_file(at->symlink_status()) || !std::regex_match(name, cell))
      foreign.push_back("cells/" + name);
  }
  std::sort(foreign.begin(), foreign.end());
  return foreign;
}

void EvaluationFolder::remove_cells() const {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(path() + "/cells", error), end; !error && at != end; at.increment(error))
    names.push_back("cells/" + at->path().filename().string());
  for (const std::string& name : names) remove(name);
}

void EvaluationFolder::begin_plan(const Plan& plan, const std::vector<std::string>& argv) {
  check_place();
  plan.write(path());
  manifest.external_schedulers = plan.external_schedulers;
  manifest.warnings.insert(manifest.warnings.end(), plan.warnings.begin(), plan.warnings.end());
  begin(argv, plan.to_json(), {{"bootstrap", plan.empty_result().bootstrap.seed}});
}

ExitCode EvaluationFolder::conclude_cells(EvaluationResult& result, std::vector<std::string> reasons,
                                          bool quiet) {
  result.total();
  check_place();
  result.write(path());
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
    reasons.push_back(
        fmt::format("{} of {} cells failed: {}", failed.size(), result.cells.size(), some_of(failed)));
  manifest.energy_source = listed(energy);
  manifest.accuracy_source = listed(accuracy);
  return conclude(std::move(reasons), quiet, fmt::format(" ({} cells)", result.cells.size()));
}

std::string cell_path(const std::string& folder, const std::string& id) {
  constexpr size_t longest = 120;
  std::string name;
  for (const char c : id.substr(0, longest)) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
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
    if (e.cells.size() != 1 || e.schedulers != plan.schedulers ||
        e.scheduler_settings != plan.scheduler_settings)
      return {};
    const Cell& cell = e.cells[0];
    if (cell.id != planned.cell.id || cell.recording_sha256 != planned.cell.recording_sha256) return {};
    return cell;
  } catch (const InputError&) {
    return {};
  }
}

}  // namespace alertbench
