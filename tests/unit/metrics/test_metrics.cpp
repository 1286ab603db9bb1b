#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/random.h"
#include "base/statistics.h"
#include "catch.h"
#include "metrics/summary.h"
#include "schedulers_fixture.h"

using namespace alertbench;
using namespace alertbench::fixture;
using nlohmann::json;

namespace {

const Goals goals = {"s", Task::min_energy, 0.1, 0.5, {}, Judge::strict};

InputRecord record(int64_t input, double energy_j, bool late = false) {
  InputRecord r;
  r.input = input;
  r.goals = goals;
  r.configuration = {0, 1, 1};
  r.outcome.accuracy = late ? 0.1 : 0.6;
  r.outcome.stage_delivered = !late;
  r.outcome.latency_s = late ? 0.2 : 0.05;
  r.outcome.energy_j = energy_j;
  r.violations = violations_of(r.goals, r.outcome);
  return r;
}

std::string text_of(const Summary& s) { return s.to_json().dump(); }

}  // namespace

TEST_CASE("quantile interpolates and is total") {
  CHECK(*quantile({4, 1, 3, 2}, 0.5) == 2.5);
  CHECK(*quantile({4, 1, 3, 2}, 0) == 1);
  CHECK(*quantile({4, 1, 3, 2}, 1) == 4);
  CHECK(*quantile({1, 2, 3, 4, 5}, 0.9) == Approx(4.6));
  CHECK(*quantile({7}, 0.99) == 7);
  CHECK(*quantile({4, 1}, -3) == 1);
  CHECK(*quantile({4, 1}, 3) == 4);
  CHECK(*quantile({4, 1}, std::nan("")) == 1);
  CHECK(*quantile({std::nan(""), 2, std::numeric_limits<double>::infinity()}, 0.5) == 2);
  CHECK_FALSE(quantile({}, 0.5));
  CHECK_FALSE(quantile({std::nan("")}, 0.5));
  CHECK_FALSE(mean_of({}));
}

TEST_CASE("bootstrap: covers the mean, repeats by seed, knows when it knows too little") {
  Random random(1);
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i) values.push_back(5 + random.normal());
  const auto interval = bootstrap_mean(values, {});
  REQUIRE(interval);
  CHECK(interval->low < 5.05);
  CHECK(interval->high > 4.95);
  CHECK(interval->high - interval->low ==
        Approx(4 / std::sqrt(1000.0)).epsilon(0.2));  // about +- 2 standard errors
  CHECK(bootstrap_mean(values, {})->low == interval->low);
  CHECK(bootstrap_mean(values, {2})->low != interval->low);
  CHECK_FALSE(bootstrap_mean({}, {}));
  CHECK_FALSE(bootstrap_mean(std::vector<double>(19, 1.0), {}));
  CHECK(bootstrap_mean(std::vector<double>(20, 1.0), {})->high == Approx(1));

  // Pairing: a constant ratio is certain however much the inputs vary.
  std::vector<double> half;
  for (double v : values) half.push_back(v / 2);
  CHECK(bootstrap_ratio(half, values, {})->low == Approx(0.5));
  CHECK(bootstrap_ratio(half, values, {})->high == Approx(0.5));
  CHECK_FALSE(bootstrap_ratio(half, std::vector<double>(1000, 0.0), {}));
  CHECK_FALSE(bootstrap_ratio(half, {1.0}, {}));
  CHECK_FALSE(bootstrap_mean(values, {1, 0}));
}

TEST_CASE("bootstrap: resamples without a value") {
  const auto every_other = [n = 0](Random&) mutable {
    return ++n % 2 ? std::optional<double>(n) : std::nullopt;
  };
  CHECK_FALSE(bootstrap({1, 100}, Undefined::no_interval, every_other));
  const auto interval = bootstrap({1, 100}, Undefined::skip, every_other);
  REQUIRE(interval);
  CHECK(interval->low == Approx(3.45));  // of 1, 3, ... 99
  CHECK(interval->high == Approx(96.55));
  CHECK_FALSE(bootstrap({}, Undefined::skip, [](Random&) { return std::optional<double>(std::nan("")); }));
}

TEST_CASE("a summary of nothing") {
  const Profile p = two_by_two();
  SummaryAccumulator none("alert", goals, "replay", p);
  InputRecord warmup = record(0, 1);
  warmup.warmup = true;
  none.add(warmup);
  const Summary s = none.summary();
  CHECK(s.inputs == 0);
  CHECK_FALSE(s.violated);
  CHECK_FALSE(s.satisfaction);
  CHECK_FALSE(s.mean_energy_j);
  CHECK_FALSE(s.objective_interval);
  CHECK(s.to_json()["latency_s"]["p99"].is_null());
  CHECK(s.configurations.empty());
  CHECK(text_of(Summary::read(JsonReader(json::parse(text_of(s)), "t"))) == text_of(s));
}

TEST_CASE("a summary of ten inputs, one late") {
  const Profile p = two_by_two();
  SummaryAccumulator a("alert", goals, "live", p);
  for (int i = 0; i < 10; ++i) {
    InputRecord r = record(i, i + 1, i == 9);
    r.decide_s = 1e-6 * (i + 1);
    if (i == 4) {
      r.configuration = {1, 1, 0};
      r.outcome.stopped = true;
      r.outcome.overshoot_s = 0.002;
      r.outcome.correct = Correctness{true, true, {}, {}};
      r.outcome.energy_j.reset();
    }
    a.add(r);
  }
  const Summary s = a.summary();
  CHECK(s.inputs == 10);
  CHECK(*s.violations_any == 0.1);
  CHECK_FALSE(s.violated);  // 10 % is not more than 10 %
  CHECK(*s.satisfaction == Approx(0.9));
  CHECK(*s.violations_deadline == 0.1);
  CHECK(*s.violations_accuracy == 0.1);
  CHECK_FALSE(s.violations_energy);
  CHECK(*s.mean_energy_j == Approx(50.0 / 9));
  CHECK(*s.mean_error == Approx(0.45));
  CHECK(*s.top1 == 1);
  CHECK(s.stopped == 1);
  CHECK(*s.overshoot_s.max == 0.002);
  CHECK(*s.latency_s.max == 0.2);
  CHECK(*s.latency_s.median == 0.05);
  CHECK(*s.decide_s.median == Approx(5.5e-6));
  REQUIRE(s.configurations.size() == 2);
  CHECK(s.configurations[0].configuration == "small@1");
  CHECK(s.configurations[0].cap_w == 100);
  CHECK(s.configurations[0].share == 0.9);
  CHECK(text_of(Summary::read(JsonReader(json::parse(text_of(s)), "t"))) == text_of(s));
  a.add(record(10, 1, true));
  CHECK(a.summary().violated);
  CHECK(a.summary().violated_strict);
  CHECK(a.summary().violated_mean);  // two of eleven are late
  CHECK(*a.summary().late_share == Approx(2.0 / 11));
  CHECK(a.summary().shortfall.late == Approx(2.0 / 11 - 0.1));
  CHECK(*a.summary().shortfall.accuracy == 0);  // 0.509 on average

  json spoiled = json::parse(text_of(s));
  spoiled["inptus"] = 1;
  CHECK_THROWS_WITH(Summary::read(JsonReader(spoiled, "t")),
                    Catch::Matchers::ContainsSubstring("\"inputs\""));
}

TEST_CASE("a summary of words and questions: perplexity and F1, as far as they are known") {
  const Profile p = two_by_two();
  const auto summary_of = [&](const std::vector<std::optional<Correctness>>& correct) {
    SummaryAccumulator a("alert", goals, "replay", p);
    for (size_t i = 0; i < correct.size(); ++i) {
      InputRecord r = record(static_cast<int64_t>(i), 1);
      r.outcome.correct = correct[i];
      a.add(r);
    }
    InputRecord warmup = record(99, 1);
    warmup.warmup = true;
    warmup.outcome.correct = Correctness{true, true, 50.0, 0.5};
    a.add(warmup);
    const Summary s = a.summary();
    CHECK(text_of(Summary::read(JsonReader(json::parse(text_of(s)), "t"))) == text_of(s));
    return s;
  };
  const Summary words = summary_of({Correctness{true, true, std::log(2.0), {}, std::log(4.0)},
                                    Correctness{false, true, std::log(8.0), {}, std::log(64.0)},
                                    Correctness{false, false, std::log(32.0), {}, std::log(16.0)},
                                    Correctness{false, false, std::log(8.0), {}, std::log(16.0)}});
  CHECK(*words.perplexity == Approx(8));
  CHECK(*words.language_quality == Approx(1 - 12.0 / 16));
  CHECK(*words.top1 == 0.25);
  CHECK(*words.top5 == 0.5);
  CHECK_FALSE(words.f1);
  CHECK(words.to_json()["f1"].is_null());

  const Summary questions = summary_of({Correctness{true, {}, {}, 1.0}, Correctness{false, {}, {}, 0.5},
                                        std::nullopt, Correctness{false, {}, {}, 0.0}});
  CHECK(*questions.f1 == 0.5);
  CHECK(*questions.top1 == Approx(1.0 / 3));
  CHECK_FALSE(questions.top5);
  CHECK_FALSE(questions.perplexity);
  CHECK(questions.to_json()["perplexity"].is_null());
  CHECK(questions.to_json()["language_quality"].is_null());

  const Summary images = summary_of({Correctness{true, true, {}, {}}});
  CHECK_FALSE(images.f1);
  CHECK_FALSE(images.perplexity);
  const Summary unlabelled = summary_of({std::nullopt});
  CHECK_FALSE(unlabelled.top1);
  CHECK_FALSE(unlabelled.f1);
  CHECK_FALSE(unlabelled.perplexity);
  // Certain of every word; and beyond what a double holds: not known, rather than no JSON.
  CHECK(*summary_of({Correctness{true, true, 0.0, {}}}).perplexity == 1);
  CHECK(summary_of({Correctness{false, false, 1e4, {}}}).to_json().dump().find("inf") == std::string::npos);
}

TEST_CASE("normalisation to oracle-static, paired by input") {
  const Profile p = two_by_two();
  auto accumulator = [&] { return SummaryAccumulator("x", goals, "replay", p); };
  SummaryAccumulator own = accumulator(), reference = accumulator();
  for (int i = 0; i < 40; ++i) {
    own.add(record(i, 3.0 + i));
    if (i % 4) reference.add(record(i, 2 * (3.0 + i)));
  }
  Summary s = own.summary();
  own.normalise(s, &reference);
  CHECK(*s.normalised == Approx(0.5));
  CHECK(s.normalised_interval->low == Approx(0.5));
  CHECK(text_of(Summary::read(JsonReader(json::parse(text_of(s)), "t"))) == text_of(s));

  own.normalise(s, nullptr);
  CHECK_FALSE(s.normalised);
  SummaryAccumulator zero = accumulator(), broken = accumulator();
  for (int i = 0; i < 40; ++i) {
    zero.add(record(i, 0));
    broken.add(record(i, 1, i < 5));
  }
  own.normalise(s, &zero);
  CHECK_FALSE(s.normalised);
  own.normalise(s, &broken);
  CHECK_FALSE(s.normalised);
}

TEST_CASE("over settings: what no configuration meets is omitted, violated settings are counted apart") {
  const auto summary = [](const char* scheduler, const char* setting, bool violated, double normalised) {
    Summary s;
    s.scheduler = scheduler;
    s.setting = setting;
    s.mode = "replay";
    s.violated = violated;
    s.normalised = normalised;
    s.normalised_interval = Interval{normalised - 0.02, normalised + 0.02};
    return s;
  };
  const std::vector<Summary> all = {summary("alert", "a", false, 1.1),
                                    summary("alert", "b", false, 1.3),
                                    summary("alert", "c", true, 9),
                                    summary("alert", "impossible", true, 9),
                                    summary("oracle-static", "a", false, 1),
                                    summary("oracle-static", "impossible", true, 1),
                                    summary("sys-only", "impossible", true, 2)};
  const std::vector<TaskSummary> tasks = over_settings(all, {});
  REQUIRE(tasks.size() == 2);  // sys-only has no setting that could be met
  CHECK(tasks[0].scheduler == "alert");
  CHECK(tasks[0].settings == 3);
  CHECK(tasks[0].violated == 1);
  CHECK(tasks[0].counted == 2);
  CHECK(*tasks[0].normalised == Approx(1.2));
  REQUIRE(tasks[0].interval);
  CHECK(tasks[0].interval->low < 1.12);
  CHECK(tasks[0].interval->high > 1.28);
  CHECK(tasks[0].interval->high < 1.4);
  // One setting: its own interval.
  CHECK(tasks[1].interval->low == Approx(0.98));
  CHECK(over_settings({summary("alert", "a", true, 2)}, {})[0].to_json()["normalised"].is_null());
}
