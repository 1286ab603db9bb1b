#include "sweep/sweep_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/json_reader.h"
#include "core/goal_json.h"
#include "schedulers/external.h"
#include "schedulers/scheduler.h"

namespace alertbench {
namespace {

constexpr int most_steps = 1000;

GridSpec read_grid(JsonReader r) {
  GridSpec g;
  g.deadlines = r.integer("deadlines", g.deadlines, 2, most_steps);
  g.levels = r.integer("levels", g.levels, 2, most_steps);
  g.deadline_low_x = r.number("deadline_low_x", g.deadline_low_x, 1e-3, 1e3);
  g.deadline_high_x = r.number("deadline_high_x", g.deadline_high_x, 1e-3, 1e3);
  if (r.has("judge")) g.judge = read_judge(r);
  if (r.has("goal_tolerance")) g.tolerance = read_tolerance(r);
  r.finish();
  if (g.deadline_high_x <= g.deadline_low_x)
    r.fail("deadline_high_x",
           fmt::format("{} is not above deadline_low_x, {}", g.deadline_high_x, g.deadline_low_x));
  return g;
}

void refuse_twice(const JsonReader& r, const std::string& key, std::vector<std::string> words) {
  std::sort(words.begin(), words.end());
  if (const auto twice = std::adjacent_find(words.begin(), words.end()); twice != words.end())
    r.fail(key, fmt::format("duplicate \"{}\"; remove one of them", *twice));
}

}  // namespace

SweepFile SweepFile::read(const std::string& path) {
  const nlohmann::json j = read_json_file(path, written_by_hand);
  JsonReader r(j, path);
  SweepFile s;
  s.path = path;
  r.text("$schema", "");  // editors look there
  r.one_of("schema_version", "", {"1.0"});
  r.one_of("kind", "", {"sweep"});
  s.name = r.text("name");
  if (s.name.empty()) r.fail("name", "is empty; set a name");
  s.description = r.text("description", "");
  s.recordings = r.texts("recordings");
  if (s.recordings.empty())
    r.fail("recordings", "is missing or empty; list folders with a recording.json, or patterns");
  for (const std::string& recording : s.recordings)
    if (recording.empty()) r.fail("recordings", "contains an empty path");
  refuse_twice(r, "recordings", s.recordings);
  if (r.has("tasks")) {
    const std::vector<std::string> tasks = r.texts("tasks");
    refuse_twice(r, "tasks", tasks);
    s.tasks.clear();
    for (const std::string& task : tasks) {
      if (task != "min_energy" && task != "min_error") {
        const std::string near = nearest_word(task, {"min_energy", "min_error"});
        r.fail("tasks", fmt::format("\"{}\" is not known; it can be: min_energy, min_error{}", task,
                                    near.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", near)));
      }
      s.tasks.push_back(task == "min_error" ? Task::min_error : Task::min_energy);
    }
    if (s.tasks.empty()) r.fail("tasks", "is empty; omit it for both tasks, or name one");
  }
  s.schedulers = r.texts("schedulers");
  for (std::string& name : s.schedulers) name = with_file_in(s.folder(), name);
  refuse_twice(r, "schedulers", s.schedulers);
  if (r.has("scheduler_settings")) s.scheduler_settings = r.raw("scheduler_settings");
  if (!s.scheduler_settings.is_object())
    r.fail("scheduler_settings", "expected an object with one key per scheduler");
  if (r.has("grid")) s.grid = read_grid(r.object("grid"));
  r.finish();
  // Names and settings are refused by who knows them.
  for (const std::string& name : s.schedulers) effective_settings(name, nullptr, path + ": schedulers");
  s.scheduler_settings =
      settings_by_scheduler(s.scheduler_settings, s.schedulers, s.folder(), path + ": scheduler_settings");
  for (const auto& [name, settings] : s.scheduler_settings.items())
    effective_settings(name, settings, path + ": scheduler_settings: " + name);
  s.schedulers_named = !s.schedulers.empty();
  if (s.schedulers.empty())
    for (const SchedulerInfo& info : known_schedulers()) s.schedulers.push_back(info.name);
  return s;
}

std::string SweepFile::folder() const {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace alertbench
