#include "workloads/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "base/random.h"

namespace alertbench {

bool ImageSpec::operator==(const ImageSpec& other) const {
  const auto key = [](const ImageSpec& s) {
    return std::tie(s.channels, s.height, s.width, s.mean, s.scale, s.resize, s.crop);
  };
  return key(*this) == key(other);
}

Workload::~Workload() = default;

std::vector<int64_t> Workload::order(int64_t count, uint64_t seed) const {
  return sample_order(size(), count, seed);
}

Correctness ImageWorkload::judge(int64_t n, const std::vector<float>& scores) const {
  const Judgement j = alertbench::judge(scores.data(), static_cast<int>(scores.size()), label(n));
  return {j.top1, j.top5, {}, {}};
}

Correctness ImageWorkload::missed(int64_t) const { return {false, false, {}, {}}; }

Judgement judge(const float* scores, int classes, int label) {
  if (label < 0 || label >= classes) return {};
  if (std::any_of(scores, scores + classes, [](float s) { return std::isnan(s); })) return {};
  int better = 0;
  for (int c = 0; c < classes; ++c) {
    if (scores[c] > scores[label] || (scores[c] == scores[label] && c < label)) ++better;
  }
  return {better < 1, better < 5};
}

std::vector<int64_t> sample_order(int64_t size, int64_t count, uint64_t seed) {
  if (size < 1 || count < 0) throw InputError(fmt::format("cannot draw {} inputs from {}", count, size));
  Random random(seed);
  std::vector<int64_t> all(static_cast<size_t>(size));
  std::vector<int64_t> order;
  order.reserve(static_cast<size_t>(count));
  while (static_cast<int64_t>(order.size()) < count) {
    std::iota(all.begin(), all.end(), 0);
    for (size_t i = all.size() - 1; i > 0; --i) std::swap(all[i], all[random.below(i + 1)]);
    const auto take = std::min(all.size(), static_cast<size_t>(count) - order.size());
    order.insert(order.end(), all.begin(), all.begin() + static_cast<std::ptrdiff_t>(take));
  }
  return order;
}

}  // namespace alertbench
