#include "sweep/plan.h"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json_lines.h"
#include "base/json_reader.h"
#include "base/sha256.h"
#include "core/goal_json.h"
#include "core/profile.h"
#include "evaluation/cell.h"
#include "plugins/external_schedulers.h"
#include "result/manifest.h"
#include "schedulers/scheduler.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* plan_schema_version = "1.1";

std::string path_of(const std::string& folder, const std::string& recording) {
  return recording[0] == '/' ? recording : folder + "/" + recording;
}

// What a pattern finds, in the order of the names: folders that hold a recording, relative as the pattern is.
std::vector<std::string> matches(const std::string& folder, const std::string& pattern) {
  std::vector<std::string> found;
  // Only the pattern is one: the folder of the sweep file may hold a * of its own.
  std::string escaped;
  if (pattern[0] != '/')
    for (const char c : folder + "/") {
      if (std::string("*?[\\").find(c) != std::string::npos) escaped += '\\';
      escaped += c;
    }
  glob_t result{};
  if (::glob((escaped + pattern).c_str(), 0, nullptr, &result) == 0)
    for (size_t i = 0; i < result.gl_pathc; ++i) {
      std::string path = result.gl_pathv[i];
      if (pattern[0] != '/') path = path.substr(folder.size() + 1);
      found.push_back(std::move(path));
    }
  ::globfree(&result);
  return found;
}

std::string without_file_name(std::string recording) {
  const std::string end = "/recording.json";
  if (recording.size() > end.size() && recording.compare(recording.size() - end.size(), end.size(), end) == 0)
    recording.resize(recording.size() - end.size());
  while (recording.size() > 1 && recording.back() == '/') recording.pop_back();
  return recording;
}

std::vector<std::string> recordings_of(const SweepFile& sweep, std::vector<std::string>& warnings) {
  const std::string folder = sweep.folder();
  std::vector<std::string> all;
  std::set<std::string> seen;
  const auto add = [&](const std::string& recording) {
    std::error_code error;
    const fs::path canonical = fs::weakly_canonical(path_of(folder, recording), error);
    if (seen.insert(error ? recording : canonical.string()).second) all.push_back(recording);
  };
  for (const std::string& entry : sweep.recordings) {
    if (entry.find_first_of("*?[") == std::string::npos) {
      add(without_file_name(entry));
      continue;
    }
    bool any = false;
    for (const std::string& match : matches(folder, entry)) {
      const std::string recording = without_file_name(match);
      if (!fs::exists(path_of(folder, recording) + "/recording.json")) continue;
      any = true;
      add(recording);
    }
    if (!any)
      warnings.push_back(
          fmt::format("{}: recordings: \"{}\" matches no folder with a recording.json", sweep.path, entry));
  }
  return all;
}

// What every cell of a recording has in common.
Cell common_cell(const SweepFile& sweep, const std::string& recording) {
  const std::string folder = path_of(sweep.folder(), recording), file = folder + "/recording.json";
  Cell cell;
  try {
    std::error_code error;  // a name may also be too long
    if (!fs::exists(file, error)) {
      const bool inside = fs::exists(folder + "/recording/recording.json", error);
      throw InputError(fmt::format(
          "{}: {}{}", folder, fs::exists(folder, error) ? "has no recording.json" : "does not exist",
          inside ? fmt::format("; list {}/recording, which has one", recording) : ""));
    }
    cell.recording_sha256 = hash_file(file).sha256;
    const json root = read_json_file(file);
    if (!root.is_object() || !root.contains("info") || !root["info"].is_object() ||
        !root["info"].contains("scenario"))
      throw InputError(file + ": does not name its scenario (info.scenario); record it again");
    const json& scenario = root["info"]["scenario"];
    // Known keys of a larger object: read, not finished.
    JsonReader reader(scenario, file + ": info: scenario");
    cell.scenario = reader.text("name");
    cell.workload = JsonReader(root, file).text("workload");
    cell.seed = reader.object("seeds").seed("inputs", 0);
    if (reader.has("co_runner")) cell.co_runner = reader.object("co_runner").text("kind", "none");
  } catch (const Error& e) {
    cell.failed = without_folder(e.what(), sweep.folder());
    cell.workload = "unknown";
    cell.scenario = recording;
  }
  return cell;
}

// Those of the sweep that can run on the networks of every recording: a cell in which one cannot has no
// result at all. The others are omitted with a warning, or refused where the sweep names them.
std::vector<std::string> able_on_all(const SweepFile& sweep, const std::vector<std::string>& recordings,
                                     std::vector<std::string>& warnings) {
  std::map<std::string, std::string> lacking;  // by scheduler: which recording lacks what
  for (const std::string& recording : recordings) {
    const std::string path = path_of(sweep.folder(), recording) + "/profile.json";
    Profile profile;
    try {
      profile = Profile::read(path);
    } catch (const Error&) {
      continue;  // its cells fail, and say why
    }
    const auto anytime = [](const ModelProfile& m) { return m.anytime(); };
    const bool any = std::any_of(profile.models.begin(), profile.models.end(), anytime);
    const bool all = std::all_of(profile.models.begin(), profile.models.end(), anytime);
    for (const SchedulerInfo& info : known_schedulers())
      if (info.needs_anytime && !any)
        lacking.emplace(info.name, fmt::format("{} has no anytime network", recording));
      else if (info.needs_traditional && all)
        lacking.emplace(info.name, fmt::format("{} has no traditional network", recording));
  }
  std::vector<std::string> able;
  for (const std::string& name : sweep.schedulers) {
    const auto why = lacking.find(name);
    if (why == lacking.end())
      able.push_back(name);
    else if (sweep.schedulers_named)
      throw InputError(fmt::format("{}: schedulers: {} cannot run on every recording: {}; omit one of them",
                                   sweep.path, name, why->second));
    else
      warnings.push_back(fmt::format("scheduler {} is omitted: {}", name, why->second));
  }
  return able;
}

std::string judging_text(const GridSpec& g) {
  return fmt::format(
      "judged {}{}", g.judge ? to_string(*g.judge) : "as recorded",
      g.tolerance ? fmt::format(" within {} and {}", g.tolerance->accuracy, g.tolerance->energy) : "");
}

bool same(const GridSpec& a, const GridSpec& b) {
  return a.deadlines == b.deadlines && a.levels == b.levels && a.deadline_low_x == b.deadline_low_x &&
         a.deadline_high_x == b.deadline_high_x && judging_text(a) == judging_text(b);
}

std::string text_of(const GridSpec& g) {
  return fmt::format("{} deadlines from {} to {} x {} levels, {}", g.deadlines, g.deadline_low_x,
                     g.deadline_high_x, g.levels, judging_text(g));
}

// What decides, wherever its files lie: two plans with the same code give the same decisions.
json code_of(const ordered_json& external_schedulers) {
  json all = json::array();
  for (const ordered_json& s : external_schedulers) {
    json code = {{"name", s.at("name")}, {"command", s.at("command")}};
    for (const ordered_json& file : s.at("files")) code["sha256"].push_back(json(file.at("sha256")));
    all.push_back(code);
  }
  return all;
}

ordered_json read_external_schedulers(JsonReader& plan) {
  ordered_json all;
  for (JsonReader& s : plan.objects("external_schedulers")) {
    ordered_json files = ordered_json::array();
    for (JsonReader& file : s.objects("files")) {
      files.push_back({{"path", file.text("path")},
                       {"bytes", static_cast<uint64_t>(file.number("bytes", 0, 1e18))},
                       {"sha256", file.text("sha256")}});
      file.finish();
    }
    all.push_back({{"name", s.text("name")},
                   {"scheduler", s.text("scheduler")},
                   {"command", s.has("command") ? ordered_json(s.texts("command")) : ordered_json()},
                   {"files", files}});
    s.finish();
  }
  return all;
}

}  // namespace

std::string without_folder(std::string text, const std::string& folder) {
  const std::string prefix = folder + "/";
  // At the start of a word only: "./" is in "../" too.
  for (size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at + 1))
    while ((at == 0 || text[at - 1] == ' ' || text[at - 1] == '"') &&
           text.compare(at, prefix.size(), prefix) == 0)
      text.erase(at, prefix.size());
  return text;
}

Shard Shard::parse(const std::string& text) {
  const auto fail = [&](const std::string& what) {
    throw InputError(
        fmt::format("--shard {}: {}; use I/N with 1 <= I <= N, for example --shard 2/8", text, what));
  };
  Shard s;
  const size_t slash = text.find('/');
  const auto number = [&](const std::string& part, int& value) {
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size())
      fail(fmt::format("\"{}\" is not a whole number", part));
  };
  if (slash == std::string::npos) fail("has no /");
  number(text.substr(0, slash), s.index);
  number(text.substr(slash + 1), s.of);
  if (s.of < 1) fail("there must be at least one shard");
  if (s.index < 1 || s.index > s.of) fail(fmt::format("shard {} is outside 1 to {}", s.index, s.of));
  return s;
}

std::string Shard::text() const { return fmt::format("{} of {}", index, of); }

Plan Plan::of(const SweepFile& sweep, const Shard& shard) {
  Plan plan;
  plan.name = sweep.name;
  plan.shard = shard;
  const json facts = json::parse(build_facts().dump());
  plan.tool = fmt::format("{} {}", facts.value("version", "unknown"), facts.value("git_revision", "unknown"));
  plan.grid = sweep.grid;
  const std::vector<std::string> recordings = recordings_of(sweep, plan.warnings);
  CellRequest request;
  request.schedulers = able_on_all(sweep, recordings, plan.warnings);
  request.scheduler_settings = sweep.scheduler_settings;
  const EvaluationResult begun = begin_evaluation(request);
  plan.schedulers = begun.schedulers;
  plan.asked = evaluated_schedulers(request.schedulers);
  plan.scheduler_settings = begun.scheduler_settings;
  std::map<std::string, std::string> recording_of;  // cell id
  for (const std::string& recording : recordings) {
    const Cell common = common_cell(sweep, recording);
    for (const Task task : sweep.tasks) {
      PlannedCell planned{common, recording};
      planned.cell.task = task;
      planned.cell.id =
          fmt::format("{}/{}/{}/seed-{}", common.workload, common.scenario, to_string(task), common.seed);
      const auto [other, fresh] = recording_of.emplace(planned.cell.id, recording);
      if (!fresh)
        throw InputError(
            fmt::format("{}: recordings: {} and {} are both {}; record with another seed, or omit one",
                        sweep.path, other->second, recording, planned.cell.id));
      plan.cells.push_back(std::move(planned));
    }
  }
  if (plan.cells.empty())
    throw InputError(fmt::format("{}: recordings: no folder with a recording.json matches {}", sweep.path,
                                 fmt::join(sweep.recordings, ", ")));
  std::sort(plan.cells.begin(), plan.cells.end(),
            [](const auto& a, const auto& b) { return a.cell.id < b.cell.id; });
  return plan;
}

std::string Plan::conflict(const Plan& other) const {
  if (schedulers != other.schedulers)
    return fmt::format("schedulers: {} against {}", fmt::join(schedulers, ", "),
                       fmt::join(other.schedulers, ", "));
  for (size_t i = 0; i < scheduler_settings.size() && i < other.scheduler_settings.size(); ++i)
    if (scheduler_settings[i] != other.scheduler_settings[i])
      return fmt::format("scheduler_settings: {}: {} against {}", scheduler_settings[i].first,
                         scheduler_settings[i].second, other.scheduler_settings[i].second);
  if (code_of(external_schedulers) != code_of(other.external_schedulers))
    return fmt::format("external_schedulers: {} against {}", shown_json(code_of(external_schedulers)),
                       shown_json(code_of(other.external_schedulers)));
  if (!same(grid, other.grid)) return fmt::format("grid: {} against {}", text_of(grid), text_of(other.grid));
  return {};
}

EvaluationResult Plan::empty_result() const {
  EvaluationResult e;
  e.schedulers = schedulers;
  e.scheduler_settings = scheduler_settings;
  e.traits = traits_of(schedulers);
  return e;
}

ordered_json Plan::to_json() const {
  ordered_json settings = ordered_json::object();
  for (const auto& [scheduler, text] : scheduler_settings) settings[scheduler] = ordered_json::parse(text);
  ordered_json j = {{"schema_version", plan_schema_version},
                    {"kind", "sweep-plan"},
                    {"name", name},
                    {"shard", {{"index", shard.index}, {"of", shard.of}}},
                    {"tool", tool},
                    {"schedulers", schedulers},
                    {"scheduler_settings", settings},
                    {"external_schedulers", external_schedulers},
                    {"grid",
                     {{"deadlines", grid.deadlines},
                      {"levels", grid.levels},
                      {"deadline_low_x", grid.deadline_low_x},
                      {"deadline_high_x", grid.deadline_high_x}}},
                    {"cells", ordered_json::array()}};
  if (grid.judge) j["grid"]["judge"] = to_string(*grid.judge);
  if (grid.tolerance)
    j["grid"]["goal_tolerance"] = {{"accuracy", grid.tolerance->accuracy},
                                   {"energy", grid.tolerance->energy}};
  for (const PlannedCell& c : cells)
    j["cells"].push_back(
        {{"id", c.cell.id}, {"recording", c.recording}, {"recording_sha256", c.cell.recording_sha256}});
  return j;
}

Plan Plan::read(const std::string& path) {
  const json j = read_json_file(path);
  JsonReader r(j, path);
  r.version(plan_schema_version, "sweep again into a folder of its own");
  r.one_of("kind", "", {"sweep-plan"});
  Plan plan;
  plan.name = r.text("name");
  JsonReader shard = r.object("shard");
  plan.shard.of = shard.integer("of", 1, std::numeric_limits<int>::max());
  plan.shard.index = shard.integer("index", 1, plan.shard.of);
  shard.finish();
  plan.tool = r.text("tool");
  plan.schedulers = r.texts("schedulers");
  const json& settings = r.raw("scheduler_settings");
  for (const std::string& scheduler : plan.schedulers)
    if (settings.contains(scheduler))
      plan.scheduler_settings.emplace_back(scheduler, settings[scheduler].dump());
  if (r.has("external_schedulers")) plan.external_schedulers = read_external_schedulers(r);
  JsonReader grid = r.object("grid");
  plan.grid.deadlines = grid.integer("deadlines", 2, std::numeric_limits<int>::max());
  plan.grid.levels = grid.integer("levels", 2, std::numeric_limits<int>::max());
  plan.grid.deadline_low_x = grid.number("deadline_low_x", 0, 1e300);
  plan.grid.deadline_high_x = grid.number("deadline_high_x", 0, 1e300);
  if (grid.has("judge")) plan.grid.judge = read_judge(grid);
  if (grid.has("goal_tolerance")) plan.grid.tolerance = read_tolerance(grid);
  grid.finish();
  for (JsonReader& c : r.objects("cells")) {
    PlannedCell planned;
    planned.cell.id = c.text("id");
    planned.recording = c.text("recording");
    planned.cell.recording_sha256 = c.text("recording_sha256");
    c.finish();
    plan.cells.push_back(std::move(planned));
  }
  r.finish();
  return plan;
}

void Plan::write(const std::string& folder) const {
  write_file_atomically(folder + "/plan.json", json_text(to_json(), 1) + "\n");
}

}  // namespace alertbench
