// How well the estimators of the slow-down factor predict it on recordings, one input ahead: how often the
// factor stays below their quantiles, and how much the quantiles lose.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "estimate/slowdown_estimator.h"
#include "recording/recording.h"

namespace alertbench {

constexpr const char* calibration_schema_version = "1.0";
constexpr std::array<double, 12> calibration_levels = {0.05, 0.1, 0.2, 0.3, 0.4,  0.5,
                                                       0.6,  0.7, 0.8, 0.9, 0.95, 0.99};
constexpr int64_t calibration_skipped = 30;  // inputs of a series that are learned from but not scored
constexpr uint64_t calibration_seeds = 4;
constexpr double calibration_gamma = 0.02;  // of adaptive conformal inference, on each level

// An estimator to score, and the settings of `alert` that choose it.
struct CalibratedEstimator {
  std::string name;
  nlohmann::json alert_settings;
};
const std::vector<CalibratedEstimator>& calibrated_estimators();

// Over the scored inputs of some series. A quantile of adaptive conformal inference may be infinite, or far
// beyond every factor; for `pinball` and `width` it counts as at most the largest factor of the series so
// far.
struct CalibrationScore {
  std::array<double, calibration_levels.size()> coverage{};  // share of factors at most at the quantile
  double pinball = 0;   // mean over inputs and levels of the pinball loss of the factor's quantiles
  double width = 0;     // mean of the 95 % quantile less the median
  double mean = 0;      // sum of the predicted means over that of the factors
  double infinite = 0;  // share of quantiles that are infinite
};

struct CalibrationResult {
  std::string estimator;
  bool conformal = false;  // within adaptive conformal inference
  CalibrationScore fixed;  // one network and stage, uncapped: each of them in turn
  // Network, stage and cap drawn at random for every input, as schedulers change them.
  CalibrationScore switching;
};

struct RecordingCalibration {
  std::string name, workload, scenario, recording_sha256;
  int64_t inputs = 0;
  std::vector<CalibrationResult> results;
};

// Every estimator, without and with conformal inference. Uses the first `inputs` of the recording, 0: all of
// them. InputError (opened by `where`) where too few are left to score.
std::vector<CalibrationResult> calibrate_estimators(const Recording& recording, int64_t inputs,
                                                    const std::string& where);
// The mean over recordings, each of which counts the same.
std::vector<CalibrationResult> over_recordings(const std::vector<RecordingCalibration>& recordings);

nlohmann::ordered_json calibration_json(const std::vector<RecordingCalibration>& recordings);

}  // namespace alertbench
