#include "live/network_bench.h"

#include <algorithm>

namespace alertbench {
namespace {

constexpr size_t cached_inputs = 64;  // 224x224 RGB: 38 MB a spec

}  // namespace

NetworkBench::NetworkBench(InferenceRuntime& runtime, std::vector<NetworkSpec> networks, const Workload& workload,
                           std::vector<int64_t> order)
    : networks_(std::move(networks)), workload_(workload), order_(std::move(order)) {
  for (const NetworkSpec& n : networks_) {
    models_.push_back(runtime.load(n, workload.classes()));
    const auto known = std::find(specs_.begin(), specs_.end(), n.input);
    spec_of_model_.push_back(static_cast<size_t>(known - specs_.begin()));
    if (known == specs_.end()) specs_.push_back(n.input);
  }
}

const std::vector<Image>& NetworkBench::images_of(int64_t input) {
  const auto found = cache_.find(input);
  if (found != cache_.end()) return found->second;
  std::vector<Image> images;
  for (const ImageSpec& spec : specs_) images.push_back(workload_.input(order_[static_cast<size_t>(input)], spec));
  if (cached_.size() == cached_inputs) {
    cache_.erase(cached_.front());
    cached_.pop_front();
  }
  cached_.push_back(input);
  return cache_[input] = std::move(images);
}

void NetworkBench::feed(int64_t input) {
  if (input == fed_) return;
  const std::vector<Image>& images = images_of(input);
  for (size_t m = 0; m < models_.size(); ++m) models_[m]->set_input(images[spec_of_model_[m]]);
  fed_ = input;
}

std::optional<Correctness> NetworkBench::judge(int model, int stage) const {
  if (!judged(model) || stage < 1) return {};
  const std::vector<float> scores = models_[static_cast<size_t>(model)]->scores(stage - 1);
  const int label = workload_.label(order_[static_cast<size_t>(fed_)]);
  const Judgement j = alertbench::judge(scores.data(), static_cast<int>(scores.size()), label);
  return Correctness{j.top1, j.top5};
}

}  // namespace alertbench
