#include "runner/preflight.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/limits.h"
#include "live/live_session.h"
#include "schedulers/external.h"
#include "schedulers/scheduler.h"

namespace alertbench {
namespace {

constexpr size_t other_files = 64;  // libraries, sensors, weights, a recording
constexpr size_t files_of_program =
    8;  // four for the streams of a scheduler cmd:PROGRAM and its supervisor, live and in replay

// `from`: where the candidates stand.
// A setting `network` names the one that a scheduler runs.
void check_network_settings(const Scenario& scenario, const std::vector<std::string>& candidates) {
  for (const std::string& name : scenario.schedulers) {
    const auto own = scenario.scheduler_settings.find(name);
    if (own == scenario.scheduler_settings.end() || !own->is_object()) continue;
    const auto network = own->find("network");
    if (network == own->end() || !network->is_string() || *network == "auto") continue;
    if (std::find(candidates.begin(), candidates.end(), network->get<std::string>()) == candidates.end())
      throw InputError(
          fmt::format("{}: scheduler_settings: {}: network: {} is no candidate; use \"auto\", or one of {}",
                      scenario.path, name, shown_json(*network), fmt::join(candidates, ", ")));
  }
}

template <class Networks>
std::vector<std::string> names_of(const Networks& networks) {
  std::vector<std::string> names;
  for (const auto& n : networks) names.push_back(n.name);
  return names;
}

Preflight without_those_that_cannot(Scenario scenario, const std::string& from, bool anytime,
                                    bool traditional, bool named) {
  Preflight result{std::move(scenario), {}};
  std::vector<std::string> able;
  for (const std::string& name : result.scenario.schedulers) {
    const auto& all = known_schedulers();
    const auto info =
        std::find_if(all.begin(), all.end(), [&](const SchedulerInfo& i) { return i.name == name; });
    const bool lacks_anytime = info != all.end() && info->needs_anytime && !anytime;
    const bool lacks_traditional = info != all.end() && info->needs_traditional && !traditional;
    if (!lacks_anytime && !lacks_traditional) {
      able.push_back(name);
      continue;
    }
    const std::string lacks = fmt::format("needs {} network, but the candidates ({}) include none",
                                          lacks_anytime ? "an anytime" : "a traditional", from);
    if (named)
      throw InputError(fmt::format("{}: schedulers: {} {}; omit it, or add such a network",
                                   result.scenario.path, name, lacks));
    result.notes.push_back(fmt::format("scheduler {} is omitted: it {}", name, lacks));
  }
  result.scenario.schedulers = able;
  return result;
}

}  // namespace

Preflight check_before(const Scenario& scenario, bool need_accuracy) {
  const std::vector<NetworkSpec> networks = candidates_of(scenario, need_accuracy);
  check_network_settings(scenario, names_of(networks));
  const auto anytime = [](const NetworkSpec& n) { return n.anytime(); };
  return without_those_that_cannot(
      scenario, scenario.networks, std::any_of(networks.begin(), networks.end(), anytime),
      !std::all_of(networks.begin(), networks.end(), anytime), scenario.schedulers_named);
}

Preflight check_before_replay(const Scenario& scenario, const Profile& profile, bool named) {
  check_network_settings(scenario, names_of(profile.models));
  const auto anytime = [](const ModelProfile& m) { return m.anytime(); };
  return without_those_that_cannot(
      scenario, "of the recording", std::any_of(profile.models.begin(), profile.models.end(), anytime),
      !std::all_of(profile.models.begin(), profile.models.end(), anytime), named);
}

Preflight able_schedulers(const Profile& profile) {
  Scenario all;
  for (const SchedulerInfo& info : known_schedulers()) all.schedulers.push_back(info.name);
  return check_before_replay(all, profile, false);
}

void check_permissions(const Scenario& scenario, bool allow_commands) {
  if (!allow_commands) refuse_commands(scenario);
  choose_processors(scenario, allowed_cpus());
}

void check_arrivals(const Scenario& scenario, const Workload& workload) {
  if (!scenario.arrivals.timed()) return;
  for (const int64_t index : workload.order(scenario.inputs, scenario.seeds.inputs))
    if (workload.facts(index).members_left > 1) refuse_timed_groups(scenario.path);
}

void check_file_limit(const Scenario& scenario) {
  const size_t traces = scenario.schedulers.size() * scenario.goals.size();
  const auto programs = static_cast<size_t>(
      std::count_if(scenario.schedulers.begin(), scenario.schedulers.end(),
                    [](const std::string& s) { return is_external(s) && s.rfind("cmd:", 0) == 0; }));
  const size_t needed = traces + other_files + programs * scenario.goals.size() * files_of_program;
  const auto limit = file_limit();
  if (limit && *limit < needed)
    throw EnvironmentError(fmt::format(
        "{}: {} traces ({} goal settings x {} schedulers) are open at once in a live run, which needs about "
        "{} open files; this process may have {}. Raise the limit (`ulimit -n {}`, as root `ulimit -Hn`), or "
        "choose fewer --schedulers",
        scenario.path, traces, scenario.goals.size(), scenario.schedulers.size(), needed, *limit, needed));
}

}  // namespace alertbench
