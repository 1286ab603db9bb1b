#include "sweep/sweep.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "base/interrupt.h"
#include "base/progress.h"
#include "evaluation/cell.h"
#include "plugins/external_schedulers.h"
#include "recording/recording.h"
#include "sweep/evaluation_folder.h"

namespace alertbench {
namespace {

int usable_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

std::vector<const PlannedCell*> cells_of_shard(const Plan& plan) {
  std::vector<const PlannedCell*> mine;
  for (size_t i = 0; i < plan.cells.size(); ++i)
    if (plan.shard.takes(i)) mine.push_back(&plan.cells[i]);
  return mine;
}

// Takes up the folder for `plan`, or refuses it.
void take_folder(const EvaluationFolder& folder, const Plan& plan, bool overwrite, Progress& progress) {
  const std::string& out = folder.path();
  const std::string remedy = "; choose another --out, or pass --overwrite to start over";
  bool afresh = overwrite;
  const bool begun = folder.has_plan();
  if (!begun && folder.has("manifest.json"))
    throw InputError(out + ": contains a result that is not a sweep; choose another --out");
  if (!afresh && begun) {
    const Plan before = Plan::read(out + "/plan.json");
    if (before.name != plan.name)
      throw InputError(fmt::format("{}: contains another sweep, \"{}\", not \"{}\"{}", out, before.name,
                                   plan.name, remedy));
    if (!(before.shard == plan.shard))
      throw InputError(fmt::format("{}: contains shard {}, not {}: each shard needs its own folder{}", out,
                                   before.shard.text(), plan.shard.text(), remedy));
    if (const std::string conflict = before.conflict(plan); !conflict.empty())
      throw InputError(
          fmt::format("{}: contains a sweep of the same name with different {}{}", out, conflict, remedy));
    if (before.tool != plan.tool) {
      progress.note(fmt::format("Cells of another version are evaluated again ({}, this is {})", before.tool,
                                plan.tool));
      afresh = true;
    }
  }
  if (!begun && (folder.has("evaluation.json") || folder.has("cells")))
    throw InputError(
        out +
        ": contains evaluation.json or cells/ without the plan.json of a sweep, so no sweep wrote "
        "them; choose another --out");
  if (const auto foreign = folder.foreign_cells(); afresh && !foreign.empty())
    throw InputError(
        fmt::format("{}: only cells that a sweep wrote are deleted; others: {}. Move them, or "
                    "choose another --out",
                    out, some_of(foreign)));
  folder.remove("evaluation.json");  // of an earlier end; a kill from now on must not leave it
  if (afresh) folder.remove_cells();
  std::error_code error;
  std::filesystem::create_directories(out + "/cells", error);
  if (error)
    throw EnvironmentError(fmt::format("{}/cells: cannot create this folder ({})", out, error.message()));
}

class Evaluator {
 public:
  Evaluator(const SweepFile& sweep, const Plan& plan, int threads) : folder_(sweep.folder()) {
    request_.schedulers = plan.asked;
    request_.scheduler_settings = sweep.scheduler_settings;
    request_.grid = plan.grid;
    request_.threads = threads > 0 ? threads : usable_processors();
  }

  // Nothing where it was interrupted.
  std::optional<Cell> operator()(const PlannedCell& planned) {
    if (!planned.cell.failed.empty()) return planned.cell;
    try {
      const std::string path =
          planned.recording[0] == '/' ? planned.recording : folder_ + "/" + planned.recording;
      if (loaded_ != path) {  // both tasks of a recording often follow each other
        loaded_.clear();
        recording_ = Recording::load(path);
        loaded_ = path;
      }
      const Scenario scenario = scenario_of(recording_, path);
      Cell cell =
          evaluate_cell(recording_, scenario, planned.cell.recording_sha256, planned.cell.task, request_);
      if (cell.id != planned.cell.id)
        throw std::logic_error(fmt::format("planned {}, evaluated {}", planned.cell.id, cell.id));
      return cell;
    } catch (const Error& e) {
      if (interrupted()) return {};
      Cell failed = planned.cell;
      failed.failed = without_folder(e.what(), folder_);
      return failed;
    }
  }

 private:
  std::string folder_, loaded_;
  Recording recording_;
  CellRequest request_;
};

}  // namespace

ExitCode run_sweep(const std::string& sweep_file, const SweepOptions& options) {
  const SweepFile sweep = SweepFile::read(sweep_file);
  Plan plan = Plan::of(sweep, options.shard);
  check_external_schedulers(plan.asked, options.allow_commands, sweep_file);
  plan.external_schedulers = describe_external_schedulers(plan.asked);
  const std::vector<const PlannedCell*> mine = cells_of_shard(plan);
  Progress progress(options.quiet);
  EvaluationFolder folder(options.out);
  take_folder(folder, plan, options.overwrite, progress);
  for (const std::string& w : plan.warnings) progress.note("warning: " + w);
  return folder.guarded([&] {
    folder.begin_plan(plan, options.argv);
    folder.manifest.add_file(sweep_file);
    EvaluationResult result = plan.empty_result();
    std::vector<const PlannedCell*> rest;
    for (const PlannedCell* planned : mine) {
      const auto before = stored_cell(folder.path(), plan, *planned);
      if (before && before->failed.empty())
        result.cells.push_back(*before);
      else
        rest.push_back(planned);
    }
    const std::string whole = fmt::format("{} cells", plan.cells.size());
    const std::string part =
        options.shard.of == 1 ? whole
                              : fmt::format("shard {}, {} of {}", options.shard.text(), mine.size(), whole);
    progress.note(
        fmt::format("Sweep {}: {}{}", plan.name, part,
                    mine.empty() ? ": there are more shards than cells, so this one has none" : ""));
    if (!result.cells.empty())
      progress.note(fmt::format("Finished before: {} of {} cells", result.cells.size(), mine.size()));
    Evaluator evaluate(sweep, plan, options.threads);
    progress.begin("Evaluating cells", static_cast<int64_t>(rest.size()));
    for (const PlannedCell* planned : rest) {
      if (interrupted()) break;
      const auto cell = evaluate(*planned);
      if (!cell) break;
      if (!cell->failed.empty()) progress.note(fmt::format("failed: {}: {}", cell->id, cell->failed));
      result.cells.push_back(store_cell(folder.path(), plan, *cell));
      progress.step();
    }
    progress.end();
    for (const Cell& cell : result.cells) {
      if (cell.recording_sha256.empty()) continue;
      const auto planned =
          std::find_if(mine.begin(), mine.end(), [&](const PlannedCell* p) { return p->cell.id == cell.id; });
      folder.manifest.add_file(((*planned)->recording[0] == '/' ? "" : sweep.folder() + "/") +
                               (*planned)->recording + "/recording.json");
    }
    std::vector<std::string> reasons;
    if (result.cells.size() < mine.size())
      reasons.push_back(fmt::format("{} of {} cells are not evaluated; repeat the command to continue",
                                    mine.size() - result.cells.size(), mine.size()));
    return folder.conclude_cells(result, reasons, options.quiet);
  });
}

std::string describe_sweep(const std::string& sweep_file, const SweepOptions& options) {
  const Plan plan = Plan::of(SweepFile::read(sweep_file), options.shard);
  std::string text;
  for (size_t i = 0; i < plan.cells.size(); ++i) {
    const PlannedCell& c = plan.cells[i];
    const size_t shard = i % static_cast<size_t>(options.shard.of) + 1;
    text += fmt::format("{}{:<8} {:<60} {}{}\n", options.shard.takes(i) ? "* " : "  ",
                        fmt::format("{}/{}", shard, options.shard.of), c.cell.id, c.recording,
                        c.cell.failed.empty() ? "" : "  (fails: " + c.cell.failed + ")");
  }
  return text + fmt::format("{} cells, {} of them (*) in shard {}; {} settings each, {} schedulers\n",
                            plan.cells.size(), cells_of_shard(plan).size(), options.shard.text(),
                            plan.grid.deadlines * plan.grid.levels, plan.schedulers.size());
}

}  // namespace alertbench
