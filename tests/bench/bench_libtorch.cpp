// What one LibTorch makes of our networks: their scores on a made-up input and their latencies, one thread,
// through alert-torch.so as the program opens it. scripts/compare_libtorch.py runs the builds of several
// LibTorchs in turn and compares them. JSON on stdout; run it from the repository.
//   bench-libtorch [SECONDS_PER_NETWORK]
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/random.h"
#include "live/placement.h"
#include "models/inference_runtime.h"

using namespace alertbench;
using nlohmann::ordered_json;

namespace {

struct Choice {
  const char* file;
  std::vector<const char*> networks;
};
const Choice choices[] = {
    {"networks/fashion-mnist.json", {"resnet-w8", "resnet-w16", "resnet-w64", "resnet-w48", "nested-w64"}},
    {"networks/imagenet-zoo.json",
     {"resnet-18", "resnet-50", "vgg-16", "squeezenet-1.1", "mobilenet-v1-1.0-224", "mobilenet-v2-1.0-224"}},
    {"networks/ptb.json", {"lstm-small", "nested-lstm"}},
    {"networks/squad.json", {"bert-tiny", "bert-small"}}};

const std::vector<int32_t> text{17, 4711, 3, 999, 42};

NetworkInput made_up_input(const NetworkSpec& spec) {
  Random random(1);
  if (spec.architecture == "lstm") return WordInText{&text, 0, static_cast<int64_t>(text.size()) - 1};
  if (spec.architecture == "bert") {
    TokenWindow window;
    for (int64_t t = 0; t < 128; ++t) {
      window.ids.push_back(static_cast<int64_t>(random.below(static_cast<uint64_t>(spec.bert.vocabulary))));
      window.types.push_back(t > 16 ? 1 : 0);
    }
    return TokenWindows{{window}};
  }
  Image image{spec.input.channels, spec.input.height, spec.input.width, {}};
  for (int i = 0; i < image.channels * image.height * image.width; ++i)
    image.chw.push_back(static_cast<float>(random.normal()));
  return image;
}

void run(StagedModel& model) {
  for (int s = 0; s < model.stages(); ++s)
    for (int b = 0; b < model.blocks(s); ++b) model.run_block(s, b);
}

ordered_json measure(StagedModel& model, const NetworkSpec& spec, double seconds) {
  constexpr int warm_up_runs = 5, runs_least = 5;
  model.set_input(made_up_input(spec));
  for (int k = 0; k < warm_up_runs; ++k) run(model);
  ordered_json scores = ordered_json::array();
  for (int s = 0; s < model.stages(); ++s) scores.push_back(model.scores(s));
  SystemClock clock;
  std::vector<double> times_s;
  for (const double end = clock.now_s() + seconds; clock.now_s() < end || times_s.size() < runs_least;) {
    const double start = clock.now_s();
    run(model);
    times_s.push_back(clock.now_s() - start);
  }
  std::sort(times_s.begin(), times_s.end());
  return {{"name", spec.name},
          {"prepacked", model.prepacked() ? ordered_json(*model.prepacked()) : ordered_json()},
          {"median_s", times_s[times_s.size() / 2]},
          {"minimum_s", times_s.front()},
          {"runs", times_s.size()},
          {"scores", scores}};
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const double seconds = argc > 1 ? std::stod(argv[1]) : 0.3;
    pin_thread("inference_cpu", allowed_cpus().front(), 1, allowed_cpus());
    const auto runtime = open_inference_runtime(1);
    ordered_json networks = ordered_json::array();
    for (const Choice& choice : choices) {
      const NetworkFile file = NetworkFile::read(choice.file);
      for (const char* name : choice.networks) {
        const NetworkSpec& spec = file.find(name);
        networks.push_back(measure(*runtime->load(spec, spec.classes()), spec, seconds));
      }
    }
    fmt::print("{}\n", ordered_json{{"inference", runtime->facts()}, {"networks", networks}}.dump());
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench_libtorch: {}\n", e.what());
    return 1;
  }
}
