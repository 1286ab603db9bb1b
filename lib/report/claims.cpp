#include "report/claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/or_null.h"
#include "report/numbers.h"

namespace alertbench {
namespace fs = std::filesystem;

namespace {

constexpr double any = std::numeric_limits<double>::max();
constexpr uintmax_t most_bytes = uintmax_t{4} << 20;  // a table of claims has some 20 kB

std::string title_of(const Claim& c) { return c.claim + ": " + c.reading; }

Claim read_claim(JsonReader r) {
  Claim c;
  c.claim = r.text("claim");
  c.reading = r.text("reading");
  c.said = r.text("said");
  c.unit = r.text("unit");
  if (r.has("found")) {
    JsonReader found = r.object("found");
    c.value = found.number("value", -any, any);
    const auto low = found.optional_number("low", -any, any), high = found.optional_number("high", -any, any);
    if (low && high) c.interval = Interval{*low, *high};
    found.integer("settings", 0, std::numeric_limits<int>::max());
    found.finish();
  }
  if (r.has("holds")) c.holds = r.boolean("holds", false);
  if (r.has("interval_reaches")) r.boolean("interval_reaches", false);
  r.text("note", "");
  r.finish();
  return c;
}

std::string shown(const Claim& c) {
  if (!c.value) return "";
  return with_interval(c.value, c.interval, 2) + (c.unit.empty() ? "" : " " + c.unit);
}

std::string conclusion(const ClaimPair& pair) {
  const auto same = pair.same_conclusion();
  if (!same) return pair.a.said == "-" ? "nothing claimed" : "not judged in both";
  if (!*same) return pair.a.holds.value_or(false) ? "OTHER: holds in A only" : "OTHER: holds in B only";
  return pair.a.holds.value_or(false) ? "same conclusion: holds" : "same conclusion: does not hold";
}

const Claim* find(const ClaimTable& table, const Claim& wanted) {
  const auto at = std::find_if(table.claims.begin(), table.claims.end(), [&](const Claim& c) {
    return c.claim == wanted.claim && c.reading == wanted.reading;
  });
  return at == table.claims.end() ? nullptr : &*at;
}

}  // namespace

std::string ClaimTable::file_of(const std::string& path) {
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored) && fs::file_size(path, ignored) <= most_bytes) {
    const nlohmann::json j = read_json_file(path);
    return j.is_object() && j.value("kind", nlohmann::json()) == "claims" ? path : "";
  }
  for (const char* result : {"evaluation.json", "summary.json"})
    if (fs::exists(fs::path(path) / result, ignored)) return {};
  for (const char* place : {"claims.json", "claims/claims.json"})
    if (const fs::path file = fs::path(path) / place; fs::exists(file, ignored)) return file.string();
  return {};
}

ClaimTable ClaimTable::read(const std::string& file) {
  const nlohmann::json j = read_json_file(file);
  JsonReader r(j, file);
  r.version(claims_schema_version, "make it again: scripts/reproduce.sh --only claims");
  r.one_of("kind", "", {"claims"});
  ClaimTable table;
  table.path = file;
  for (JsonReader& item : r.objects("claims")) {
    Claim c = read_claim(item);
    if (find(table, c))
      r.fail("claims", fmt::format("duplicate reading \"{}\"; pairing requires unique ones", title_of(c)));
    table.claims.push_back(std::move(c));
  }
  r.finish();
  return table;
}

std::optional<bool> ClaimPair::same_conclusion() const {
  if (!a.holds || !b.holds) return {};
  return *a.holds == *b.holds;
}

int ClaimsComparison::judged() const {
  return static_cast<int>(std::count_if(pairs.begin(), pairs.end(),
                                        [](const ClaimPair& p) { return p.same_conclusion().has_value(); }));
}

int ClaimsComparison::differing() const {
  return static_cast<int>(std::count_if(
      pairs.begin(), pairs.end(), [](const ClaimPair& p) { return !p.same_conclusion().value_or(true); }));
}

ClaimsComparison compare_claims(const ClaimTable& a, const ClaimTable& b) {
  ClaimsComparison c{a.path, b.path, {}, {}, {}};
  for (const Claim& own : a.claims)
    if (const Claim* other = find(b, own))
      c.pairs.push_back({own, *other});
    else
      c.only_a.push_back(title_of(own));
  for (const Claim& own : b.claims)
    if (!find(a, own)) c.only_b.push_back(title_of(own));
  if (c.pairs.empty())
    throw InputError(
        fmt::format("{} and {} have no claim in common; nothing can be compared", a.path, b.path));
  return c;
}

Document ClaimsComparison::report() const {
  Document d;
  d.title = "Claims, one by one";
  d.facts = {"A: " + a, "B: " + b};
  Table table{"", {{"claim", true}, {"reading", true}, {"said", true}, {"A"}, {"B"}, {"", true}}, {}};
  for (const ClaimPair& p : pairs)
    table.rows.push_back({p.a.claim, p.a.reading, p.a.said, shown(p.a), shown(p.b), conclusion(p)});
  d.tables.push_back(std::move(table));
  add_list(d, "Only in A", only_a);
  add_list(d, "Only in B", only_b);
  d.notes.push_back(
      differing() == 0 ? fmt::format("Same conclusion in all {} judged readings.", judged())
                       : fmt::format("Other conclusion in {} of {} judged readings.", differing(), judged()));
  return d;
}

nlohmann::ordered_json ClaimsComparison::to_json() const {
  const auto one = [](const Claim& c) {
    nlohmann::ordered_json j = {{"value", or_null(c.value)}};
    j["low"] = c.interval ? nlohmann::ordered_json(c.interval->low) : nlohmann::ordered_json(nullptr);
    j["high"] = c.interval ? nlohmann::ordered_json(c.interval->high) : nlohmann::ordered_json(nullptr);
    j["holds"] = or_null(c.holds);
    return j;
  };
  nlohmann::ordered_json j = {{"a", a}, {"b", b}, {"within", differing() == 0}};
  j["claims"] = nlohmann::ordered_json::array();
  for (const ClaimPair& p : pairs)
    j["claims"].push_back({{"claim", p.a.claim},
                           {"reading", p.a.reading},
                           {"said", p.a.said},
                           {"unit", p.a.unit},
                           {"a", one(p.a)},
                           {"b", one(p.b)},
                           {"same_conclusion", or_null(p.same_conclusion())}});
  j["only_in_a"] = only_a;
  j["only_in_b"] = only_b;
  return j;
}

}  // namespace alertbench
