#include <fmt/format.h>

#include <cmath>

#include "base/console.h"
#include "live/live_session.h"
#include "runner/preflight.h"
#include "runner/run.h"

namespace alertbench {

std::string describe_plan(const Scenario& asked, bool need_accuracy) {
  const Preflight preflight = check_before(asked, need_accuracy);
  const Scenario& s = preflight.scenario;
  const std::vector<NetworkSpec> networks = candidates_of(s);
  std::string notes;
  for (const std::string& n : preflight.notes) notes += fmt::format("note: {}\n", printable(n));
  const size_t cells = networks.size() * s.caps_w.size();
  const auto executions = [&](int times) {
    const size_t counted = cells * static_cast<size_t>(times),
                 others = networks.size() * static_cast<size_t>(times);
    std::string text = fmt::format("{} executions", counted);
    if (s.record_pace == "none") return text;
    text += fmt::format(" (and {} that do not count) at the pace of live runs, at least one deadline each",
                        others);
    if (s.goals[0].deadline_s)
      text += fmt::format(", {:.0f} s", std::ceil(static_cast<double>(counted) * *s.goals[0].deadline_s));
    return text;
  };
  return fmt::format(
      "Plan of {}: {} networks x {} caps\n"
      "  profile: {}, alone\n  record:  {}; {} inputs, co-runner {}\n"
      "  live:    {} inputs ({} goal settings x {} schedulers x {} inputs), {}\n"
      "  replay:  the same from the recording\nThe duration is known once the profile exists; the progress "
      "display then shows it.\n{}",
      s.name, networks.size(), s.caps_w.size(), executions(s.profile_repetitions), executions(s.inputs),
      s.inputs, s.co_runner.kind, s.goals.size() * s.schedulers.size() * static_cast<size_t>(s.inputs),
      s.goals.size(), s.schedulers.size(), s.inputs,
      s.arrivals.timed() ? "as they arrive" : "each takes one deadline", notes);
}

}  // namespace alertbench
