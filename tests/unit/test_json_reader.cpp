#include <cstdio>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "core/error.h"
#include "core/json_reader.h"
#include "support.h"

using namespace alertbench;
using nlohmann::json;

namespace {

}  // namespace

TEST_CASE("An unknown key is refused and the nearest known one named", "[json]") {
  const json j = {{"inputs", 3}, {"shedulers", json::array()}};
  JsonReader r(j, "a.json");
  r.integer("inputs", 1, 10);
  r.texts("schedulers");
  const std::string text = message_of([&] { r.finish(); });
  REQUIRE(contains(text, "a.json: shedulers: unknown key, did you mean \"schedulers\"?"));
}

TEST_CASE("Values of the wrong type or range name file, key and value", "[json]") {
  const json j = {{"a", "x"}, {"b", -1}, {"c", 1.5}, {"d", {1, "two"}}, {"e", nullptr}, {"f", 4294967296.0 * 4}};
  JsonReader r(j, "f.json");
  REQUIRE(contains(message_of([&] { r.number("a", 0, 1); }), "f.json: a: expected a number, found \"x\""));
  REQUIRE(contains(message_of([&] { r.number("b", 0, 1); }), "f.json: b: -1 is outside 0 to 1"));
  REQUIRE(contains(message_of([&] { r.integer("c", 0, 9); }), "expected a whole number, found 1.5"));
  REQUIRE(contains(message_of([&] { r.numbers("d", 0, 9); }), "expected numbers, found \"two\""));
  REQUIRE(contains(message_of([&] { r.number("missing", 0, 1); }), "f.json: missing: is missing"));
  REQUIRE(contains(message_of([&] { r.one_of("a", "", {"xy", "z"}); }), "did you mean \"xy\"?"));
  REQUIRE_FALSE(r.has("e"));
  REQUIRE(r.number("e", 7.0, 0, 9) == 7.0);
}

TEST_CASE("A file that is no JSON is refused with its line; NaN is no JSON", "[json]") {
  const Folder folder;
  const std::string path = folder / "a.json";
  const auto refused = [&](const std::string& content) {
    put(path, content);
    return message_of([&] { read_json_file(path); });
  };
  REQUIRE(contains(refused("{\n \"a\": NaN\n}"), "line 2: not valid JSON"));
  REQUIRE(contains(refused("{\"a\": 1"), "not valid JSON"));
  REQUIRE(contains(refused(std::string(1000000, '[')), "nests more than 64 levels deep"));
  REQUIRE(contains(message_of([&] { read_json_file(folder / "none"); }), "cannot open this file"));
}
