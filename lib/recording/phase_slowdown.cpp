#include "recording/phase_slowdown.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/statistics.h"

namespace alertbench {
namespace {

using nlohmann::ordered_json;

constexpr size_t most_numbers = 2000, listed_at_each_end = 20;

// Standard deviation over mean.
ordered_json spread_of(const std::vector<double>& values) {
  const auto mean = mean_of(values);
  if (!mean || values.size() < 2) return nullptr;
  double square = 0;
  for (double v : values) square += (v - *mean) * (v - *mean);
  return std::sqrt(square / static_cast<double>(values.size() - 1)) / *mean;
}

ordered_json number(const std::optional<double>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

// To four places: what is listed should be short.
ordered_json rounded(const std::vector<double>& values) {
  ordered_json all = ordered_json::array();
  for (double v : values) all.push_back(std::round(v * 1e4) / 1e4);
  return all;
}

ordered_json over_phases(const std::vector<PhaseSlowdown>& phases, size_t model, bool on) {
  std::vector<double> medians;
  for (const PhaseSlowdown& p : phases)
    if (p.on == on) medians.push_back(p.median[model]);
  if (medians.empty()) return nullptr;
  return {{"phases", medians.size()},
          {"min", number(quantile(medians, 0))},
          {"p25", number(quantile(medians, 0.25))},
          {"median", number(quantile(medians, 0.5))},
          {"p75", number(quantile(medians, 0.75))},
          {"max", number(quantile(medians, 1))}};
}

ordered_json phase_facts(const TruthTable& truth, const Profile& profile) {
  const std::vector<PhaseSlowdown> phases = phase_slowdowns(truth, profile);
  const bool all =
      2 * phases.size() * profile.models.size() <= most_numbers || phases.size() <= 2 * listed_at_each_end;
  ordered_json j = {{"phases", phases.size()},
                    {"left_out", all ? 0 : phases.size() - 2 * listed_at_each_end},
                    {"networks", ordered_json::array()},
                    {"each", ordered_json::array()}};
  for (size_t m = 0; m < profile.models.size(); ++m)
    j["networks"].push_back({{"network", profile.models[m].name},
                             {"median_with_co_runner", over_phases(phases, m, true)},
                             {"median_without", over_phases(phases, m, false)}});
  for (size_t i = 0; i < phases.size(); ++i) {
    if (!all && i >= listed_at_each_end && i + listed_at_each_end < phases.size()) continue;
    const PhaseSlowdown& p = phases[i];
    j["each"].push_back({{"first", p.first},
                         {"end", p.end},
                         {"on", p.on},
                         {"median", rounded(p.median)},
                         {"mean", rounded(p.mean)}});
  }
  return j;
}

}  // namespace

double slowdown_of(const TruthTable& truth, const Profile& profile, int model, int64_t input) {
  const Configuration last{model, profile.models[static_cast<size_t>(model)].stages(), profile.caps() - 1};
  return truth.end_s(input, profile.row(last), last.cap) / profile.latency_of(last).mean_s /
         profile.size_factor(model, truth.facts_of(input).size / profile.mean_size);
}

std::vector<PhaseSlowdown> phase_slowdowns(const TruthTable& truth, const Profile& profile) {
  std::vector<PhaseSlowdown> phases;
  for (int64_t first = 0, end; first < truth.inputs; first = end) {
    const auto on = [&](int64_t n) { return truth.co_runner_on[static_cast<size_t>(n)] != 0; };
    for (end = first + 1; end < truth.inputs && on(end) == on(first);) ++end;
    PhaseSlowdown p{first, end, on(first), {}, {}};
    for (int m = 0; m < static_cast<int>(profile.models.size()); ++m) {
      std::vector<double> ratios;
      for (int64_t n = first; n < end; ++n) ratios.push_back(slowdown_of(truth, profile, m, n));
      p.median.push_back(quantile(ratios, 0.5).value_or(0));
      p.mean.push_back(mean_of(ratios).value_or(0));
    }
    phases.push_back(std::move(p));
  }
  return phases;
}

ordered_json slowdown_facts(const TruthTable& truth, const Profile& profile) {
  ordered_json networks = ordered_json::array();
  std::vector<double> medians, means;
  for (int m = 0; m < static_cast<int>(profile.models.size()); ++m) {
    const Configuration last{m, profile.models[static_cast<size_t>(m)].stages(), profile.caps() - 1};
    std::vector<double> with, without, all, all_of_mean_size;
    for (int64_t n = 0; n < truth.inputs; ++n) {
      all_of_mean_size.push_back(truth.end_s(n, profile.row(last), last.cap) /
                                 profile.latency_of(last).mean_s);
      all.push_back(slowdown_of(truth, profile, m, n));
      (truth.co_runner_on[static_cast<size_t>(n)] ? with : without).push_back(all.back());
    }
    const auto quantiles = [&](const std::vector<double>& v) {
      return v.empty() ? ordered_json(nullptr)
                       : ordered_json{{"inputs", v.size()},
                                      {"mean", *mean_of(v)},
                                      {"median", *quantile(v, 0.5)},
                                      {"p95", *quantile(v, 0.95)}};
    };
    networks.push_back({{"network", profile.models[static_cast<size_t>(m)].name},
                        {"with_co_runner", quantiles(with)},
                        {"without", quantiles(without)}});
    if (!profile.size_unit.empty())
      networks.back()["spread"] = {{"with_size_model", spread_of(all)},
                                   {"at_mean_size", spread_of(all_of_mean_size)}};
    if (!with.empty() && !without.empty()) {
      medians.push_back(*quantile(with, 0.5) / *quantile(without, 0.5));
      means.push_back(*mean_of(with) / *mean_of(without));
    }
  }
  return {{"median_ratio_over_networks", number(quantile(medians, 0.5))},
          {"mean_ratio_over_networks", number(quantile(means, 0.5))},
          {"networks", networks},
          {"by_phase", phase_facts(truth, profile)}};
}

}  // namespace alertbench
