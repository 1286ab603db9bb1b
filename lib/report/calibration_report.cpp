#include "report/calibration_report.h"

#include <fmt/format.h>

#include <algorithm>

namespace alertbench {
namespace {

constexpr double shown_levels[] = {0.5, 0.9, 0.95, 0.99};

size_t index_of_level(double level) {
  return static_cast<size_t>(std::find(calibration_levels.begin(), calibration_levels.end(), level) -
                             calibration_levels.begin());
}

Table calibration_table(const std::string& title, const std::vector<CalibrationResult>& results) {
  Table table{title, {{"estimator", true}}, {}};
  for (const char* way : {"fixed", "switching"}) {
    table.columns.push_back({fmt::format("{}: pinball", way), false});
    for (double level : shown_levels) table.columns.push_back({fmt::format("{:g} %", 100 * level), false});
    for (const char* what : {"width", "mean", "inf. %"}) table.columns.push_back({what, false});
  }
  for (const CalibrationResult& r : results) {
    table.rows.push_back({r.estimator + (r.conformal ? ", conformal" : "")});
    for (const CalibrationScore* s : {&r.fixed, &r.switching}) {
      auto& row = table.rows.back();
      row.push_back(fmt::format("{:.3f}", s->pinball));
      for (double level : shown_levels)
        row.push_back(fmt::format("{:.1f}", 100 * s->coverage[index_of_level(level)]));
      row.push_back(fmt::format("{:.2f}", s->width));
      row.push_back(fmt::format("{:.3f}", s->mean));
      row.push_back(r.conformal ? fmt::format("{:.1f}", 100 * s->infinite) : "");
    }
  }
  return table;
}

}  // namespace

Document calibration_report(const std::vector<RecordingCalibration>& recordings) {
  Document d;
  d.title = "Calibration of the estimators of the slow-down factor";
  d.facts.push_back(
      fmt::format("recordings: {}, the first {} inputs of each series learned from but not scored",
                  recordings.size(), calibration_skipped));
  if (recordings.size() > 1)
    d.tables.push_back(
        calibration_table("All recordings, each counting the same", over_recordings(recordings)));
  for (const RecordingCalibration& r : recordings)
    d.tables.push_back(calibration_table(
        fmt::format("{}: {}, {}, {} inputs", r.name, r.workload, r.scenario, r.inputs), r.results));
  d.notes = {
      fmt::format(
          "Each factor is predicted from those before it. fixed: one network and stage, uncapped, each "
          "in turn; switching: network, stage and cap drawn at random for each input, with {} seeds.",
          calibration_seeds),
      "pinball: mean loss of the quantiles of 12 levels (5 to 99 %), in units of the factor; lower is "
      "better. "
      "50 % to 99 %: percentage of factors at most at that quantile, which should be the level. width: 95 % "
      "quantile less the median. mean: predicted means over the factors; 1 is right.",
      fmt::format(
          "conformal: every level within adaptive conformal inference of its own (gamma {:g}). inf. %: "
          "percentage of its quantiles that are infinite. For the loss and the width, they count as at most "
          "the largest factor so far.",
          calibration_gamma)};
  return d;
}

}  // namespace alertbench
