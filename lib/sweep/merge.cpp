#include "sweep/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "base/progress.h"
#include "sweep/evaluation_folder.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;

struct Part {
  std::string folder;  // as it was given
  EvaluationResult result;
  std::optional<Plan> plan;
  std::vector<std::string> files;  // that `result` came from
};

Part read_part(const std::string& given, Progress& progress) {
  std::error_code ignored;
  Part part;
  part.folder = given;
  const bool is_folder = fs::is_directory(given, ignored);
  const std::string folder = is_folder ? given : (fs::path(given).parent_path() / ".").string();
  const std::string evaluation = is_folder ? given + "/evaluation.json" : given;
  if (!fs::exists(given, ignored)) throw InputError(given + ": does not exist");
  if (fs::exists(folder + "/plan.json", ignored)) part.plan = Plan::read(folder + "/plan.json");
  if (fs::exists(evaluation, ignored)) {
    part.result = EvaluationResult::read(evaluation);
    part.files = {evaluation};
    return part;
  }
  if (!part.plan)
    throw InputError(given + ": contains no evaluation.json; pass folders of sweep, merge or replay --grid");
  part.result = part.plan->empty_result();
  size_t planned_here = 0;
  for (size_t i = 0; i < part.plan->cells.size(); ++i) {
    const PlannedCell& planned = part.plan->cells[i];
    planned_here += part.plan->shard.takes(i);
    if (auto cell = stored_cell(folder, *part.plan, planned)) {
      part.result.cells.push_back(std::move(*cell));
      part.files.push_back(cell_path(folder, planned.cell.id));
    }
  }
  part.result.total();
  progress.note(fmt::format("{}: the sweep did not finish; {} of its {} cells are used", given,
                            part.result.cells.size(), planned_here));
  return part;
}

// What differs so that two evaluations are no parts of one; empty: nothing.
std::string conflict(const Part& a, const Part& b) {
  const EvaluationResult &x = a.result, &y = b.result;
  if (x.schedulers != y.schedulers)
    return fmt::format("schedulers: {} against {}", fmt::join(x.schedulers, ", "),
                       fmt::join(y.schedulers, ", "));
  for (size_t i = 0; i < std::max(x.scheduler_settings.size(), y.scheduler_settings.size()); ++i) {
    const auto at = [&](const EvaluationResult& e) {
      return i < e.scheduler_settings.size()
                 ? e.scheduler_settings[i].first + " " + e.scheduler_settings[i].second
                 : "none";
    };
    if (at(x) != at(y)) return fmt::format("scheduler_settings: {} against {}", at(x), at(y));
  }
  const auto bootstrap = [](const EvaluationResult& e) {
    return fmt::format("seed {}, {} resamples, confidence {}", e.bootstrap.seed, e.bootstrap.resamples,
                       e.bootstrap.confidence);
  };
  if (bootstrap(x) != bootstrap(y))
    return fmt::format("bootstrap: {} against {}", bootstrap(x), bootstrap(y));
  return a.plan && b.plan ? a.plan->conflict(*b.plan) : "";
}

std::string text_of(const EvaluationResult& like, const Cell& cell) {
  EvaluationResult e = like;
  e.cells = {cell};
  e.total();
  return e.to_json().dump();
}

// The cells of all, each once.
EvaluationResult join(const std::vector<Part>& parts) {
  EvaluationResult all = parts[0].result;
  all.cells.clear();
  std::map<std::string, std::pair<const Part*, const Cell*>> seen;
  for (const Part& part : parts)
    for (const Cell& cell : part.result.cells) {
      const auto [before, fresh] = seen.emplace(cell.id, std::pair{&part, &cell});
      if (fresh) {
        all.cells.push_back(cell);
        continue;
      }
      const auto& [other_part, other] = before->second;
      if (text_of(part.result, cell) == text_of(part.result, *other)) continue;
      std::string what = "the recording is the same, but the values are not";
      if (cell.recording_sha256 != other->recording_sha256)
        what = "they belong to different recordings";
      else if (cell.failed != other->failed)
        what = "it failed in one of them";
      throw InputError(fmt::format("{} and {}: {} differs: {}; omit one, or run that shard again",
                                   other_part->folder, part.folder, cell.id, what));
    }
  return all;
}

std::string joined(const std::set<std::string>& words) { return fmt::format("{}", fmt::join(words, " + ")); }

// What all plans ask for. Plans of the same sweep that differ in their cells are told in `warnings`.
Plan join_plans(const std::vector<Part>& parts, const EvaluationResult& result) {
  Plan all;
  all.schedulers = result.schedulers;
  all.scheduler_settings = result.scheduler_settings;
  std::set<std::string> names, tools;
  std::map<std::string, PlannedCell> cells;
  std::map<std::string, const Part*> first;  // of a sweep, by name
  for (const Part& part : parts) {
    if (!part.plan) continue;
    const Plan& plan = *part.plan;
    all.grid = plan.grid;
    all.external_schedulers = plan.external_schedulers;
    names.insert(plan.name);
    tools.insert(plan.tool);
    for (const PlannedCell& c : plan.cells) cells.emplace(c.cell.id, c);
    const auto ids = [](const Plan& p) {
      std::vector<std::pair<std::string, std::string>> list;
      for (const PlannedCell& c : p.cells) list.emplace_back(c.cell.id, c.cell.recording_sha256);
      return list;
    };
    const auto [before, fresh] = first.emplace(plan.name, &part);
    if (!fresh && ids(*before->second->plan) != ids(plan))
      all.warnings.push_back(
          fmt::format("{} and {}: shards of \"{}\" planned over different recordings; run them again",
                      before->second->folder, part.folder, plan.name));
  }
  for (const Cell& c : result.cells) {
    PlannedCell planned;
    planned.cell.id = c.id;
    planned.cell.recording_sha256 = c.recording_sha256;
    cells.emplace(c.id, planned);
  }
  for (auto& [id, cell] : cells) all.cells.push_back(cell);
  all.name = names.empty() ? "merged" : joined(names);
  all.tool = joined(tools);
  if (tools.size() > 1) all.warnings.push_back("made by different versions of alert-bench: " + joined(tools));
  return all;
}

// Which shards no folder was given of; empty: none, or unknown.
std::string absent_shards(const std::vector<Part>& parts) {
  std::map<std::pair<std::string, int>, std::set<int>> given;
  for (const Part& part : parts)
    if (part.plan) given[{part.plan->name, part.plan->shard.of}].insert(part.plan->shard.index);
  std::vector<std::string> absent;
  for (const auto& [sweep, indices] : given)
    for (int i = 1; i <= sweep.second; ++i)
      if (!indices.count(i)) absent.push_back(fmt::format("{} of {}", i, sweep.second));
  return absent.empty() ? "" : fmt::format(" (no folder of shard {} was passed)", some_of(absent));
}

}  // namespace

ExitCode merge_evaluations(const std::vector<std::string>& folders, const MergeOptions& options) {
  Progress progress(options.quiet);
  std::error_code ignored;
  const fs::path out = fs::weakly_canonical(options.out, ignored);
  std::vector<Part> parts;
  for (const std::string& folder : folders) {
    const fs::path path = fs::weakly_canonical(folder, ignored);
    if (path == out || path == out / "evaluation.json")
      throw InputError(folder + ": is also --out; use a separate folder for the result");
    parts.push_back(read_part(folder, progress));
    const auto planned =
        std::find_if(parts.begin(), parts.end(), [](const Part& p) { return p.plan.has_value(); });
    for (const Part* other : {&parts[0], planned == parts.end() ? &parts[0] : &*planned})
      if (const std::string what = conflict(*other, parts.back()); !what.empty())
        throw InputError(fmt::format("{} and {}: cannot be merged: they differ in {}", other->folder,
                                     parts.back().folder, what));
  }
  EvaluationResult result = join(parts);
  const Plan plan = join_plans(parts, result);
  std::set<std::string> there;
  for (const Cell& c : result.cells) there.insert(c.id);
  std::vector<std::string> missing, reasons;
  for (const PlannedCell& c : plan.cells)
    if (!there.count(c.cell.id)) missing.push_back(c.cell.id);
  if (!missing.empty())
    reasons.push_back(fmt::format("{} of {} cells are missing: {}{}", missing.size(), plan.cells.size(),
                                  some_of(missing), absent_shards(parts)));

  EvaluationFolder folder(options.out);
  if (folder.has("cells"))
    throw InputError(options.out + ": contains the cells of a sweep; use a separate folder for the result");
  if (folder.has("manifest.json") && !options.overwrite)
    throw InputError(
        options.out +
        ": already contains a result (manifest.json); choose another --out, or pass --overwrite");
  const bool merged_before = folder.has_plan();
  if (folder.has("evaluation.json") && !merged_before)
    throw InputError(options.out +
                     ": contains an evaluation.json that merge did not write; choose another --out");
  if (folder.has("manifest.json") && !merged_before)
    throw InputError(options.out + ": contains a result that merge did not write; choose another --out");
  for (const std::string& w : plan.warnings) progress.note("warning: " + w);
  return folder.guarded([&] {
    folder.begin_plan(plan, options.argv);
    for (const Part& part : parts)
      for (const std::string& file : part.files) folder.manifest.add_file(file);
    return folder.conclude_cells(result, reasons, options.quiet);
  });
}

}  // namespace alertbench
