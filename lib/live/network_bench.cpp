#include "live/network_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/console.h"

namespace alertbench {
namespace {

constexpr size_t cached_inputs = 64;  // 224x224 RGB: 38 MB a spec

}  // namespace

NetworkBench::NetworkBench(InferenceRuntime& runtime, std::vector<NetworkSpec> networks,
                           const Workload& workload, std::vector<int64_t> order)
    : networks_(std::move(networks)), workload_(workload), order_(std::move(order)) {
  for (const int64_t n : order_) facts_.push_back(workload_.facts(n));
  for (const NetworkSpec& n : networks_) {
    models_.push_back(runtime.load(n, workload.classes()));
    specs_of_model_.emplace_back();
    for (const ImageSpec& image : n.images()) {
      const auto known = std::find(specs_.begin(), specs_.end(), image);
      specs_of_model_.back().push_back(static_cast<size_t>(known - specs_.begin()));
      if (known == specs_.end()) specs_.push_back(image);
    }
  }
}

const std::vector<NetworkInput>& NetworkBench::inputs_of(int64_t input) {
  const auto found = cache_.find(input);
  if (found != cache_.end()) return found->second;
  std::vector<NetworkInput> inputs;
  for (const ImageSpec& spec : specs_) inputs.push_back(workload_.network_input(place(input), spec));
  if (cached_.size() == cached_inputs) {
    cache_.erase(cached_.front());
    cached_.pop_front();
  }
  cached_.push_back(input);
  return cache_[input] = std::move(inputs);
}

std::string NetworkBench::input_id(int64_t input) const {
  return printable(workload_.input_id(place(input)));
}

void NetworkBench::feed(int64_t input) {
  if (input == fed_) return;
  const std::vector<NetworkInput>& inputs = inputs_of(input);
  for (size_t m = 0; m < models_.size(); ++m) {
    const std::vector<size_t>& specs = specs_of_model_[m];
    if (specs.size() == 1) {
      models_[m]->set_input(inputs[specs[0]]);
      continue;
    }
    ImagePerMember each;
    for (const size_t spec : specs) each.images.push_back(&input_of_kind<Image>(inputs[spec], "images"));
    models_[m]->set_input(each);
  }
  fed_ = input;
}

std::optional<Correctness> NetworkBench::judge(int model, int stage) {
  if (!judged(model)) return {};
  const int64_t n = place(fed_);
  if (stage < 1) return workload_.missed(n);
  const std::vector<float> scores = models_[static_cast<size_t>(model)]->scores(stage - 1);
  if (std::all_of(scores.begin(), scores.end(), [](float s) { return std::isfinite(s); }))
    return workload_.judge(n, scores);
  BadScores& bad = bad_scores_[model];
  if (bad.times++ == 0) bad.first_input = workload_.input_id(n);
  return workload_.missed(n);
}

std::vector<std::string> NetworkBench::problems() const {
  std::vector<std::string> all;
  for (const auto& [model, bad] : bad_scores_)
    all.push_back(
        fmt::format("network \"{}\": its scores were NaN or infinite {} times, first on input \"{}\", and "
                    "count as wrong there; "
                    "check its weights and its input (mean, scale)",
                    network(model).name, bad.times, bad.first_input));
  return all;
}

}  // namespace alertbench
