// How schedulers of the user's own are named, and what of them is known without running them.
#include <nlohmann/json.hpp>

#include "catch.h"
#include "plugins/external_schedulers.h"
#include "schedulers/external.h"
#include "support.h"

using namespace alertbench;
using nlohmann::json;

TEST_CASE("a command line is split into words as a shell does", "[external]") {
  using Words = std::vector<std::string>;
  CHECK(split_words("", "w").empty());
  CHECK(split_words("  a\tb  c ", "w") == Words{"a", "b", "c"});
  CHECK(split_words("'a b' \"c d\" e\\ f", "w") == Words{"a b", "c d", "e f"});
  CHECK(split_words("'' \"\"", "w") == Words{"", ""});
  CHECK(split_words("a'b'\"c\"d", "w") == Words{"abcd"});
  CHECK(split_words(R"("say \"hi\" \\ \n" 'a\b' $HOME *)", "w") ==
        Words{R"(say "hi" \ \n)", R"(a\b)", "$HOME", "*"});
  CHECK(split_words("a\\", "w") == Words{"a\\"});
  check_says(message_of([] { split_words("a 'b", "here"); }), {"here", "'", "close the quote"});
  check_says(message_of([] { split_words("\"a\\\"", "here"); }), {"here", "\""});
}

TEST_CASE("results name schedulers of one's own after their files", "[external]") {
  CHECK(is_external("lib:a.so"));
  CHECK(is_external("cmd:a"));
  CHECK_FALSE(is_external("alert"));
  const std::vector<std::string> names = result_names(
      {"alert", "lib:/a/alert.so", "cmd:python3 -u my/greedy.py --x 1", "cmd:./greedy", "cmd:/b/greedy",
       "cmd:python3.11 'with blank & dot.v2.py'", "oracle", "lib:other/alert.so", "cmd:run --config=x.json"});
  CHECK(names == std::vector<std::string>{"alert", "lib-alert", "cmd-greedy", "cmd-greedy-2", "cmd-greedy-3",
                                          "cmd-with-blank---dot-v2", "oracle", "lib-alert-2", "cmd-run"});
  CHECK(result_names({"lib-a", "lib:a.so"}) == std::vector<std::string>{"lib-a", "lib-a-2"});
  CHECK(result_names({"lib:" + std::string(300, 'x') + ".so"})[0].size() < 100);
}

TEST_CASE("settings of one's own scheduler are passed on, but for the timeout of a program", "[external]") {
  const json settings = {{"b", {1, 2}}, {"a", "x"}};
  CHECK(effective_settings("lib:x.so", settings, "s").dump() == R"({"a":"x","b":[1,2]})");
  const auto effective = effective_settings("cmd:x", settings, "s");
  CHECK(effective.dump() == R"({"a":"x","b":[1,2],"timeout_s":30.0})");
  CHECK(effective_settings("cmd:x", json::parse(effective.dump()), "s") == effective);
  CHECK(read_external("cmd:x -y", {{"timeout_s", 0.5}}, "s").timeout_s == 0.5);
  check_says(message_of([] { effective_settings("cmd:x", {{"timeout_s", 0}}, "s"); }), {"s: timeout_s", "0"});
  check_says(message_of([] { effective_settings("cmd:x", json::array(), "s"); }), {"s"});
  check_says(message_of([] { effective_settings("cmd:", nullptr, "s"); }), {"s", "cmd:PROGRAM"});
  check_says(message_of([] { effective_settings("lib:", nullptr, "s"); }), {"s", "lib:FILE.so"});
  check_says(message_of([] { effective_settings("lib", nullptr, "s"); }),
             {"unknown scheduler", "lib:FILE.so"});

  CHECK(with_file_in("/a/b", "lib:../x.so") == "lib:/a/x.so");
  CHECK(with_file_in("/a/b", "lib:/x.so") == "lib:/x.so");
  CHECK(with_file_in("/a/b", "cmd:./x") == "cmd:./x");
  const std::vector<std::string> schedulers = {"alert", "lib:/a/x.so", "cmd:./y.py"};
  CHECK(settings_by_scheduler({{"lib:x.so", 1}, {"cmd-y", 2}, {"alert", 3}}, schedulers, "/a", "s") ==
        json{{"lib:/a/x.so", 1}, {"cmd:./y.py", 2}, {"alert", 3}});
  CHECK(settings_by_scheduler({{"cmd:./y.py", {{"a", 1}, {"b", 2}}}, {"cmd-y", {{"b", 3}}}}, schedulers, "/a",
                              "s") == json{{"cmd:./y.py", {{"a", 1}, {"b", 3}}}});
  check_says(message_of([&] {
               settings_by_scheduler({{"lib:x.so", 1}, {"lib:/a/x.so", 2}}, schedulers, "/a", "s");
             }),
             {"s: lib:/a/x.so has settings twice"});
}

TEST_CASE("schedulers of one's own need permission, and are looked at before anything is measured",
          "[external]") {
  Folder folder;
  put(folder / "text.so", "no shared object");
  put(folder / "script.py", "print(1)\n");
  check_external_schedulers({"alert", "oracle"}, false, "s.json");
  for (const std::string& own : {"lib:" + folder / "text.so", std::string("cmd:true")})
    check_says(message_of([&] {
                 check_external_schedulers({"alert", own}, false, "s.json");
               }),
               {"s.json: schedulers: ", own, "--allow-commands"});
  check_says(message_of([&] { check_external_schedulers({"lib:" + folder / "text.so"}, true, "s.json"); }),
             {"s.json: schedulers: lib:", "text.so", "cannot be loaded as a shared object", "cc -shared"});
  check_says(message_of([&] { check_external_schedulers({"lib:/nowhere.so"}, true, "s.json"); }),
             {"/nowhere.so", "No such file"});
  check_external_schedulers({"cmd:sh -c true"}, true, "s.json");
  check_says(message_of([&] { check_external_schedulers({"cmd:no-such-program x"}, true, "s.json"); }),
             {"s.json: schedulers: cmd:no-such-program x", "no executable program no-such-program"});
  check_says(message_of([&] { check_external_schedulers({"cmd:" + folder / "script.py"}, true, "s.json"); }),
             {"script.py", "chmod +x"});

  CHECK(describe_external_schedulers({"alert"}).is_null());
  const auto facts = describe_external_schedulers(
      {"alert", "lib:" + folder / "text.so", "cmd:sh " + folder / "script.py" + " -v"});
  REQUIRE(facts.size() == 2);
  CHECK(facts[0]["name"] == "lib-text");
  CHECK(facts[0]["command"].is_null());
  CHECK(facts[0]["files"][0]["bytes"] == 16);
  CHECK(facts[0]["files"][0]["sha256"] == "338579bcdcce4a179f740f440e27956fd1d409eb7188cf1bf3b6a6c2e4b211c8");
  CHECK(facts[1]["name"] == "cmd-script");
  CHECK(facts[1]["command"] == nlohmann::ordered_json{"sh", folder / "script.py", "-v"});
  REQUIRE(facts[1]["files"].size() == 2);
  CHECK(contains(facts[1]["files"][0]["path"], "/sh"));
  CHECK(facts[1]["files"][1]["path"] == folder / "script.py");
}
