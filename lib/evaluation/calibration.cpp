#include "evaluation/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/random.h"
#include "estimate/conformal_level.h"
#include "schedulers/alert.h"

namespace alertbench {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr size_t level_count = calibration_levels.size();
constexpr size_t median_level = 5, p95_level = 10;
static_assert(calibration_levels[median_level] == 0.5 && calibration_levels[p95_level] == 0.95);

struct CalibrationSums {
  std::array<int64_t, level_count> covered{};
  int64_t inputs = 0, infinite = 0;
  double loss = 0, width = 0, predicted = 0, observed = 0;

  CalibrationScore score() const {
    CalibrationScore s;
    const auto n = static_cast<double>(inputs), quantiles = n * static_cast<double>(level_count);
    for (size_t k = 0; k < level_count; ++k) s.coverage[k] = static_cast<double>(covered[k]) / n;
    s.pinball = loss / quantiles;
    s.width = width / n;
    s.mean = predicted / observed;
    s.infinite = static_cast<double>(infinite) / quantiles;
    return s;
  }
};

// The ratio of recorded to profiled latency.
double factor_of(const Recording& recording, const Configuration& configuration, int64_t input) {
  const Profile& profile = recording.profile;
  const double size = recording.truth.facts_of(input).size / profile.mean_size;
  return recording.truth.end_s(input, profile.row(configuration), configuration.cap) /
         (profile.size_factor(configuration.model, size) * profile.latency_of(configuration).mean_s);
}

void add_series(const std::vector<double>& factors, const EstimatorSettings& settings, bool conformal,
                CalibrationSums& sums) {
  SlowdownEstimator estimator(settings);
  std::vector<ConformalLevel> levels;
  for (double p : calibration_levels) levels.push_back(ConformalLevel({1 - p, calibration_gamma}));
  double largest = 0;
  for (size_t i = 0; i < factors.size(); ++i) {
    const double r = factors[i];
    const bool scored = i >= static_cast<size_t>(calibration_skipped);
    std::array<double, level_count> quantiles;
    for (size_t k = 0; k < level_count; ++k) {
      const auto quantile = [&](double p) { return estimator.quantile(p); };
      double q = conformal ? levels[k].bound(quantile) : quantile(calibration_levels[k]);
      const bool exceeded = r > q;
      levels[k].observe(exceeded);
      if (scored) sums.covered[k] += !exceeded;
      if (std::isinf(q)) sums.infinite += scored;
      if (conformal) q = std::min(q, largest);
      quantiles[k] = q;
      const double p = calibration_levels[k];
      if (scored) sums.loss += r > q ? p * (r - q) : (1 - p) * (q - r);
    }
    if (scored) {
      ++sums.inputs;
      sums.width += quantiles[p95_level] - quantiles[median_level];
      sums.predicted += estimator.mean();
      sums.observed += r;
    }
    largest = std::max(largest, r);
    estimator.update(r);
  }
}

ordered_json score_json(const CalibrationScore& s) {
  return {{"pinball", s.pinball},
          {"coverage", s.coverage},
          {"width", s.width},
          {"mean", s.mean},
          {"infinite", s.infinite}};
}

ordered_json results_json(const std::vector<CalibrationResult>& results) {
  ordered_json all = ordered_json::array();
  for (const CalibrationResult& r : results)
    all.push_back({{"estimator", r.estimator},
                   {"conformal", r.conformal},
                   {"fixed", score_json(r.fixed)},
                   {"switching", score_json(r.switching)}});
  return all;
}

}  // namespace

const std::vector<CalibratedEstimator>& calibrated_estimators() {
  static const std::vector<CalibratedEstimator> all = {
      {"gaussian, paper", json::object()},
      {"gaussian, tuned", {{"preset", "tuned"}}},
      {"gaussian, tuned, with noise", {{"preset", "tuned"}, {"slowdown", {{"predict_with_noise", true}}}}},
      {"student", {{"estimator", "student"}}},
      {"regimes", {{"estimator", "regimes"}}},
      {"quantiles", {{"estimator", "quantiles"}}}};
  return all;
}

std::vector<CalibrationResult> calibrate_estimators(const Recording& recording, int64_t inputs,
                                                    const std::string& where) {
  const int64_t n = inputs > 0 ? std::min(inputs, recording.truth.inputs) : recording.truth.inputs;
  if (n <= calibration_skipped)
    throw InputError(
        fmt::format("{}: {} inputs; estimators are scored from input {} on, so use a recording "
                    "with more",
                    where, n, calibration_skipped));
  const Profile& profile = recording.profile;
  std::vector<std::vector<double>> fixed, switching;
  for (int m = 0; m < static_cast<int>(profile.models.size()); ++m)
    for (int s = 1; s <= profile.models[static_cast<size_t>(m)].stages(); ++s) {
      fixed.emplace_back();
      for (int64_t i = 0; i < n; ++i)
        fixed.back().push_back(factor_of(recording, {m, s, profile.caps() - 1}, i));
    }
  const auto below = [](Random& random, int count) {
    return static_cast<int>(random.below(static_cast<uint64_t>(count)));
  };
  for (uint64_t seed = 1; seed <= calibration_seeds; ++seed) {
    Random random(seed);
    switching.emplace_back();
    for (int64_t i = 0; i < n; ++i) {
      const int m = below(random, static_cast<int>(profile.models.size()));
      const int s = 1 + below(random, profile.models[static_cast<size_t>(m)].stages());
      switching.back().push_back(factor_of(recording, {m, s, below(random, profile.caps())}, i));
    }
  }
  std::vector<CalibrationResult> results;
  for (const bool conformal : {false, true})
    for (const CalibratedEstimator& e : calibrated_estimators()) {
      const EstimatorSettings settings = AlertSettings::read(JsonReader(e.alert_settings, e.name)).estimator;
      const auto score = [&](const std::vector<std::vector<double>>& series) {
        CalibrationSums sums;
        for (const std::vector<double>& s : series) add_series(s, settings, conformal, sums);
        return sums.score();
      };
      results.push_back({e.name, conformal, score(fixed), score(switching)});
    }
  return results;
}

std::vector<CalibrationResult> over_recordings(const std::vector<RecordingCalibration>& recordings) {
  std::vector<CalibrationResult> means;
  const double share = 1 / static_cast<double>(recordings.size());
  const auto add = [&](CalibrationScore& to, const CalibrationScore& s) {
    for (size_t k = 0; k < level_count; ++k) to.coverage[k] += share * s.coverage[k];
    to.pinball += share * s.pinball;
    to.width += share * s.width;
    to.mean += share * s.mean;
    to.infinite += share * s.infinite;
  };
  for (size_t k = 0; !recordings.empty() && k < recordings[0].results.size(); ++k) {
    CalibrationResult mean{recordings[0].results[k].estimator, recordings[0].results[k].conformal, {}, {}};
    for (const RecordingCalibration& r : recordings) {
      add(mean.fixed, r.results[k].fixed);
      add(mean.switching, r.results[k].switching);
    }
    means.push_back(mean);
  }
  return means;
}

ordered_json calibration_json(const std::vector<RecordingCalibration>& recordings) {
  ordered_json out = {{"schema_version", calibration_schema_version},
                      {"kind", "calibration"},
                      {"levels", calibration_levels},
                      {"skipped_inputs", calibration_skipped},
                      {"seeds", calibration_seeds},
                      {"gamma", calibration_gamma},
                      {"estimators", ordered_json::array()},
                      {"all", results_json(over_recordings(recordings))},
                      {"recordings", ordered_json::array()}};
  for (const CalibratedEstimator& e : calibrated_estimators())
    out["estimators"].push_back({{"name", e.name}, {"alert_settings", e.alert_settings}});
  for (const RecordingCalibration& r : recordings)
    out["recordings"].push_back({{"name", r.name},
                                 {"workload", r.workload},
                                 {"scenario", r.scenario},
                                 {"recording_sha256", r.recording_sha256},
                                 {"inputs", r.inputs},
                                 {"results", results_json(r.results)}});
  return out;
}

}  // namespace alertbench
