#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/text_file.h"
#include "catch.h"
#include "support.h"

using namespace alertbench;
using nlohmann::json;

TEST_CASE("An unknown key is refused and the nearest known one named", "[json]") {
  const json j = {{"inputs", 3}, {"shedulers", json::array()}};
  JsonReader r(j, "a.json");
  r.integer("inputs", 1, 10);
  r.texts("schedulers");
  const std::string text = message_of([&] { r.finish(); });
  REQUIRE(contains(text, "a.json: shedulers: unknown key, did you mean \"schedulers\"?"));
}

namespace {

// What the action writes to standard error.
std::string standard_error_of(const std::function<void()>& action) {
  const Folder folder;
  const int before = dup(STDERR_FILENO);
  std::fflush(stderr);
  const int file = open((folder / "said").c_str(), O_WRONLY | O_CREAT, 0600);
  REQUIRE(dup2(file, STDERR_FILENO) == STDERR_FILENO);
  close(file);
  action();
  std::fflush(stderr);
  dup2(before, STDERR_FILENO);
  close(before);
  return content_of(folder / "said");
}

}  // namespace

TEST_CASE("A newer minor version is read without its new keys, with one note for each file",
          "[json][version]") {
  const json j = {{"schema_version", "1.12"},
                  {"known", 1},
                  {"new", 2},
                  {"object", {{"known", 1}, {"new", 2}}},
                  {"list", {{{"new", 2}}}}};
  const auto read = [&](const char* where, const char* known) {
    JsonReader r(j, where);
    CHECK(r.version(known) == SchemaVersion{1, 12});
    CHECK(r.integer("known", 0, 9) == 1);
    JsonReader object = r.object("object");
    CHECK(object.integer("known", 0, 9) == 1);
    object.finish();
    for (const JsonReader& item : r.objects("list")) item.finish();
    r.finish();
  };
  CHECK(standard_error_of([&] {
          read("a.json", "1.2");
          read("a.json", "1.2");
        }) ==
        "alert-bench: a.json: note: version 1.12 is newer than 1.2, which this program knows; keys that it "
        "does not "
        "know are ignored\n");
  CHECK(contains(standard_error_of([&] { read("b.json", "1.0"); }),
                 "b.json: note: version 1.12 is newer than 1.0"));
  // Of a version that this program knows, every key is known.
  CHECK(contains(message_of([&] { read("c.json", "1.12"); }), "c.json: object: new: unknown key"));
  CHECK(contains(message_of([&] { read("c.json", "1.13"); }), "c.json: object: new: unknown key"));
}

TEST_CASE("Other major versions and what is not a version are refused", "[json][version]") {
  const auto refused = [](const json& version) {
    return message_of([&] {
      JsonReader(json{{"schema_version", version}}, "a.json").version("2.1", "make it again");
    });
  };
  CHECK(refused("2.0").empty());
  CHECK(refused("3.0") ==
        "a.json: schema_version: \"3.0\" was written by a newer program; this one reads 2.0 to 2.1: update "
        "alert-bench");
  CHECK(refused("1.9") ==
        "a.json: schema_version: \"1.9\" is too old; this program reads 2.0 to 2.1: make it again");
  for (const char* text : {"", "2", "2.", ".1", "2.1.0", "2,1", " 2.1", "-2.1", "2.12345", "two"})
    CHECK(contains(refused(text), "is not a version; expected one such as \"2.1\""));
  CHECK(contains(refused(2.1), "expected a string"));
  CHECK(contains(refused(nullptr), "is missing"));
}

TEST_CASE("Values of the wrong type or range name file, key and value", "[json]") {
  const json j = {{"a", "x"},        {"b", -1},      {"c", 1.5},
                  {"d", {1, "two"}}, {"e", nullptr}, {"f", 4294967296.0 * 4}};
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
  REQUIRE(contains(refused(std::string(1000000, '[')), "nested too deeply: more than 64 levels"));
  REQUIRE(contains(message_of([&] { read_json_file(folder / "none"); }), "cannot open this file"));
}

TEST_CASE("A duplicate key is refused with its line, wherever it is", "[json]") {
  const auto refused = [](const std::string& text) {
    return message_of([&] { parse_json(text, "a.json"); });
  };
  check_says(refused("{\n\"a\": 1,\n\"b\": 2,\n\"a\": 3}"),
             {"a.json: line 4: ", "duplicate key \"a\"", "first as 1"});
  check_says(refused("[{\"x\": [{\"deep\": null, \"deep\": null}]}]"), {"line 1", "duplicate key \"deep\""});
  CHECK(contains(refused("{\"\\u0061\": 1, \"a\": 2}"), "duplicate key"));  // one name, written in two ways
  CHECK(refused("{\"a\": {\"b\": 1}, \"b\": {\"b\": 1}, \"A\": 0}") == "");
  CHECK(contains(message_of([] { parse_json<nlohmann::ordered_json>("{\"a\": 1, \"a\": 1}", "o.json"); }),
                 "duplicate key"));
}

TEST_CASE(
    "An object of many keys is parsed in time that grows with their number, whether or not it keeps their "
    "order",
    "[json]") {
  std::string text = "{";
  for (int n = 100'000; n > 0; --n) text += '"' + std::to_string(n) + "\": " + std::to_string(n) + ",";
  text.back() = '}';
  const auto ordered = parse_json<nlohmann::ordered_json>(text, "o.json");
  CHECK((ordered.size() == 100'000 && ordered.begin().key() == "100000" && ordered.back() == 1));
}

TEST_CASE("JSON comes back as it was written", "[json]") {
  const std::string text =
      R"({"b":[1,-2,18446744073709551615,1.5e-300,true,null,"\u00e9"],"a":{"x":{},"y":[]}})";
  CHECK(parse_json(text, "a") == json::parse(text));
  CHECK(parse_json<nlohmann::ordered_json>(text, "a").dump() == nlohmann::ordered_json::parse(text).dump());
  CHECK(parse_json("7", "a") == 7);
  CHECK(parse_json("\xEF\xBB\xBF{}", "a") == json::object());
  for (const char* bad : {"", " ", "{} {}", "[1,]", "{\"a\"}", "1e999", "\"\xff\"", "[1"}) {
    INFO(bad);
    CHECK(contains(message_of([&] { parse_json(bad, "a.json"); }), "a.json: line 1: not valid JSON"));
  }
}

TEST_CASE("Limits of JSON: depth and values, in time that grows with the length", "[json]") {
  const std::string deep = std::string(64, '[') + std::string(64, ']');
  CHECK(parse_json(deep, "a").is_array());
  CHECK(contains(message_of([&] { parse_json("[" + deep + "]", "a"); }), "nested too deeply"));
  std::string many = "[{}";
  for (int i = 1; i < 200000; ++i) many += ",{}";
  many += "]";
  const auto begun = std::chrono::steady_clock::now();
  CHECK(parse_json(many, "a").size() == 200000);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(8));
  CHECK(contains(message_of([&] {
                   parse_json(many, "a", {1 << 20, 8, 1000});
                 }),
                 "more than 1000 JSON values"));
}

TEST_CASE("A long value is shown by its beginning", "[json]") {
  const json j = {{"a", std::string(100000, 'x')}, {std::string(100000, 'k'), 1}};
  JsonReader r(j, "f.json");
  const std::string text = message_of([&] { r.number("a", 0, 1); });
  CHECK(contains(text, "xxx..."));
  CHECK(text.size() < 400);
  CHECK(contains(message_of([&] { r.finish(); }), "unknown key"));
}

TEST_CASE("Text files: byte order marks, and what is no file", "[text]") {
  const Folder folder;
  put(folder / "marked", "\xEF\xBB\xBFone\ntwo");
  CHECK(read_text_file(folder / "marked", 100) == "one\ntwo");
  CHECK(contains(message_of([&] { read_text_file(folder / "marked", 4); }), "limit of 4 bytes"));
  put(folder / "utf-16", std::string("\xFF\xFEo\0", 4));
  check_says(message_of([&] { read_text_file(folder / "utf-16", 100); }), {"utf-16", "UTF-16", "UTF-8"});
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(contains(message_of([&] { read_text_file(folder / "pipe", 100); }), "is a pipe"));
  CHECK(contains(message_of([&] { read_text_file("/dev/zero", 100); }), "is a device"));
  CHECK(contains(message_of([&] { read_text_file(folder.path, 100); }), "is a folder"));
}

TEST_CASE("Lines end in a line break only, the last one needs none", "[text]") {
  const Folder folder;
  const std::string longer(200000, 'y');  // than what is read at once
  put(folder / "lines",
      "\xEF\xBB\xBF"
      "a\r\n\nb\xE2\x80\xA8"
      "c\n" +
          longer + "\nlast");
  LineReader lines(folder / "lines", 300000);
  std::vector<std::string> all;
  for (std::string line; lines.next(line);) {
    all.push_back(line);
    CHECK(lines.number() == static_cast<int64_t>(all.size()));
    CHECK(lines.ended() == (line != "last"));
  }
  CHECK(all == std::vector<std::string>{"a\r", "",
                                        "b\xE2\x80\xA8"
                                        "c",
                                        longer, "last"});
  LineReader short_lines(folder / "lines", 100000);
  std::string line;
  for (int n = 0; n < 3; ++n) REQUIRE(short_lines.next(line));
  CHECK(contains(message_of([&] { short_lines.next(line); }),
                 "line 4 is longer than the limit of 100000 bytes"));
  put(folder / "empty", "");
  CHECK_FALSE(LineReader(folder / "empty", 10).next(line));
}
