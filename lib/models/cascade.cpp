#include "models/cascade.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace alertbench {
namespace {

constexpr double sum_tolerance = 1e-4;  // a softmax of 1000 scores in single precision is off by 1e-6

bool are_probabilities(const std::vector<float>& scores) {
  const double sum = std::accumulate(scores.begin(), scores.end(), 0.0);
  return std::abs(sum - 1) < sum_tolerance &&
         std::all_of(scores.begin(), scores.end(), [](float s) { return s >= 0; });
}

int blocks_in_all(const StagedModel& member) {
  int blocks = 0;
  for (int stage = 0; stage < member.stages(); ++stage) blocks += member.blocks(stage);
  return blocks;
}

}  // namespace

Cascade::Cascade(std::vector<std::unique_ptr<StagedModel>> members, CascadeAnswer answer)
    : members_(std::move(members)), answer_(answer) {}

int Cascade::blocks(int stage) const { return blocks_in_all(*members_[static_cast<size_t>(stage)]); }

void Cascade::set_input(const NetworkInput& input) {
  parts_.clear();
  if (const auto* own = std::get_if<ImagePerMember>(&input)) {
    if (own->images.size() != members_.size())
      throw InputError(
          fmt::format("{} images for a cascade of {} networks", own->images.size(), members_.size()));
    for (size_t m = 0; m < members_.size(); ++m) members_[m]->set_input(*own->images[m]);
    return;
  }
  for (const auto& member : members_) member->set_input(input);
  if (const auto* question = std::get_if<TokenWindows>(&input))
    for (const TokenWindow& window : question->windows)
      for (const int starts_or_ends : {0, 1}) parts_.push_back({window.ids.size(), starts_or_ends});
}

void Cascade::run_block(int stage, int block) {
  if (stage == 0 && block == 0) finished_ = 0;
  StagedModel& member = *members_[static_cast<size_t>(stage)];
  int own_stage = 0;
  for (; block >= member.blocks(own_stage); ++own_stage) block -= member.blocks(own_stage);
  member.run_block(own_stage, block);
  if (own_stage + 1 == member.stages() && block + 1 == member.blocks(own_stage)) finished_ = stage + 1;
}

bool Cascade::blocks_done_at_return() const {
  return std::all_of(members_.begin(), members_.end(),
                     [](const auto& member) { return member->blocks_done_at_return(); });
}

std::vector<float> Cascade::scores(int stage) const {
  const auto of_member = [this](int m) {
    const StagedModel& member = *members_[static_cast<size_t>(m)];
    return member.scores(member.stages() - 1);
  };
  if (answer_ == CascadeAnswer::last || stage == 0) return of_member(stage);
  std::vector<std::vector<double>> logs;  // [member][score]
  for (int m = 0; m <= stage; ++m) {
    logs.push_back(log_probabilities(of_member(m)));
    if (logs.back().size() != logs[0].size())
      throw RunError(fmt::format("network {} of a cascade gives {} scores, network 1 gives {}", m + 1,
                                 logs.back().size(), logs[0].size()));
  }
  std::vector<float> mean;
  for (size_t i = 0; i < logs[0].size(); ++i) {
    double most = logs[0][i], sum = 0;
    for (const std::vector<double>& one : logs) most = std::max(most, one[i]);
    for (const std::vector<double>& one : logs) sum += std::exp(one[i] - most);
    mean.push_back(static_cast<float>(most + std::log(sum / (stage + 1))));
  }
  return mean;
}

std::vector<double> Cascade::log_probabilities(const std::vector<float>& scores) const {
  std::vector<double> logs(scores.begin(), scores.end());
  if (!std::all_of(scores.begin(), scores.end(), [](float s) { return std::isfinite(s); })) {
    std::fill(logs.begin(), logs.end(), std::numeric_limits<double>::quiet_NaN());
    return logs;
  }
  if (parts_.empty() && are_probabilities(scores)) {
    for (double& p : logs) p = std::log(std::max(p, double{std::numeric_limits<float>::denorm_min()}));
    return logs;
  }
  const std::vector<Part> parts = parts_.empty() ? std::vector<Part>{{scores.size(), 0}} : parts_;
  size_t expected = 0;
  for (const Part& part : parts) expected += part.scores;
  if (scores.size() != expected)
    throw RunError(fmt::format("a network of a cascade gives {} scores for {} starts and ends of an answer",
                               scores.size(), expected));
  const auto for_all = [&](const auto& action) {
    size_t at = 0;
    for (const Part& part : parts)
      for (const size_t end = at + part.scores; at < end; ++at)
        action(logs[at], static_cast<size_t>(part.distribution));
  };
  std::array<double, 2> most{-infinity, -infinity}, sum{0, 0};
  for_all([&](double score, size_t d) { most[d] = std::max(most[d], score); });
  for_all([&](double score, size_t d) { sum[d] += std::exp(score - most[d]); });
  for_all([&](double& score, size_t d) { score -= most[d] + std::log(sum[d]); });
  return logs;
}

std::optional<double> Cascade::device_time_s(int stage) const {
  if (stage >= finished_) return {};
  double sum_s = 0;
  for (int m = 0; m <= stage; ++m) {
    const StagedModel& member = *members_[static_cast<size_t>(m)];
    const std::optional<double> time_s = member.device_time_s(member.stages() - 1);
    if (!time_s) return {};
    sum_s += *time_s;
  }
  return sum_s;
}

std::optional<bool> Cascade::prepacked() const {
  std::optional<bool> all;
  for (const auto& member : members_)
    if (const std::optional<bool> own = member->prepacked()) all = all.value_or(true) && *own;
  return all;
}

}  // namespace alertbench
