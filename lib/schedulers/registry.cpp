#include "schedulers/registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "schedulers/alert.h"
#include "schedulers/app_only.h"
#include "schedulers/caloree.h"
#include "schedulers/copper.h"
#include "schedulers/coral_like.h"
#include "schedulers/e4_order.h"
#include "schedulers/external.h"
#include "schedulers/joule_guard.h"
#include "schedulers/no_coord.h"
#include "schedulers/oracle.h"
#include "schedulers/oracle_causal.h"
#include "schedulers/oracle_mean.h"
#include "schedulers/oracle_static.h"
#include "schedulers/poet.h"
#include "schedulers/price.h"
#include "schedulers/spectr_like.h"
#include "schedulers/sys_only.h"
#include "schedulers/zeus_static.h"

namespace alertbench {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// Scenarios in recordings of version 0.1 have a share that these schedulers could be given; it is
// core/goal_judge.h's now.
struct ShareOfVersion01 : NoSettings {
  static ShareOfVersion01 read(JsonReader reader) {
    reader.optional_number("max_violation_share", 0, 1);
    reader.finish();
    return {};
  }
};

template <Candidates kind, bool mean_only>
SchedulerEntry alert(const char* name, const char* summary) {
  return {{name, summary, false, kind == Candidates::anytime, kind == Candidates::traditional, {"alert"}},
          [](const SchedulerInputs& inputs, JsonReader settings) -> std::unique_ptr<Scheduler> {
            return std::make_unique<Alert>(inputs, AlertSettings::read(std::move(settings)), kind, mean_only);
          },
          [](JsonReader settings) { return AlertSettings::read(std::move(settings)).to_json(); }};
}

}  // namespace

std::vector<SchedulerEntry>& scheduler_registry() {
  const SchedulerTraits system_level = {"one-level", {true, false, false}};
  // An anytime network that runs until the deadline is as accurate as it can be.
  const SchedulerTraits anytime_level = {"one-level", {true, true, false}};
  const SchedulerTraits cap_control = {"control", {true, false, false}};
  const SchedulerTraits budget_control = {"control", {false, false, true}};
  const SchedulerTraits rate_and_power_control = {"control", {true, false, true}};
  const SchedulerTraits accurate_heuristic = {"heuristic", {true, true, false}};
  const SchedulerTraits blind_heuristic = {"heuristic", {false, false, false}};
  const SchedulerTraits bound = {"bound"};
  static std::vector<SchedulerEntry> all = {
      alert<Candidates::all, false>("alert",
                                    "network, stage and cap together, by predicted accuracy and energy"),
      alert<Candidates::traditional, false>("alert-trad", "alert with traditional networks only"),
      alert<Candidates::anytime, false>("alert-any", "alert with anytime networks only"),
      alert<Candidates::all, true>("alert-mean",
                                   "alert with the mean of the slow-down factor only, no variance"),
      scheduler_entry<SysOnly, PoetSettings>({"sys-only",
                                              "the fastest traditional network; feedback sets the cap", false,
                                              false, true, system_level}),
      scheduler_entry<AppOnly, NoSettings>({"app-only",
                                            "the best anytime network until the deadline; highest cap", false,
                                            true, false, anytime_level}),
      scheduler_entry<NoCoord, PoetSettings>({"no-coord",
                                              "app-only and sys-only at once, neither aware of the other",
                                              false, true, false, anytime_level}),
      scheduler_entry<Price, PriceSettings>(
          {"price",
           "one price on accuracy (or energy) for all inputs, found without knowing the future",
           false,
           false,
           false,
           {"price"}}),
      scheduler_entry<Poet, PoetAloneSettings>({"poet",
                                                "POET: one network; feedback shares time between two caps",
                                                false, false, false, cap_control}),
      scheduler_entry<Copper, CopperSettings>(
          {"copper", "CoPPer: one network; feedback sets the cap without a model of it", false, false, false,
           cap_control}),
      scheduler_entry<Caloree, CaloreeSettings>({"caloree",
                                                 "CALOREE: one network; POET over learned speeds and powers",
                                                 false, false, false, cap_control}),
      scheduler_entry<JouleGuard, JouleGuardSettings>(
          {"jouleguard", "an energy budget for the whole run; the most accurate network that it allows",
           false, false, false, budget_control}),
      scheduler_entry<SpectrLike, SpectrSettings>(
          {"spectr-like", "rate and power by one controller of network and cap, under a supervisor", false,
           false, false, rate_and_power_control}),
      scheduler_entry<CoralLike, CoralSettings>(
          {"coral-like",
           "search for the best configuration while running, without a profile",
           false,
           false,
           false,
           {"heuristic"}}),
      scheduler_entry<E4Order, E4OrderSettings>(
          {"e4-order", "the most accurate in time under the highest cap, then the lowest cap", false, false,
           false, accurate_heuristic}),
      scheduler_entry<ZeusStatic, ZeusStaticSettings>(
          {"zeus-static", "one network; the lowest cap within a slow-down by the profile", false, false,
           false, blind_heuristic}),
      scheduler_entry<Oracle, NoSettings>({"oracle",
                                           "the best configuration for each input, from its true outcomes",
                                           true, false, false, bound}),
      scheduler_entry<OracleMean, NoSettings>(
          {"oracle-mean", "the best for every input under goals that hold on average: the true bound", true,
           false, false, bound}),
      scheduler_entry<OracleStatic, ShareOfVersion01>(
          {"oracle-static", "the best single configuration for the whole run, in hindsight", true, false,
           false, bound}),
      scheduler_entry<OracleCausal, ShareOfVersion01>(
          {"oracle-causal",
           "the best by the true distribution of each phase, without knowing the input's own times", true,
           false, false, bound}),
  };
  return all;
}

namespace {

const SchedulerEntry& find(const std::string& name, const std::string& where) {
  std::vector<std::string> names;
  for (const SchedulerEntry& e : scheduler_registry()) {
    if (e.info.name == name) return e;
    names.push_back(e.info.name);
  }
  const std::string near = nearest_word(name, names);
  throw InputError(fmt::format(
      "{}: unknown scheduler \"{}\"{}. Known: {}; lib:FILE.so and cmd:PROGRAM are "
      "schedulers of your own",
      where, name, near.empty() ? "" : fmt::format(", did you mean \"{}\"?", near), fmt::join(names, ", ")));
}

const json& or_empty(const json& settings) {
  static const json empty = json::object();
  return settings.is_null() ? empty : settings;
}

void check(const SchedulerInfo& info, const SchedulerInputs& inputs, const std::string& where) {
  auto fail = [&](const std::string& what) {
    throw InputError(fmt::format("{}: {}: {}", where, info.name, what));
  };
  const auto& models = inputs.profile.models;
  const bool anytime =
      std::any_of(models.begin(), models.end(), [](const ModelProfile& m) { return m.anytime(); });
  const bool traditional =
      std::any_of(models.begin(), models.end(), [](const ModelProfile& m) { return !m.anytime(); });
  if (models.empty()) fail("no candidate networks; add at least one");
  if (info.needs_anytime && !anytime)
    fail("requires an anytime network among the candidates, but there is none");
  if (info.needs_traditional && !traditional)
    fail("requires a traditional network among the candidates, but there is none");

  const Goals& goals = inputs.goals;
  if (!(goals.deadline_s > 0)) fail(fmt::format("deadline of {} s is not above 0", goals.deadline_s));
  if (goals.task == Task::min_energy && !goals.accuracy) fail("task min_energy requires an accuracy goal");
  if (goals.task == Task::min_error && !goals.energy_j) fail("task min_error requires an energy budget");

  if (!info.needs_truth) return;
  if (!inputs.truth) fail("requires a recording of every configuration (replay only)");
  if (inputs.truth->rows != inputs.profile.rows() || inputs.truth->caps != inputs.profile.caps())
    fail(fmt::format("the recording has {} stages and {} caps, the profile {} and {}", inputs.truth->rows,
                     inputs.truth->caps, inputs.profile.rows(), inputs.profile.caps()));
}

}  // namespace

std::vector<std::string> promised_goals(const Promises& promises) {
  std::vector<std::string> goals;
  if (promises.deadline) goals.emplace_back("deadline");
  if (promises.accuracy) goals.emplace_back("accuracy");
  if (promises.energy) goals.emplace_back("energy");
  return goals;
}

std::vector<SchedulerInfo> known_schedulers() {
  std::vector<SchedulerInfo> infos;
  for (const SchedulerEntry& e : scheduler_registry()) infos.push_back(e.info);
  return infos;
}

bool knows_truth(const std::string& name) {
  const auto& all = scheduler_registry();
  return std::any_of(all.begin(), all.end(),
                     [&](const SchedulerEntry& e) { return e.info.needs_truth && e.info.name == name; });
}

std::unique_ptr<Scheduler> make_scheduler(const std::string& name, const SchedulerInputs& inputs,
                                          const json& settings, const std::string& where) {
  const SchedulerEntry& e = find(name, where);
  check(e.info, inputs, where);
  return e.make(inputs, JsonReader(or_empty(settings), where));
}

ordered_json effective_settings(const std::string& name, const json& settings, const std::string& where) {
  if (is_external(name)) return external_settings(name, or_empty(settings), where);
  return find(name, where).effective(JsonReader(or_empty(settings), where));
}

}  // namespace alertbench
