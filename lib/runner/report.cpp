#include "runner/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/json_reader.h"
#include "metrics/summary.h"

namespace alertbench {
namespace {

std::string cell(const std::optional<double>& value, double factor, const char* format) {
  return value ? fmt::format(fmt::runtime(format), *value * factor) : "-";
}

std::string normalised_cell(const Summary& s) {
  if (!s.normalised) return "-";
  if (!s.normalised_interval) return fmt::format("{:.3f}", *s.normalised);
  return fmt::format("{:.3f} [{:.2f}, {:.2f}]", *s.normalised, s.normalised_interval->low, s.normalised_interval->high);
}

std::string row(const Summary& s) {
  const std::optional<double> right = s.f1 ? s.f1 : s.top1;
  const std::string perplexity = s.perplexity ? fmt::format("{:>8.1f} ", *s.perplexity) : "";
  std::string most_used = "-";
  if (!s.configurations.empty()) {
    const Usage& u = s.configurations.front();
    most_used = fmt::format("{} {:g} W ({:.0f} %)", u.configuration, u.cap_w, 100 * u.share);
  }
  return fmt::format("{:<14}{:>7}{} {:>7} {:>7} {:>7} {:>8} {:>7} {:>7} {}{:>22} {:>8} {:>8} {:>8}  {}\n", s.scheduler,
                     cell(s.violations_any, 100, "{:.1f}"), s.violated ? "*" : " ", cell(s.violations_deadline, 100, "{:.1f}"),
                     cell(s.violations_accuracy, 100, "{:.1f}"), cell(s.violations_energy, 100, "{:.1f}"),
                     cell(s.mean_energy_j, 1, "{:.3f}"), cell(s.mean_error, 100, "{:.2f}"),
                     right ? fmt::format("{:.2f}", 100 * (1 - *right)) : "-", perplexity, normalised_cell(s),
                     cell(s.latency_s.median, 1e3, "{:.2f}"), cell(s.latency_s.p99, 1e3, "{:.2f}"),
                     cell(s.decide_s.median, 1e6, "{:.2f}"), most_used);
}

}  // namespace

std::string summary_table(const nlohmann::json& summary, const std::string& where) {
  JsonReader r(summary, where);
  r.one_of("schema_version", "", {summary_schema_version});
  std::string out = fmt::format("Scenario {} on {}: energy from {}, accuracy from {}\n", r.text("scenario"), r.text("workload"),
                                r.text("energy_source"), r.text("accuracy_source"));
  std::string heading;
  for (JsonReader& item : r.objects("results")) {
    const Summary s = Summary::read(item);
    const std::string new_heading = fmt::format("{} ({}), {}: {} inputs", s.setting, to_string(s.task), s.mode, s.inputs);
    if (new_heading != heading) {
      heading = new_heading;
      JsonReader all(summary, where);
      for (JsonReader& g : all.objects("goals"))
        if (g.text("name") == s.setting) out += fmt::format("\n{}; {}\n", heading, g.text("text"));
      out += fmt::format("{:<14}{:>8} {:>7} {:>7} {:>7} {:>8} {:>7} {:>7} {}{:>22} {:>8} {:>8} {:>8}  {}\n", "", "viol. %",
                         "late %", "acc. %", "energ %", "energy J", "error %", "meas. %",
                         s.perplexity ? "  perpl. " : "",
                         s.task == Task::min_energy ? "energy / oracle-static" : "error / oracle-static", "lat. ms", "p99 ms",
                         "dec. us", "most used");
    }
    out += row(s);
  }
  out += "\nviol. %: inputs that broke any goal (* more than 10 %: the setting counts as violated). error %: by the profile; "
         "meas. %: measured on these\ninputs (top-1 error, of questions 1 - F1; perpl.: perplexity of words). energy or error / oracle-static: mean over the inputs, 95 % "
         "block-bootstrap interval.\n";
  const auto lines = r.objects("live_against_replay");
  if (!lines.empty()) out += "\nLive against replay (live / replay)\n";
  for (JsonReader line : lines) {
    const auto ratio = [&](const char* key) {
      const auto value = line.optional_number(key, 0, 1e9);
      return value ? fmt::format("{:.3f}", *value) : std::string("-");
    };
    const auto difference = line.optional_number("violations_difference", -1, 1);
    out += fmt::format("{:<14}{:<12} median latency {:>6}, energy {:>6}, error {:>6}, violations {}\n", line.text("scheduler"),
                       line.text("setting"), ratio("median_latency_ratio"), ratio("energy_ratio"), ratio("error_ratio"),
                       difference ? fmt::format("{:+.1f} points", 100 * *difference) : "-");
  }
  return out;
}

}  // namespace alertbench
