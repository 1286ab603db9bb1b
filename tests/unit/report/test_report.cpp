#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "evaluation/evaluation.h"
#include "report/compare.h"
#include "report/document.h"
#include "report/evaluation_report.h"
#include "report/result_file.h"
#include "report/summary_report.h"
#include "support.h"

using namespace alertbench;

namespace {

SettingResult result(double energy_j, double satisfaction = 1) {
  SettingResult r;
  r.verdict.inputs = r.verdict.groups = 100;
  r.verdict.satisfaction = satisfaction;
  r.violated = r.verdict.violated_mean = r.verdict.violated_exact = r.verdict.violated_strict =
      satisfaction < 0.9;
  r.verdict.violations_deadline = r.verdict.late_share = 1 - satisfaction;
  r.verdict.mean_energy_j = energy_j;
  r.verdict.mean_accuracy = 0.75;
  if (!r.violated) r.normalised = energy_j / 2, r.over_oracle = energy_j;
  return r;
}

Setting setting(const std::string& name, std::vector<SettingResult> results, bool feasible = true) {
  Setting s;
  s.goals.name = name;
  s.goals.task = Task::min_energy;
  s.goals.deadline_s = 0.02;
  s.goals.accuracy = 0.75;
  s.deadline_x = 0.4;
  s.feasible = s.feasible_mean = s.feasible_exact = s.feasible_strict = feasible;
  s.results = std::move(results);
  return s;
}

Cell cell(const std::string& workload, std::vector<Setting> settings) {
  Cell c;
  c.id = workload + "/calm/min_energy/seed-1";
  c.workload = workload;
  c.scenario = "calm";
  c.seed = 1;
  c.recording_sha256 = "ab";
  c.inputs = 100;
  c.configurations = 12;
  c.co_runner = "none";
  c.energy_source = "model";
  c.accuracy_source = "measured";
  c.settings = std::move(settings);
  return c;
}

// Two cells that count, one that failed; setting "c" is infeasible. The schedulers stand in another order
// than tables have.
EvaluationResult evaluation(double factor = 1) {
  EvaluationResult e;
  e.schedulers = {"oracle", "alert"};
  e.scheduler_settings = {{"alert", R"({"preset":"paper"})"}};
  e.traits["alert"] = {"alert", {}};
  const auto both = [&](double oracle, double alert) {
    return std::vector<SettingResult>{result(oracle), result(factor * alert)};
  };
  e.cells = {cell("words", {setting("a", both(2, 3)), setting("b", both(4, 5))}),
             cell("images", {setting("a", both(1, 1.5)), setting("b", {result(1), result(9, 0.5)}),
                             setting("c", {result(1, 0.5), result(1, 0.4)}, false)}),
             cell("speech", {})};
  e.cells[2].failed = "recording <gone>, \"disk\" | full\nsecond line";
  e.total();
  return e;
}

ResultFile file(const EvaluationResult& e, const std::string& path = "x") {
  ResultFile f;
  f.path = path;
  f.evaluation = e;
  return f;
}

const Table& table(const Document& d, std::string_view beginning) {
  for (const Table& t : d.tables)
    if (t.title.compare(0, beginning.size(), beginning) == 0) return t;
  FAIL("no table " << beginning);
  return d.tables.front();
}

const SchedulerComparison& of(const Comparison& c, std::string_view scheduler) {
  for (const SchedulerComparison& s : c.schedulers)
    if (s.scheduler == scheduler) return s;
  FAIL("no scheduler " << scheduler);
  return c.schedulers.front();
}

nlohmann::json summary(double energy_j, bool violated = false) {
  const nlohmann::json percentiles = {{"mean", 1}, {"median", 1}, {"p95", 1}, {"p99", 1}, {"max", 1}};
  const double broken = violated ? 0.5 : 0;
  return {{"schema_version", "2.0"},
          {"scenario", "s"},
          {"workload", "w"},
          {"energy_source", "model"},
          {"accuracy_source", "assumed"},
          {"goals", {{{"name", "g"}, {"text", "least energy"}}}},
          {"results",
           {{{"scheduler", "alert"},
             {"setting", "g"},
             {"mode", "replay"},
             {"task", "min_energy"},
             {"inputs", 50},
             {"groups", 50},
             {"judge", "mean"},
             {"violated", violated},
             {"late_share", broken},
             {"mean", {{"violated", violated}, {"violated_exact", violated}, {"shortfall", {{"late", 0.0}}}}},
             {"strict", {{"violated", violated}}},
             {"satisfaction", 1 - broken},
             {"violations", {{"any", broken}, {"deadline", broken}}},
             {"mean_energy_j", energy_j},
             {"mean_error", 0.25},
             {"objective_interval", {energy_j * 0.9, energy_j * 1.1}},
             {"latency_s", percentiles},
             {"decide_s", percentiles},
             {"overshoot_s", percentiles},
             {"stopped", 0}}}}};
}

ResultFile summary_file(double energy_j, bool violated = false) {
  ResultFile f;
  f.path = "summary.json";
  f.summary = summary(energy_j, violated);
  return f;
}

}  // namespace

TEST_CASE("evaluation.json: what is written is read again", "[report]") {
  const EvaluationResult e = evaluation();
  const auto text = e.to_json().dump();
  CHECK(EvaluationResult::from_json(nlohmann::json::parse(text), "x").to_json().dump() == text);
  Folder folder;
  e.write(folder.path);
  CHECK(EvaluationResult::read(folder.path).to_json().dump() == text);
  CHECK(ResultFile::read(folder.path).evaluation->to_json().dump() == text);
  CHECK(ResultFile::read(folder / "evaluation.json").evaluation->to_json().dump() == text);
}

TEST_CASE("evaluation.json: unknown keys, torn and ambiguous files are refused", "[report]") {
  Folder folder;
  const auto refused = [&](const std::string& content, const std::vector<std::string>& parts) {
    put(folder / "evaluation.json", content);
    check_says(message_of([&] { ResultFile::read(folder.path); }), parts);
  };
  auto j = evaluation().to_json();
  refused(j.dump().substr(0, j.dump().size() / 2), {"evaluation.json", "line 1", "not valid JSON"});
  j["cells"][0]["settings"][0]["feasable"] = true;
  refused(j.dump(), {"cells[0]", "settings[0]", "feasable", "feasible"});
  j = evaluation().to_json();
  j["cells"][0]["settings"][0]["results"]["alert"]["strict"]["satisfaction"] = 1.5;
  refused(j.dump(), {"alert", "satisfaction", "1.5"});
  j = evaluation().to_json();
  j["kind"] = "novel";
  refused(j.dump(), {"kind", "novel"});
  put(folder / "summary.json", "{}");
  check_says(message_of([&] { ResultFile::read(folder.path); }),
             {"evaluation.json and summary.json", "specify one"});
  CHECK(contains(message_of([&] { ResultFile::read(folder / "absent"); }), "no such result"));
}

TEST_CASE("report of an evaluation: totals, then cells, then what left them", "[report]") {
  const Document d = evaluation_report(evaluation());
  const Table& all = table(d, "min_energy, 2 cells: energy from model; accuracy from measured");
  REQUIRE(all.rows.size() == 2);
  CHECK(all.rows[0][0] == "alert");  // the registry's order, not the file's
  CHECK(all.rows[0][1] == "4");
  CHECK(all.rows[0][2] == "1");
  // Violated: 1 of 2 settings of images, none of words. Harmonic mean of 0.75 and (1.5 + 2.5) / 2.
  CHECK(all.rows[0][3] == "1 of 4");
  CHECK(all.rows[0][4].substr(0, 4) == "25.0");
  CHECK(all.rows[0][5].substr(0, 4) == "87.5");  // in time: 100, and the mean of 100 and 50
  CHECK(all.rows[0][7].substr(0, 5) == "1.091");
  CHECK(contains(all.rows[0][7], "(3)"));
  CHECK(all.rows[0][8].empty());   // no oracle-mean
  CHECK(all.rows[0][10].empty());  // nor oracle-causal here
  const Table& strict = table(d, "min_energy, strict");
  CHECK(strict.rows[0][2] == "1");
  CHECK(strict.rows[0][4].substr(0, 4) == "87.5");
  const Table& images = table(d, "images/calm");
  CHECK(images.rows[0][7] == "0.750 (1)");  // one setting: no interval
  const Table& infeasible = table(d, "Infeasible");
  REQUIRE(infeasible.rows.size() == 1);
  CHECK(infeasible.rows[0] == std::vector<std::string>{"images/calm/min_energy/seed-1", "c", "20.00",
                                                       "accuracy >= 75.00 %", "50.0"});
  const Table& failed = table(d, "Failed");
  REQUIRE(failed.rows.size() == 1);
  CHECK(contains(failed.rows[0][1], "recording <gone>"));
  CHECK(contains(to_text(d), "1 of 3 cells failed"));
}

TEST_CASE("report of an evaluation marks the settings where only goals are violated that nobody promised",
          "[report]") {
  // Setting "b" of images is late half of the time. In "a" the accuracy is short.
  EvaluationResult e = evaluation();
  SettingResult& short_of_accuracy = e.cells[0].settings[0].results[1];
  short_of_accuracy.violated = short_of_accuracy.verdict.violated_mean = true;
  short_of_accuracy.verdict.violated_strict = true;
  short_of_accuracy.verdict.shortfall.accuracy = 0.1;
  short_of_accuracy.verdict.violations_accuracy = 1;
  const auto violated = [&](const Promises& promises) {
    e.traits["alert"].promises = promises;
    e.total();
    const auto again = EvaluationResult::from_json(nlohmann::json::parse(e.to_json().dump()), "x");
    const Document d = evaluation_report(again);
    CHECK(contains(to_text(d), unpromised_meaning));
    const std::string strict = table(d, "min_energy, strict").rows[0][2];
    const std::string mean = table(d, "min_energy, 2 cells").rows[0][2];
    CHECK(strict == mean);
    return mean;
  };
  CHECK(violated({}) == "2");
  CHECK(violated({true, true, false}) == "2");  // the task has no energy goal
  CHECK(violated({true, false, true}) == "2 (1*)");
  CHECK(violated({false, true, true}) == "2 (1*)");
  CHECK(violated({false, false, false}) == "2 (2*)");
  e.traits.clear();  // a file of before 2.2
  e.total();
  CHECK(table(evaluation_report(e), "min_energy, 2 cells").rows[0][2] == "2");
}

TEST_CASE("report: text lines up, CSV keeps all digits, markdown and HTML escape", "[report]") {
  EvaluationResult e = evaluation();
  e.cells[0].settings[0].results[1].verdict.mean_energy_j = 0.1 + 0.2;
  e.cells[0].settings[0].goals.name = "a,\"b\"";
  const Document d = evaluation_report(e);

  const std::string csv = to_csv(d.values);
  CHECK(contains(csv, "cell,workload,scenario,task,seed,setting,deadline_s,"));
  CHECK(contains(csv,
                 ",\"a,\"\"b\"\"\",0.02,0.4,0.75,,,mean,true,true,true,alert,100,100,false,false,false,0,,,1,"
                 "0,,,0.30000000000000004,0.25,,"));
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 1 + 2 * 5);
  for (const auto& row : d.values.rows) CHECK(row.size() == d.values.columns.size());

  const std::string markdown = to_markdown(d);
  CHECK(contains(markdown, "recording \\<gone\\>, \"disk\" \\| full second line |"));
  CHECK(contains(markdown, "| :-- | --: |"));

  const std::string page = to_html(d, {{"bars<", "image/png", "abcd"}});
  CHECK(contains(page, "recording &lt;gone&gt;, &quot;disk&quot; | full second line"));
  CHECK_FALSE(contains(page, "<gone>"));
  CHECK(contains(page, "<img alt=\"bars&lt;\" src=\"data:image/png;base64,YWJjZA==\">"));
  for (const char* part : {"http:", "https:", "<script", "<link", "@import", "url("})
    CHECK_FALSE(contains(page, part));

  Document small;
  small.title = "T";
  small.tables = {{"x", {{"", true}, {"n"}}, {{"\xc3\xa4", "1.0 "}, {"bc", "10.0*"}, {"d", ""}}}};
  CHECK(to_text(small) == "T\n\nx\n        n\n\xc3\xa4    1.0\nbc  10.0*\nd       -\n");
}

TEST_CASE("base64 as RFC 4648 has it", "[report]") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64(std::string("\xff\x00\xfe", 3)) == "/wD+");
}

TEST_CASE("figures of a page: pictures only, PNG before SVG", "[report]") {
  Folder folder;
  CHECK(figures_of(folder / "evaluation.json").empty());
  put(folder / "figures/b.png", "\x89PNG\r\n\x1a\nb");
  put(folder / "figures/b.svg", "<svg/>");
  put(folder / "figures/a.svg", "<svg/>");
  put(folder / "figures/a.pdf", "%PDF");
  const auto figures = figures_of(folder / "evaluation.json");
  REQUIRE(figures.size() == 2);
  CHECK(figures[0].mime_type == "image/svg+xml");
  CHECK(figures[1].name == "b");
  CHECK(figures[1].mime_type == "image/png");
  put(folder / "figures/c.png", "torn");
  check_says(message_of([&] { figures_of(folder / "evaluation.json"); }),
             {"c.png", "not a PNG", "draw it again"});
}

TEST_CASE("report of a summary works in every format", "[report]") {
  const Document d = summary_report(summary(2), "s");
  CHECK(contains(to_text(d), "energy from model, accuracy from assumed"));
  CHECK(contains(to_text(d), "g (min_energy), replay: 50 inputs; least energy"));
  CHECK(contains(to_markdown(d), "| alert | no | "));
  CHECK(contains(to_markdown(d), "| 0.0 | no | 0.0 |"));
  CHECK(contains(to_csv(d.values),
                 "replay,g,min_energy,alert,50,50,mean,false,false,false,0,,,1,0,0,,,2,0.25,1.8,"));
  CHECK(contains(to_html(d, {}), "<td class=\"l\">alert</td>"));
  check_says(message_of([] {
               summary_report({{"schema_version", "9"}}, "s.json");
             }),
             {"s.json", "schema_version", "9"});
}

TEST_CASE("report of a summary: what was seen, in words", "[report]") {
  nlohmann::json s = summary(2);
  s["schema_version"] = "2.2";
  const auto add = [&](const char* name, double energy_j, bool violated, const char* family) {
    nlohmann::json own = s["results"][0];
    own["scheduler"] = name;
    own["mean_energy_j"] = energy_j;
    own["violated"] = violated;
    s["results"].push_back(own);
    s["scheduler_info"][name] = {{"family", family}, {"promises", {"deadline", "accuracy", "energy"}}};
  };
  CHECK(contains(to_text(summary_report(s, "s")),
                 "In words, g (least energy, replay): the goals were kept by alert (2 J an input).\n"));
  nlohmann::json unmetered = s;
  unmetered["results"][0]["mean_energy_j"] = nullptr;
  unmetered["results"][0]["objective_interval"] = nullptr;
  CHECK(contains(to_text(summary_report(unmetered, "s")), "kept by alert (energy not known).\n"));
  add("price", 1.6, false, "price");
  add("app-only", 0.5, true, "one-level");
  add("sys-only", 0.4, true, "one-level");
  add("oracle-static", 1.5, false, "bound");
  CHECK(contains(
      to_text(summary_report(s, "s")),
      "the goals were kept by price (1.6 J an input) and alert (25.0 % more), and broken by app-only "
      "and sys-only. The best single configuration in hindsight came to 1.5 J an input."));
  s["results"].erase(s["results"].begin(), s["results"].begin() + 2);
  CHECK(contains(to_text(summary_report(s, "s")),
                 "no scheduler kept the goals: they were broken by app-only and sys-only."));
  s.erase("scheduler_info");  // of an older version
  CHECK(contains(to_text(summary_report(s, "s")), "The best single configuration in hindsight"));
}

TEST_CASE("report of a summary marks goals that the scheduler does not promise", "[report]") {
  nlohmann::json s = summary(1, true);  // late
  const auto words = [&](const char* promises) {
    s["schema_version"] = "2.2";
    s["scheduler_info"]["alert"] = {{"family", "f"}, {"promises", nlohmann::json::parse(promises)}};
    const Table t = summary_report(s, "s").tables.at(0);
    CHECK(t.columns[4].title == "strict");
    return t.rows.at(0).at(1) + " " + t.rows.at(0).at(4);
  };
  CHECK(words(R"(["deadline", "accuracy", "energy"])") == "YES YES");
  CHECK(words(R"(["deadline"])") == "YES YES");
  CHECK(words(R"(["accuracy"])") == "YES* YES*");
  s["results"][0]["late_share"] = 0.1;
  s["results"][0]["mean"]["shortfall"]["accuracy"] = 0.05;
  CHECK(words(R"(["deadline"])") == "YES* YES*");
  CHECK(words(R"(["accuracy"])") == "YES YES*");
  check_says(message_of([&] { words(R"(["speed"])"); }), {"scheduler_info", "alert", "speed", "deadline"});
  s["schema_version"] = "2.99";
  s["scheduler_info"]["alert"]["promises"] = {"speed"};
  CHECK(summary_report(s, "s").tables.at(0).rows.at(0).at(1) == "YES*");
}

TEST_CASE("report of a summary: errors are in the unit of the profile", "[report]") {
  nlohmann::json s = summary(1);
  nlohmann::json& result = s["results"][0];
  result["top1"] = 0.75;
  const auto row_of = [](const nlohmann::json& j) {
    const Table table = summary_report(j, "s").tables.at(0);
    std::map<std::string, std::string> row;
    for (size_t c = 0; c < table.columns.size(); ++c) row[table.columns[c].title] = table.rows.at(0).at(c);
    return row;
  };
  CHECK(row_of(s)["meas. %"] == "25.00");
  CHECK(row_of(s).count("next %") == 0);
  CHECK(contains(to_text(summary_report(s, "s")), "1 - top-1"));
  s["accuracy_unit"] = "language_quality";
  result["perplexity"] = 121.25;
  result["language_quality"] = 0.27;
  CHECK(row_of(s)["meas. %"] == "73.00");
  CHECK(row_of(s)["perpl."] == "121.2");
  CHECK(row_of(s)["next %"] == "75.00");
  CHECK(contains(to_text(summary_report(s, "s")), "language quality"));
  CHECK_FALSE(contains(to_text(summary_report(s, "s")), "top-1"));
  // A summary of words of before the unit.
  s.erase("accuracy_unit");
  result.erase("language_quality");
  CHECK(row_of(s)["meas. %"] == "25.00");
  CHECK(row_of(s)["perpl."] == "121.2");
}

TEST_CASE("compare: the same evaluation is the same exactly", "[report]") {
  const Comparison c = compare(file(evaluation()), file(evaluation()), 0);
  CHECK(c.outside.empty());
  CHECK(*of(c, "alert").ratio == 1);
  CHECK(of(c, "alert").interval->low == 1);
  CHECK(of(c, "alert").settings == 4);
  CHECK(of(c, "alert").counted == 3);
  CHECK(c.notes == std::vector<std::string>{"cell speech/calm/min_energy/seed-1 failed in both"});
  CHECK(contains(to_text(c.report()), "Within the tolerance."));
}

TEST_CASE("compare: a ratio is judged by its distance from 1", "[report]") {
  const ResultFile a = file(evaluation()), b = file(evaluation(1.1));
  Comparison c = compare(a, b, 0.05);
  CHECK(*of(c, "alert").ratio == Approx(1.1));
  CHECK(of(c, "oracle").outside.empty());
  REQUIRE(c.outside.size() == 1);
  check_says(c.outside[0], {"min_energy, alert", "B / A 1.1000 over 3 settings"});
  CHECK(compare(a, b, 0.11).outside.empty());
  CHECK(compare(b, a, 0.05).outside.size() == 1);
  CHECK(c.to_json()["within"] == false);
}

TEST_CASE("compare: pairs of settings, harmonic over cells, interval over pairs", "[report]") {
  EvaluationResult changed = evaluation();
  REQUIRE(changed.cells[2].id == "words/calm/min_energy/seed-1");
  changed.cells[2].settings[1].results[1].verdict.mean_energy_j = 13;  // "b": 5 -> 13; the cell: 8 -> 16
  const Comparison c = compare(file(evaluation()), file(changed), 0.02);
  const SchedulerComparison& s = of(c, "alert");
  CHECK(*s.ratio == Approx(2 / (1 / 2.0 + 1 / 1.0)));
  CHECK(s.farthest_cell == "words/calm/min_energy/seed-1");
  CHECK(*s.farthest_ratio == Approx(2));
  REQUIRE(s.interval);
  CHECK(s.interval->low == Approx(1));                      // "a" drawn twice
  CHECK(s.interval->high == Approx(2 / (5.0 / 13.0 + 1)));  // "b" drawn twice
}

TEST_CASE("compare: violated settings, satisfaction, feasibility and zero objectives are judged",
          "[report]") {
  EvaluationResult changed = evaluation();
  changed.cells[2].settings[0].results[1] = result(3, 0.5);
  Comparison c = compare(file(evaluation()), file(changed), 0.02);
  REQUIRE(of(c, "alert").outside.size() == 2);
  CHECK(of(c, "alert").outside[0] == "violated settings 25.00 % in A, 50.00 % in B");
  CHECK(of(c, "alert").outside[1] == "satisfaction 87.50 % in A, 75.00 % in B");
  CHECK(of(c, "alert").counted == 2);

  changed = evaluation();
  changed.cells[2].settings[0].feasible = false;
  c = compare(file(evaluation()), file(changed), 0.02);
  CHECK(c.outside == std::vector<std::string>{"feasible settings: 4 in A, 3 in B, of 5"});
  CHECK(of(c, "alert").settings == 3);

  EvaluationResult nothing = evaluation();
  for (Setting& s : nothing.cells[2].settings) s.results[1].verdict.mean_energy_j = 0;
  c = compare(file(nothing), file(evaluation()), 0.02);
  CHECK_FALSE(of(c, "alert").ratio);
  CHECK(contains(c.outside.at(0), "mean objective 0 in A, 4 in B"));
}

TEST_CASE("compare: what is in one only is listed; nothing in common is refused", "[report]") {
  EvaluationResult other = evaluation();
  other.cells[2].settings[0].goals.name = "z";
  other.cells[0].settings.clear();
  other.cells[0].failed = "no such file";
  other.cells[1].failed.clear();
  const Comparison c = compare(file(evaluation()), file(other), 0.5);
  CHECK(c.only_a == std::vector<std::string>{"cell images/calm/min_energy/seed-1 (failed in B: no such file)",
                                             "words/calm/min_energy/seed-1, setting a"});
  CHECK(c.only_b.size() == 2);

  EvaluationResult foreign = evaluation();
  for (Cell& each : foreign.cells) each.id += "0";
  check_says(message_of([&] { compare(file(evaluation(), "a.json"), file(foreign, "b.json"), 0.02); }),
             {"a.json", "b.json", "in common"});
  check_says(message_of([&] { compare(file(evaluation()), summary_file(1), 0.02); }),
             {"an evaluation", "a summary"});
  check_says(message_of([&] { compare(file(evaluation()), file(evaluation()), std::nan("")); }),
             {"--tolerance", "nan"});
  EvaluationResult twice = evaluation();
  twice.cells[2].settings[1].goals.name = "a";
  check_says(message_of([&] { compare(file(twice, "t.json"), file(evaluation()), 0.02); }),
             {"t.json", "\"a\"", "duplicate"});
}

TEST_CASE("compare: summaries pair by setting, scheduler and mode", "[report]") {
  const Comparison c = compare(summary_file(2), summary_file(3), 0.02);
  const SchedulerComparison& s = of(c, "alert");
  CHECK(*s.ratio == 1.5);
  REQUIRE(s.interval);
  CHECK(s.interval->low == Approx(1.5 * std::exp(-std::hypot(std::log(1 / 0.9), std::log(1.1)))));
  CHECK(s.interval->high == Approx(1.5 * std::exp(std::hypot(std::log(1 / 0.9), std::log(1.1)))));
  CHECK(c.outside.size() == 1);
  CHECK(compare(summary_file(2), summary_file(2), 0).outside.empty());
  const Comparison violated = compare(summary_file(2), summary_file(2, true), 0.02);
  CHECK_FALSE(of(violated, "alert").ratio);
  CHECK(violated.outside.size() == 2);
  ResultFile without = summary_file(3);
  without.summary["results"][0].erase("objective_interval");
  CHECK_FALSE(of(compare(summary_file(2), without, 0.02), "alert").interval);
}

TEST_CASE("names of strangers act neither on a terminal, nor in a page, nor in a spreadsheet", "[report]") {
  Document d;
  d.title = "\x1b]0;owned\x07";
  d.tables = {{"t",
               {{"name", true}},
               {{"\xc2\x9b"
                 "2J"},
                {"a\xe2\x80\xae"
                 "b"},
                {"\xff"}}}};
  d.values = {"",
              {{"name", true}, {"value"}},
              {{"=HYPERLINK(\"x\")", "-0.25"}, {"@SUM(1)", "-1e-3"}, {"+1+1", "-"}, {"\x1b[2J", "a\nb"}}};
  CHECK(to_text(d) == "\\x1b]0;owned\\x07\n\nt\nname\n\\u009b2J\na\\u202eb\n\\xff\n");
  CHECK_FALSE(contains(to_markdown(d), "\x1b"));
  CHECK_FALSE(contains(to_html(d, {}), "\xe2\x80\xae"));
  CHECK(to_csv(d.values) ==
        "name,value\n\"'=HYPERLINK(\"\"x\"\")\",-0.25\n'@SUM(1),-1e-3\n'+1+1,'-\n\\x1b[2J,a b\n");
}
