// Language models in a network file.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "catch.h"
#include "core/profile.h"
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
              {{"top1", {0.1, 0.2}},
               {"perplexity", {150.5, 120.25}},
               {"guess_perplexity", 600.0},
               {"source", "measured"},
               {"on", "made up"}}}}}}};
}

NetworkFile read_lstm(const json& content, bool need_accuracy = true) {
  return NetworkFile::read(TemporaryFile(content.dump()).path, need_accuracy);
}

void check_lstm_refused(const json& content, const std::string& part) {
  CHECK_THROWS_WITH(read_lstm(content), Catch::Matchers::ContainsSubstring(part));
}

}  // namespace

TEST_CASE("a network file with an LSTM", "[models][ptb]") {
  const NetworkFile file = read_lstm(nested());
  const NetworkSpec& n = file.find("nested");
  CHECK(n.lstm.vocabulary == 100);
  CHECK(n.lstm.units == 8);
  CHECK(n.lstm.layers == 1);
  CHECK(n.stages() == 2);
  CHECK(n.anytime());
  CHECK(n.accuracy.perplexity == std::vector<double>{150.5, 120.25});
  CHECK(n.accuracy_unit() == AccuracyUnit::language_quality);
  CHECK(n.stage_accuracy() == language_quality({150.5, 120.25}, 600));

  json untrained = nested();
  untrained["networks"][0].erase("accuracy");
  CHECK(read_lstm(untrained, false).find("nested").accuracy.top1.empty());
  CHECK(read_lstm(untrained, false).find("nested").stage_accuracy().empty());
  check_lstm_refused(untrained, "accuracy");
  // A badly trained network can still be trained again.
  json fallen = nested();
  fallen["networks"][0]["accuracy"]["perplexity"] = {120, 150};
  CHECK(read_lstm(fallen, false).find("nested").accuracy.perplexity == std::vector<double>{120, 150});
  check_lstm_refused(fallen, "perplexity: rises from 120 to 150 at stage 2");
  // Next words told right are a column of reports, no more.
  json plain = nested();
  plain["networks"][0]["accuracy"]["top1"] = {0.2, 0.1};
  CHECK(read_lstm(plain).find("nested").accuracy.top1 == std::vector<double>{0.2, 0.1});
  plain["networks"][0]["accuracy"].erase("top1");
  CHECK(read_lstm(plain).find("nested").stage_accuracy().size() == 2);
}

TEST_CASE("language quality needs perplexity, and that of guessing", "[models][ptb]") {
  json bad = nested();
  json& accuracy = bad["networks"][0]["accuracy"];
  accuracy.erase("guess_perplexity");
  check_lstm_refused(bad, "guess_perplexity: is missing; add one number");
  CHECK(read_lstm(bad, false).find("nested").stage_accuracy().empty());
  accuracy["guess_perplexity"] = 1;
  check_lstm_refused(bad, "guess_perplexity: 1 is outside");
  accuracy["guess_perplexity"] = 140;
  check_lstm_refused(
      bad, "perplexity: 150.5 at stage 1 is above the guess_perplexity of 140: worse than guessing");
  accuracy["guess_perplexity"] = 600;
  accuracy.erase("perplexity");
  check_lstm_refused(bad, "perplexity: is missing; add one number per stage");
}

TEST_CASE("the shipped language models have a ladder", "[models][ptb]") {
  for (const char* file : {"ptb.json", "ptb-random.json"})
    for (const NetworkSpec& n :
         NetworkFile::read(std::string(ALERT_SOURCE_DIR "/networks/") + file).networks) {
      INFO(file << " " << n.name);
      const std::vector<double> quality = n.stage_accuracy();
      REQUIRE(static_cast<int>(quality.size()) == n.stages());
      CHECK(quality.front() > 0.15);
      for (size_t s = 1; s < quality.size(); ++s) CHECK(quality[s] > quality[s - 1]);
    }
}

TEST_CASE("an LSTM that does not fit is refused by key", "[models][ptb]") {
  json bad = nested();
  bad["networks"][0]["config"]["units"] = 9;
  check_lstm_refused(bad, "units 9 is not a multiple of stripes 2");
  bad = nested();
  bad["networks"][0]["config"]["unit"] = 8;
  check_lstm_refused(bad, "unit");
  bad = nested();
  bad["networks"][0]["config"]["units"] = "8";
  check_lstm_refused(bad, "units");
  bad = nested();
  bad["networks"][0]["config"]["vocabulary"] = 2000000000;
  check_lstm_refused(bad, "vocabulary");
  bad = nested();
  bad["networks"][0]["accuracy"]["perplexity"] = {120.0};
  check_lstm_refused(bad, "1 values, but the network has 2 stages");
  bad["networks"][0]["accuracy"]["perplexity"] = {0.5, 0.5};
  check_lstm_refused(bad, "perplexity");
  bad = nested();
  bad["networks"][0]["input"] = {{"channels", 1}};
  check_lstm_refused(bad, "input");
}

TEST_CASE("perplexity is of language models only", "[models][ptb]") {
  json image = nested();
  json& n = image["networks"][0];
  n["architecture"] = "torchscript";
  n.erase("config");
  n["input"] = {{"channels", 1}, {"height", 8}, {"width", 8}, {"mean", {0.0}}, {"scale", {1.0}}};
  n["accuracy"] = {{"top1", {0.5}}, {"source", "measured"}, {"on", "made up"}};
  CHECK(read_lstm(image).networks.size() == 1);
  n["accuracy"]["perplexity"] = {2.0};
  check_lstm_refused(image, "perplexity: does not apply");
}
