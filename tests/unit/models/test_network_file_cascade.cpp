// Cascades in a network file.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "catch.h"
#include "models/network_file.h"
#include "models/network_memory.h"
#include "support.h"

using namespace alertbench;
using nlohmann::json;

namespace {

json image_network(const std::string& name, double top1, int size = 128,
                   const std::string& source = "published", const std::string& on = "ImageNet") {
  return {{"name", name},
          {"architecture", "torchscript"},
          {"weights", name + ".pt"},
          {"input", {{"height", size}, {"width", size}, {"mean", {0, 0, 0}}, {"scale", {1, 1, 1}}}},
          {"accuracy", {{"top1", {top1}}, {"top5", {top1 + 0.1}}, {"source", source}, {"on", on}}}};
}

json zoo_network(const std::string& name, int classes = 1000) {
  return {
      {"name", name},
      {"architecture", "zoo"},
      {"config", {{"network", "mobilenet-v1"}, {"width", 0.25}, {"input_size", 128}, {"classes", classes}}},
      {"input", {{"height", 128}, {"width", 128}, {"mean", {0, 0, 0}}, {"scale", {1, 1, 1}}}},
      {"accuracy", {{"top1", {0.45}}, {"source", "assumed"}, {"on", "nothing"}}}};
}

json cascade(const std::vector<std::string>& members, const json& more = json::object()) {
  json n = {{"name", "c"}, {"architecture", "cascade"}, {"config", {{"members", members}}}};
  n.update(more);
  return n;
}

json average(const std::vector<std::string>& members, const json& more = json::object()) {
  json n = cascade(members, more);
  n["config"]["answer"] = "average";
  return n;
}

json image_file(const json& added) {
  return {{"schema_version", "1.0"},
          {"workload", "imagenet"},
          {"networks",
           {added, image_network("a", 0.4), image_network("b", 0.6), image_network("d", 0.6, 192),
            zoo_network("z")}}};
}

NetworkFile read_cascades(const json& content, bool need_accuracy = true) {
  return NetworkFile::read(TemporaryFile(content.dump()).path, need_accuracy);
}

NetworkSpec read_cascade(const json& added, bool need_accuracy = true) {
  return read_cascades(image_file(added), need_accuracy).find("c");
}

void check_cascade_refused(const json& added, const std::vector<std::string>& parts) {
  check_says(message_of([&] { read_cascade(added); }), parts);
}

}  // namespace

TEST_CASE("a network file with a cascade, before its members", "[models][cascade]") {
  const NetworkSpec n = read_cascade(cascade({"a", "b", "d"}));
  CHECK(n.is_cascade());
  CHECK(n.stages() == 3);
  CHECK(n.anytime());
  CHECK(n.cascade.answer == CascadeAnswer::last);
  CHECK(n.accuracy.top1 == std::vector<double>{0.4, 0.6, 0.6});
  CHECK(n.accuracy.top5 == std::vector<double>{0.5, 0.7, 0.7});
  CHECK(n.stage_accuracy() == n.accuracy.top1);
  CHECK(n.accuracy.source == "published");
  CHECK(n.accuracy.on == "ImageNet");
  CHECK(n.accuracy_unit() == AccuracyUnit::top1);
  CHECK_FALSE(n.random_weights());
  CHECK(n.holds_code());
  CHECK_FALSE(n.native_code());
  CHECK(n.classes() == 0);
  REQUIRE(n.images().size() == 3);
  CHECK(n.images()[0].height == 128);
  CHECK(n.images()[2].height == 192);
  REQUIRE(n.parts().size() == 3);
  CHECK(n.parts()[1]->name == "b");
  CHECK(read_cascade(cascade({"a", "b"})).images().size() == 1);
  CHECK(read_cascade(average({"a"})).accuracy.top1 == std::vector<double>{0.4});  // nothing to average
}

TEST_CASE("a cascade has the parameters, operations and memory of all its members", "[models][cascade]") {
  json file = image_file(cascade({"z", "y"}));
  file["networks"].push_back(zoo_network("y"));
  const NetworkFile all = read_cascades(file);
  const NetworkSpec &n = all.find("c"), &z = all.find("z");
  CHECK(n.parameters() == 2 * z.parameters());
  CHECK(n.multiply_accumulates() == 2 * z.multiply_accumulates());
  CHECK(memory_needed_bytes(n) == 2 * memory_needed_bytes(z));
  check_says(message_of([&] { check_memory(n, 3e6); }),
             {"network \"c\": " + std::to_string(n.parameters()) + " parameters: it needs at least"});
  CHECK(n.random_weights());
  CHECK_FALSE(n.holds_code());
  CHECK(n.classes() == 1000);

  const NetworkSpec unknown = read_cascade(cascade({"a", "z"}));
  CHECK(unknown.parameters() == 0);
  CHECK(unknown.multiply_accumulates() == 0);
  CHECK(unknown.classes() == 1000);
  CHECK(memory_needed_bytes(unknown) == memory_needed_bytes(z));
  check_says(message_of([&] { check_memory(unknown, 1e6); }), {"network \"c\": it needs at least"});
}

TEST_CASE("a member of several stages counts with its last", "[models][cascade]") {
  json file = image_file(cascade({"a", "nested"}));
  json nested = {{"name", "nested"}, {"architecture", "resnet"}, {"input", file["networks"][1]["input"]}};
  nested["config"] = {{"input_size", 128}, {"stripes", 2}, {"groups", {{{"blocks", 1}, {"width", 64}}}}};
  nested["accuracy"] = {{"top1", {0.3, 0.5}}, {"source", "published"}, {"on", "ImageNet"}};
  file["networks"].push_back(nested);
  const NetworkFile all = read_cascades(file);
  CHECK(all.find("c").stages() == 2);
  CHECK(all.find("c").accuracy.top1 == std::vector<double>{0.4, 0.5});
  CHECK(all.find("c").accuracy.top5.empty());  // one has none
}

TEST_CASE("a cascade tells where each member's accuracy comes from", "[models][cascade]") {
  json file = image_file(cascade({"a", "b", "z2"}));
  file["networks"].push_back(image_network("z2", 0.7, 128, "measured", "800 images"));
  NetworkAccuracy a = read_cascades(file).find("c").accuracy;
  CHECK(a.source == "published");
  CHECK(a.on == "a: published: ImageNet; b: published: ImageNet; z2: measured: 800 images");
  file["networks"][2]["accuracy"]["source"] = "assumed";
  a = read_cascades(file).find("c").accuracy;
  CHECK(a.source == "assumed");
  CHECK(contains(a.on, "b: assumed: ImageNet"));
}

TEST_CASE("a cascade whose accuracy falls is refused, but can be listed", "[models][cascade]") {
  check_cascade_refused(cascade({"b", "a"}),
                        {"networks[0]: config: members: accuracy falls from 0.6000 (b) to 0.4000 (a)",
                         "stage 2", "change the order"});
  CHECK(read_cascade(cascade({"b", "a"}), false).accuracy.top1 == std::vector<double>{0.6, 0.4});
  json untrained = image_file(cascade({"a", "b"}));
  untrained["networks"][1].erase("accuracy");
  CHECK(read_cascades(untrained, false).find("c").stage_accuracy().empty());
  CHECK(read_cascades(untrained, false).find("c").accuracy.source.empty());
  check_says(message_of([&] { read_cascades(untrained); }), {"networks[1]: accuracy"});
}

TEST_CASE("the accuracy of averaged answers must be stated", "[models][cascade]") {
  check_cascade_refused(average({"a", "b"}),
                        {"networks[0]: accuracy: is missing", "alert-bench profile", "--accuracy"});
  const NetworkSpec unknown = read_cascade(average({"a", "b"}), false);
  CHECK(unknown.cascade.answer == CascadeAnswer::average);
  CHECK(unknown.stages() == 2);
  CHECK(unknown.stage_accuracy().empty());
  const json stated = {{"accuracy", {{"top1", {0.4, 0.65}}, {"source", "measured"}, {"on", "800 images"}}}};
  for (const json& n : {average({"a", "b"}, stated), cascade({"a", "b"}, stated)}) {
    const NetworkSpec known = read_cascade(n);
    CHECK(known.accuracy.top1 == std::vector<double>{0.4, 0.65});
    CHECK(known.accuracy.source == "measured");
  }
  json changed = stated;
  changed["accuracy"]["top1"] = {0.4};
  check_cascade_refused(average({"a", "b"}, changed), {"top1: 1 values, but the network has 2 stages"});
  changed["accuracy"]["top1"] = {0.4, 0.3};
  check_cascade_refused(average({"a", "b"}, changed), {"top1: falls from 0.4 to 0.3"});
  changed["accuracy"] = {{"f1", {0.4, 0.5}}, {"source", "measured"}, {"on", "x"}};
  check_cascade_refused(average({"a", "b"}, changed), {"f1"});
}

TEST_CASE("what does not make a cascade is refused", "[models][cascade]") {
  check_cascade_refused(cascade({}), {"networks[0]: config: members: is missing or empty", "list the names"});
  check_cascade_refused(cascade({"a", "b", "a"}), {"config: members: duplicate \"a\""});
  check_cascade_refused(cascade({"a", "bb"}), {"config: members: no network \"bb\" (did you mean \"b\"?)",
                                               "the file has: a, b, d, z"});
  check_cascade_refused(cascade({"c"}), {"config: members: \"c\" is a cascade; list its members"});
  check_cascade_refused(cascade({"a"}, {{"weights", "w.pt"}}),
                        {"networks[0]: weights: does not apply to a cascade"});
  check_cascade_refused(cascade({"a"}, {{"random_seed", 3}}), {"random_seed: does not apply to a cascade"});
  check_cascade_refused(cascade({"a"}, {{"input", json::object()}}), {"input: does not apply to a cascade"});
  check_cascade_refused(cascade({"a"}, {{"memberz", 1}}), {"memberz: unknown key"});
  json n = cascade({"a"});
  n["config"]["answer"] = "mean";
  check_cascade_refused(n, {"config: answer", "\"mean\"", "last", "average"});
  n["config"] = {{"members", {"a", 7}}};
  check_cascade_refused(n, {"config: members: expected strings, found 7"});
  n["config"] = {{"members", {"a"}}, {"threshold", 0.5}};
  check_cascade_refused(n, {"config: threshold: unknown key"});
  n.erase("config");
  check_cascade_refused(n, {"config"});
  std::vector<std::string> many;
  for (int i = 0; i < 17; ++i) many.push_back(fmt::format("m{}", i));
  check_cascade_refused(cascade(many), {"config: members: 17 networks; expected 1 to 16"});

  json file = image_file(cascade({"z", "few"}));
  file["networks"].push_back(zoo_network("few", 10));
  check_says(message_of([&] { read_cascades(file); }), {"\"z\" gives 1000 scores, \"few\" gives 10"});
  file["networks"].back() = {
      {"name", "few"},
      {"architecture", "lstm"},
      {"config", json::object()},
      {"accuracy", {{"perplexity", {50}}, {"guess_perplexity", 600}, {"source", "assumed"}, {"on", "x"}}}};
  check_says(message_of([&] { read_cascades(file); }),
             {"\"z\" and \"few\" read different kinds of input (zoo and lstm)"});
}

TEST_CASE("a cascade of native code needs a permission", "[models][cascade]") {
  json file = image_file(cascade({"a", "n"}));
  file["networks"].push_back(image_network("n", 0.9));
  file["networks"].back()["architecture"] = "aotinductor";
  const NetworkFile all = read_cascades(file);
  CHECK(all.find("c").native_code());
  check_says(message_of([&] { refuse_native_code({all.find("c")}, "n.json"); }),
             {"n.json: networks: n: ", "n.pt is native code", "--allow-commands"});
}

TEST_CASE("a cascade of language models", "[models][cascade]") {
  const auto lstm = [](const std::string& name, std::vector<double> perplexity, double guess = 700) {
    return json{
        {"name", name},
        {"architecture", "lstm"},
        {"config", {{"units", 100}, {"stripes", perplexity.size()}}},
        {"accuracy",
         {{"perplexity", perplexity}, {"guess_perplexity", guess}, {"source", "measured"}, {"on", "text"}}}};
  };
  json file = {{"schema_version", "1.0"},
               {"workload", "ptb"},
               {"networks", {lstm("a", {150}), lstm("b", {140, 120}), cascade({"a", "b"})}}};
  const NetworkSpec n = read_cascades(file).find("c");
  CHECK(n.accuracy_unit() == AccuracyUnit::language_quality);
  CHECK(n.classes() == 10000);
  CHECK(n.accuracy.perplexity == std::vector<double>{150, 120});
  CHECK(n.accuracy.guess_perplexity == 700);
  CHECK(n.accuracy.top1.empty());
  REQUIRE(n.stage_accuracy().size() == 2);
  CHECK(n.stage_accuracy()[1] == Approx(1 - std::log(120.0) / std::log(700.0)));
  CHECK(n.images().size() == 1);

  file["networks"][1] = lstm("b", {120}, 650);
  check_says(message_of([&] { read_cascades(file); }),
             {"members: the guess_perplexity is 700 of a and 650 of b"});
  CHECK(read_cascades(file, false).find("c").stage_accuracy().empty());
  file["networks"][1] = lstm("b", {160});
  check_says(message_of([&] { read_cascades(file); }), {"members: accuracy falls from"});
}

TEST_CASE("a cascade of BERTs", "[models][cascade]") {
  const auto bert = [](const std::string& name, double f1) {
    return json{{"name", name},
                {"architecture", "bert"},
                {"config", {{"hidden", 64}, {"layers", 2}}},
                {"accuracy", {{"f1", {f1}}, {"exact", {f1 - 0.1}}, {"source", "assumed"}, {"on", "x"}}}};
  };
  const json file = {{"schema_version", "1.0"},
                     {"workload", "squad"},
                     {"networks", {cascade({"a", "b"}), bert("a", 0.5), bert("b", 0.75)}}};
  const NetworkSpec n = read_cascades(file).find("c");
  CHECK(n.accuracy_unit() == AccuracyUnit::f1);
  CHECK(n.accuracy.top1 == std::vector<double>{0.5, 0.75});
  CHECK(n.accuracy.exact == std::vector<double>{0.4, 0.65});
  CHECK(n.classes() == 0);
}

TEST_CASE("an accuracy reads back as it was written for a network file", "[models][cascade]") {
  NetworkAccuracy a;
  a.top1 = {0.4, 0.65};
  a.top5 = {0.5, 0.75};
  a.source = "measured";
  a.on = "800 images";
  const json stated = {{"accuracy", json::parse(to_json(a, AccuracyUnit::top1).dump())}};
  const NetworkAccuracy back = read_cascade(average({"a", "b"}, stated)).accuracy;
  CHECK(back.top1 == a.top1);
  CHECK(back.top5 == a.top5);
  CHECK(back.source == a.source);
  CHECK(back.on == a.on);
  NetworkAccuracy words;
  words.top1 = {0.2};
  words.perplexity = {120};
  words.guess_perplexity = 700;
  const json j = json::parse(to_json(words, AccuracyUnit::language_quality).dump());
  CHECK(j.at("perplexity") == json::array({120.0}));
  CHECK(j.at("guess_perplexity") == 700.0);
  NetworkAccuracy answers;
  answers.top1 = {0.8};
  answers.exact = {0.7};
  const json questions = json::parse(to_json(answers, AccuracyUnit::f1).dump());
  CHECK(questions.at("f1") == json::array({0.8}));
  CHECK(questions.at("exact") == json::array({0.7}));
  CHECK_FALSE(questions.contains("top1"));
}

TEST_CASE("the shipped cascades are made of the shipped networks", "[models][cascade]") {
  const std::string folder = ALERT_SOURCE_DIR "/networks/";
  const auto networks_in = [&](const char* file) {
    return json::parse(content_of(folder + file)).at("networks").get<std::vector<json>>();
  };
  const std::vector<json> shipped = networks_in("fashion-mnist.json");
  int cascades = 0;
  for (const json& n : networks_in("fashion-mnist-cascade.json")) {
    INFO(n.at("name"));
    if (n.at("architecture") == "cascade")
      ++cascades;
    else
      CHECK(std::find(shipped.begin(), shipped.end(), n) != shipped.end());
  }
  CHECK(cascades > 0);
  for (const NetworkSpec& n : NetworkFile::read(folder + "fashion-mnist-cascade.json").networks) {
    if (!n.is_cascade()) continue;
    for (size_t m = 1; m < n.members.size(); ++m)  // what the last stage costs beside its member alone
      CHECK(n.members[m]->multiply_accumulates() >= 3 * n.members[m - 1]->multiply_accumulates());
  }
}
