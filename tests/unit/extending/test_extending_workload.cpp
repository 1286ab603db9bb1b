// The recipe for a workload in docs/extending.md, followed by one of tones.
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "catch.h"
#include "evaluation/evaluation.h"
#include "extending/registered.h"
#include "scenario/scenario.h"
#include "support.h"
#include "workloads/workload_factory.h"

using namespace alertbench;

namespace {

// Four grey images, each of one shade, which is its label.
class Tones : public ImageWorkload {
 public:
  explicit Tones(std::string from) : from_(std::move(from)) {}
  std::string name() const override { return "extending-tones"; }
  std::string data_source() const override { return from_.empty() ? "made up" : from_; }
  int64_t size() const override { return 4; }
  int classes() const override { return 4; }
  bool labelled() const override { return true; }
  std::string input_id(int64_t n) const override { return "tone-" + std::to_string(label(n)); }
  Image input(int64_t n, const ImageSpec& spec) const override {
    const auto pixels = static_cast<size_t>(spec.height) * static_cast<size_t>(spec.width);
    return {1, spec.height, spec.width, std::vector<float>(pixels, static_cast<float>(label(n)))};
  }
  int label(int64_t n) const override {
    if (n < 0 || n >= size()) throw std::out_of_range("no such tone");
    return static_cast<int>(n);
  }

 private:
  std::string from_;
};

WorkloadInfo tones_info() {
  return {"extending-tones", "four tones", "sound", [](const std::string& data_dir, uint64_t) {
            return std::unique_ptr<Workload>(std::make_unique<Tones>(data_dir));
          }};
}

Cell tones_cell(const std::string& workload) {
  Cell c;
  c.id = c.workload = workload;
  c.scenario = "made-up";
  return c;
}

}  // namespace

TEST_CASE("a workload of one class and one line of the registry is read and judged", "[extending]") {
  const nlohmann::json scenario = {
      {"schema_version", "1.0"},
      {"name", "made-up"},
      {"workload", {{"name", "extending-tones"}, {"data", "shelf"}}},
      {"networks", "n.json"},
      {"goals", {{{"task", "min_energy"}, {"deadline_s", 0.1}, {"accuracy", 0.5}}}}};
  CHECK(contains(message_of([&] { Scenario::from_json(scenario, "test"); }), "extending-tones"));
  CHECK(domain_of("extending-tones") == "other");

  const Registered tones(workload_registry(), tones_info());
  const Scenario s = Scenario::from_json(scenario, "test");
  const auto workload = make_workload(s.workload, s.data, s.seeds.inputs);
  CHECK(workload->data_source() == "shelf");
  CHECK(workload->order(4, 1).size() == 4);
  ImageSpec spec;
  spec.height = spec.width = 2;
  CHECK(std::get<Image>(workload->network_input(3, spec)).chw == std::vector<float>(4, 3));
  CHECK(workload->judge(3, {0, 0, 0, 1}).top1);
  CHECK_FALSE(workload->judge(2, {0, 0, 0, 1}).top1);
  CHECK(workload->fail_accuracy() == 0.25);
}

TEST_CASE("an evaluation has totals for the domain of a workload, and says which workloads they are of",
          "[extending]") {
  const Registered tones(workload_registry(), tones_info());
  EvaluationResult e;
  e.schedulers = {"alert"};
  e.cells = {tones_cell("extending-tones"), tones_cell("imagenet")};
  e.total();
  REQUIRE(e.domains.size() == 3);
  CHECK(e.domains[1].name == "vision");
  CHECK(e.domains[2].name == "sound");
  const nlohmann::ordered_json overall = e.to_json().at("overall");
  CHECK(overall.at("sound").at("workloads") == nlohmann::ordered_json::array({"extending-tones"}));
  CHECK_FALSE(overall.at("all").contains("workloads"));
}
