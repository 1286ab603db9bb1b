// The tables of `score estimators`: over all recordings and for each, every estimator of the slow-down factor
// without and with adaptive conformal inference.
#pragma once

#include <vector>

#include "evaluation/calibration.h"
#include "report/document.h"

namespace alertbench {

Document calibration_report(const std::vector<RecordingCalibration>& recordings);

}  // namespace alertbench
