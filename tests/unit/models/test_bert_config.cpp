// The shape and cost of BERT, and BERTs in a network file.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "catch.h"
#include "models/network_file.h"
#include "support.h"

using namespace alertbench;
using nlohmann::json;

namespace {

BertConfig config(const json& j) { return BertConfig::from_json(j, "file: net: config"); }

std::string refusal_of(const json& j) {
  return message_of([&] { config(j); });
}

json exits() {
  return {{"schema_version", "1.0"},
          {"workload", "squad"},
          {"networks",
           {{{"name", "exits"},
             {"architecture", "bert"},
             {"config", {{"hidden", 64}, {"layers", 4}, {"exits", {2, 4}}}},
             {"random_seed", 3},
             {"accuracy",
              {{"f1", {0.5, 0.75}}, {"exact", {0.4, 0.6}}, {"source", "assumed"}, {"on", "made up"}}}}}}};
}

json with(const std::string& pointer, const json& value) {
  json changed = exits();
  changed["networks"][0][json::json_pointer(pointer)] = value;
  return changed;
}

NetworkFile read(const json& content, bool need_accuracy = true) {
  return NetworkFile::read(TemporaryFile(content.dump()).path, need_accuracy);
}

void check_refused(const json& content, const std::string& part) {
  check_says(message_of([&] { read(content); }), {part});
}

}  // namespace

TEST_CASE("BERT: parameters are those of BertForQuestionAnswering", "[models][bert]") {
  CHECK(config({{"hidden", 128}, {"layers", 2}}).parameters() == 4'369'666);
  CHECK(config({{"hidden", 256}, {"layers", 4}}).parameters() == 11'105'282);
  CHECK(config({{"hidden", 512}, {"layers", 4}}).parameters() == 28'502'018);
  CHECK(config({{"hidden", 512}, {"layers", 8}}).parameters() == 41'111'554);
  CHECK(config(json::object()).parameters() == 108'893'186);
  CHECK(config({{"exits", {3, 6, 9, 12}}}).parameters() == 108'893'186 + 3 * (2 * 768 + 2));
}

TEST_CASE("BERT: multiply-accumulates of a window", "[models][bert]") {
  const BertConfig c =
      config({{"hidden", 4}, {"layers", 3}, {"heads", 2}, {"intermediate", 5}, {"exits", {1, 3}}});
  // 7 tokens: four products of 4x4, two of 4x5 each, queries with keys and scores with values; heads of 4x2.
  const int64_t layer = 7 * (4 * 16 + 2 * 20) + 2 * 7 * 7 * 4, head = 7 * 8;
  CHECK(c.multiply_accumulates(7) == std::vector<int64_t>{layer + head, 3 * layer + 2 * head});
  const int64_t products = 384 * int64_t{12 * 7'077'888 + 2 * 768},
                attention = int64_t{12} * 2 * 384 * 384 * 768;
  CHECK(config(json::object()).multiply_accumulates(384) == std::vector<int64_t>{products + attention});
}

TEST_CASE("BERT: what a file leaves out follows from the rest", "[models][bert]") {
  const BertConfig base = config(json::object()), tiny = config({{"hidden", 128}, {"layers", 2}});
  CHECK((base.heads == 12 && base.intermediate == 3072 && base.exits == std::vector<int>{12}));
  CHECK((tiny.heads == 2 && tiny.intermediate == 512 && tiny.exits == std::vector<int>{2}));
  CHECK(config({{"hidden", 24}}).heads == 1);
  CHECK(BertConfig().exits == std::vector<int>{12});
}

TEST_CASE("BERT: a config that does not fit is refused by key", "[models][bert]") {
  check_says(refusal_of({{"heads", 7}}),
             {"file: net: config: heads: 7 does not divide hidden 768", "divisor"});
  check_says(refusal_of({{"head", 12}}), {"head", "did you mean \"heads\""});
  check_says(refusal_of({{"hidden", 768.5}}), {"hidden", "768.5"});
  check_says(refusal_of({{"layers", 0}}), {"layers: 0 is outside"});
  check_says(refusal_of({{"exits", json::array()}}), {"exits: 0 exits; expected 1 to 16"});
  check_says(refusal_of({{"exits", {6, 6, 12}}}), {"exits: 6 after 6", "later layer"});
  check_says(refusal_of({{"exits", {6, 3, 12}}}), {"exits: 3 after 6"});
  check_says(refusal_of({{"exits", {3, 6}}}), {"exits: the last exit is 6", "last layer, 12"});
  check_says(refusal_of({{"exits", {0, 12}}}), {"exits: 0 is outside 1 to 12"});
  check_says(refusal_of({{"exits", {12, 13}}}), {"exits: 13 is outside 1 to 12"});
  check_says(refusal_of({{"exits", {2.5, 12}}}), {"exits: 2.5 is not a whole number"});
  check_says(refusal_of({{"exits", 12}}), {"exits: expected a list"});
  std::vector<int> many(17);
  for (int i = 0; i < 17; ++i) many[static_cast<size_t>(i)] = i + 1;
  check_says(refusal_of({{"layers", 17}, {"exits", many}}), {"exits: 17 exits; expected 1 to 16"});
}

TEST_CASE("a network file with a BERT", "[models][bert]") {
  const NetworkFile file = read(exits());
  const NetworkSpec& n = file.find("exits");
  CHECK(n.bert.hidden == 64);
  CHECK(n.stages() == 2);
  CHECK(n.anytime());
  CHECK(n.random_seed == 3);
  CHECK(n.classes() == 0);
  CHECK(n.parameters() == n.bert.parameters());
  CHECK(n.multiply_accumulates() == n.bert.multiply_accumulates(384).back());
  CHECK(n.accuracy.top1 == std::vector<double>{0.5, 0.75});
  CHECK(n.accuracy.exact == std::vector<double>{0.4, 0.6});

  json unknown = exits();
  unknown["networks"][0].erase("accuracy");
  CHECK(read(unknown, false).find("exits").accuracy.top1.empty());
  check_refused(unknown, "accuracy");
}

TEST_CASE("a BERT's accuracy is F1 and exact match", "[models][bert]") {
  check_refused(with("/accuracy/f1", {0.75, 0.5}), "f1: falls from 0.75 to 0.5");
  check_refused(with("/accuracy/f1", {0.5}), "f1: 1 values, but the network has 2 stages");
  check_refused(with("/accuracy/exact", {0.5}), "exact: 1 values, but the network has 2 stages");
  check_refused(with("/accuracy/f1", {0.5, 75}), "f1: 75 is outside 0 to 1");
  check_refused(with("/accuracy/top1", {0.5, 0.75}), "top1: unknown key");
  check_refused(with("/accuracy/perplexity", {2, 2}), "perplexity: unknown key");
  check_refused(with("/input", {{"channels", 1}}), "input: unknown key");
  check_refused(with("/config/layers", 3), "exits: 4 is outside 1 to 3");

  json image = with("/architecture", "torchscript");
  json& n = image["networks"][0];
  n.erase("config");
  n.erase("random_seed");
  n["weights"] = "net.pt";
  n["input"] = {{"channels", 1}, {"height", 8}, {"width", 8}, {"mean", {0.0}}, {"scale", {1.0}}};
  check_refused(image, "unknown key");
}

TEST_CASE("the shipped BERTs", "[models][bert]") {
  const NetworkFile file = NetworkFile::read(ALERT_SOURCE_DIR "/networks/squad.json");
  CHECK(file.workload == "squad");
  double before = 0;
  for (const NetworkSpec& n : file.networks) {
    INFO(n.name);
    CHECK(n.random_weights());
    CHECK(contains(n.accuracy.on, "random weights"));
    for (size_t s = 0; s < n.accuracy.top1.size(); ++s) CHECK(n.accuracy.exact[s] <= n.accuracy.top1[s]);
    if (n.anytime()) continue;
    CHECK(n.accuracy.top1[0] > before);
    before = n.accuracy.top1[0];
  }
  CHECK(file.find("bert-base").parameters() == 108'893'186);
  CHECK(file.find("bert-base-exits").stages() == 4);
}
