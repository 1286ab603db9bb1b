// Language models in a network file.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "core/error.h"
#include "models/network_file.h"
#include "support.h"

using namespace alertbench;
using nlohmann::json;

namespace {

json nested() {
  return {{"schema_version", "1.0"},
          {"workload", "ptb"},
          {"networks",
           {{{"name", "nested"},
             {"architecture", "lstm"},
             {"config", {{"vocabulary", 100}, {"units", 8}, {"layers", 1}, {"stripes", 2}}},
             {"weights", "ptb/nested.pt"},
             {"accuracy",
              {{"top1", {0.1, 0.2}}, {"perplexity", {150.5, 120.25}}, {"source", "measured"}, {"on", "made up"}}}}}}};
}

NetworkFile read(const json& content, bool need_accuracy = true) {
  return NetworkFile::read(TemporaryFile(content.dump()).path, need_accuracy);
}

void check_refused(const json& content, const std::string& part) {
  CHECK_THROWS_WITH(read(content), Catch::Matchers::Contains(part));
}

}  // namespace

TEST_CASE("a network file with an LSTM", "[models][ptb]") {
  const NetworkFile file = read(nested());
  const NetworkSpec& n = file.find("nested");
  CHECK(n.lstm.vocabulary == 100);
  CHECK(n.lstm.units == 8);
  CHECK(n.lstm.layers == 1);
  CHECK(n.stages() == 2);
  CHECK(n.anytime());
  CHECK(n.accuracy.perplexity == std::vector<double>{150.5, 120.25});

  json untrained = nested();
  untrained["networks"][0].erase("accuracy");
  CHECK(read(untrained, false).find("nested").accuracy.top1.empty());
  check_refused(untrained, "accuracy");
  // A badly trained network can still be trained again.
  json fallen = nested();
  fallen["networks"][0]["accuracy"]["top1"] = {0.2, 0.1};
  CHECK(read(fallen, false).find("nested").accuracy.top1 == std::vector<double>{0.2, 0.1});
  check_refused(fallen, "falls from 0.2 to 0.1");
}

TEST_CASE("an LSTM that does not fit is refused by key", "[models][ptb]") {
  json bad = nested();
  bad["networks"][0]["config"]["units"] = 9;
  check_refused(bad, "units 9 is not a multiple of stripes 2");
  bad = nested();
  bad["networks"][0]["config"]["unit"] = 8;
  check_refused(bad, "unit");
  bad = nested();
  bad["networks"][0]["config"]["units"] = "8";
  check_refused(bad, "units");
  bad = nested();
  bad["networks"][0]["config"]["vocabulary"] = 2000000000;
  check_refused(bad, "vocabulary");
  bad = nested();
  bad["networks"][0]["accuracy"]["perplexity"] = {120.0};
  check_refused(bad, "1 values, but the network has 2 stages");
  bad["networks"][0]["accuracy"]["perplexity"] = {0.5, 0.5};
  check_refused(bad, "perplexity");
  bad = nested();
  bad["networks"][0]["input"] = {{"channels", 1}};
  check_refused(bad, "input");
}

TEST_CASE("perplexity is of language models only", "[models][ptb]") {
  json image = nested();
  json& n = image["networks"][0];
  n["architecture"] = "torchscript";
  n.erase("config");
  n["input"] = {{"channels", 1}, {"height", 8}, {"width", 8}, {"mean", {0.0}}, {"scale", {1.0}}};
  n["accuracy"] = {{"top1", {0.5}}, {"source", "measured"}, {"on", "made up"}};
  CHECK(read(image).networks.size() == 1);
  n["accuracy"]["perplexity"] = {2.0};
  check_refused(image, "perplexity has no meaning");
}
