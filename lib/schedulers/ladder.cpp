#include "schedulers/ladder.h"

#include <algorithm>
#include <tuple>

#include "schedulers/candidates.h"

namespace alertbench {

std::vector<Rung> accuracy_ladder(const Profile& profile, double least_accuracy) {
  struct Row {
    Rung rung;
    double latency_s;
  };
  std::vector<Row> rows;
  for (int m : models_by_name(profile, Candidates::all)) {
    const ModelProfile& model = profile.models[static_cast<size_t>(m)];
    for (int s = 1; s <= model.stages(); ++s)
      rows.push_back({{m, s, model.accuracy[static_cast<size_t>(s - 1)]},
                      profile.latency_of({m, s, profile.caps() - 1}).mean_s});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::make_tuple(-a.rung.accuracy, a.latency_s) < std::make_tuple(-b.rung.accuracy, b.latency_s);
  });
  std::vector<Rung> rungs;
  double least_s = infinity;
  for (const Row& row : rows) {
    if (row.latency_s >= least_s) continue;
    if (!rungs.empty() && row.rung.accuracy < least_accuracy) break;
    least_s = row.latency_s;
    rungs.push_back(row.rung);
    rungs.back().speedup = rows.front().latency_s / row.latency_s;
  }
  return rungs;
}

}  // namespace alertbench
