// Runs one network of a network file as the harness runs it, as often as it is told: our side of latency.py.
//
//   serve-network NETWORKS.json NAME INPUT
//
// INPUT holds the network's only input as raw numbers in the machine's byte order: float32, channel after
// channel, for an image; int64, the ids of all tokens and then their types, for a bert. One line is written
// when the network is loaded and has run once: {"facts": ..., "scores": [...]}, the facts of LibTorch and the
// scores of the last stage. Then each line read from standard input is a number of executions, answered by a
// line with as many times in seconds.
#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "models/inference_runtime.h"

extern "C" alertbench::InferenceRuntime* alert_make_inference_runtime(int threads, const char* device);

using namespace alertbench;

namespace {

template <class Number>
std::vector<Number> read_numbers(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  if (bytes.empty() || bytes.size() % sizeof(Number) != 0)
    throw InputError(fmt::format("{}: {} bytes are no numbers of {}", path, bytes.size(), sizeof(Number)));
  std::vector<Number> numbers(bytes.size() / sizeof(Number));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(numbers.data()));
  return numbers;
}

NetworkInput read_input(const NetworkSpec& spec, const std::string& path) {
  if (spec.accuracy_unit() == AccuracyUnit::f1) {
    const std::vector<int64_t> numbers = read_numbers<int64_t>(path);
    const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
    TokenWindow window;
    window.ids.assign(numbers.begin(), middle);
    window.types.assign(middle, numbers.end());
    return TokenWindows{{window}};
  }
  const ImageSpec wants = spec.images().front();
  Image image{wants.channels, wants.height, wants.width, read_numbers<float>(path)};
  const auto wanted = static_cast<size_t>(image.channels * image.height * image.width);
  if (image.chw.size() != wanted)
    throw InputError(fmt::format("{}: {} numbers, but the network reads {}", path, image.chw.size(), wanted));
  return image;
}

double run(StagedModel& model, Clock& clock) {
  const double start = clock.now_s();
  for (int stage = 0; stage < model.stages(); ++stage)
    for (int block = 0; block < model.blocks(stage); ++block) model.run_block(stage, block);
  return clock.now_s() - start;
}

void serve(const std::string& file, const std::string& name, const std::string& input) {
  const NetworkSpec spec = NetworkFile::read(file).find(name);
  const std::unique_ptr<InferenceRuntime> runtime(alert_make_inference_runtime(1, "cpu"));
  const std::unique_ptr<StagedModel> model = runtime->load(spec, spec.classes() ? spec.classes() : 1000);
  const NetworkInput read = read_input(spec, input);
  model->set_input(read);
  SystemClock clock;
  run(*model, clock);
  const nlohmann::ordered_json ready = {{"facts", runtime->facts()},
                                        {"scores", model->scores(model->stages() - 1)}};
  std::cout << ready.dump() << std::endl;
  for (int times = 0; std::cin >> times;) {
    nlohmann::json taken_s = nlohmann::json::array();
    for (int i = 0; i < times; ++i) taken_s.push_back(run(*model, clock));
    std::cout << taken_s.dump() << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    restart_with_fast_blas(argv);
    if (argc != 4) throw InputError("usage: serve-network NETWORKS.json NAME INPUT");
    serve(argv[1], argv[2], argv[3]);
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "serve-network: {}\n", e.what());
    return 1;
  }
}
