#include "schedulers/oracle_static.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>

#include "schedulers/true_outcomes.h"

namespace alertbench {

OracleStaticSettings OracleStaticSettings::read(JsonReader reader) {
  OracleStaticSettings s;
  s.max_violation_share = reader.number("max_violation_share", s.max_violation_share, 0, 1);
  reader.finish();
  return s;
}

nlohmann::ordered_json OracleStaticSettings::to_json() const {
  return {{"max_violation_share", max_violation_share}};
}

OracleStatic::OracleStatic(const SchedulerInputs& inputs, const OracleStaticSettings& settings) {
  const Goals& goals = inputs.goals;
  const double allowed = settings.max_violation_share * static_cast<double>(inputs.truth->inputs);
  std::tuple<int64_t, double, double> best{std::numeric_limits<int64_t>::max(), 0, 0};
  const TrueOutcomes outcomes(*inputs.truth, inputs.profile, goals);
  for (size_t k = 0; k < outcomes.size(); ++k) {
    int64_t violated = 0;
    double energy_j = 0, error = 0;
    Pacing pacing(inputs.arrivals, goals.deadline_s);
    for (int64_t n = 0; n < inputs.truth->inputs; ++n) {
      const Arrival arrival = pacing.arrive(inputs.truth->facts_of(n).members_left);
      const TrueOutcome outcome =
          outcomes.at(k, n, std::max(0.0, arrival.deadline_s - arrival.wait_s), arrival.period_s);
      pacing.executed(arrival.arrival_s + arrival.wait_s + outcome.busy_s, outcome.busy_s);
      violated += outcome.violated;
      energy_j += outcome.energy_j;
      error += 1 - outcome.accuracy;
    }
    if (static_cast<double>(violated) <= allowed) violated = 0;
    const auto key = std::make_tuple(violated, goals.task == Task::min_energy ? energy_j : error, energy_j);
    if (key < best) {
      best = key;
      choice_ = outcomes.configuration(k);
    }
  }
}

}  // namespace alertbench
