#include "models/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <map>
#include <vector>

#include "core/error.h"
#include "models/state_dict_file.h"

namespace alertbench {
namespace {

constexpr size_t most_listed = 20;

at::ScalarType scalar_type(NumberType type) {
  switch (type) {
    case NumberType::float64: return at::kDouble;
    case NumberType::float32: return at::kFloat;
    case NumberType::float16: return at::kHalf;
    case NumberType::bfloat16: return at::kBFloat16;
    case NumberType::integer: break;
  }
  return at::kLong;
}

// A copy: in the file numbers may lie at any byte.
at::Tensor tensor_of(const StoredTensor& stored) {
  const at::ScalarType type = scalar_type(stored.type);
  const at::Tensor numbers = at::empty({static_cast<int64_t>(stored.data.size() / c10::elementSize(type))}, type);
  std::memcpy(numbers.data_ptr(), stored.data.data(), stored.data.size());
  return numbers.as_strided(stored.shape, stored.stride);
}

// What keeps `stored` from becoming `tensor`; empty where it was copied.
std::string copy(const StoredTensor& stored, at::Tensor tensor) {
  if (stored.shape != tensor.sizes().vec())
    return fmt::format("shape [{}], needed [{}]", fmt::join(stored.shape, ", "), fmt::join(tensor.sizes().vec(), ", "));
  if (stored.type == NumberType::integer) return "whole numbers, needed floating-point ones";
  const at::Tensor values = tensor_of(stored);
  if (!at::isfinite(values).all().item<bool>()) return "holds NaN or infinity";
  tensor.copy_(values);
  return {};
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

std::string same_name(const std::string& stored) { return ends_with(stored, ".num_batches_tracked") ? "" : stored; }

void fill_weights(const Weights& tensors, const std::string& path, const NameRule& rule) {
  const StateDictFile file = StateDictFile::read(path);
  at::NoGradGuard no_grad;
  std::map<std::string, const StoredTensor*> found;
  std::vector<std::string> problems, unknown;
  for (const StoredTensor& stored : file.tensors()) {
    const std::string name = rule(stored.name);
    if (name.empty()) continue;
    if (!tensors.count(name))
      unknown.push_back("unknown: " + stored.name);
    else if (const auto [first, is_new] = found.emplace(name, &stored); !is_new)
      unknown.push_back(fmt::format("twice: {}, as {} and as {}", name, first->second->name, stored.name));
  }
  for (const auto& [name, tensor] : tensors) {
    const auto it = found.find(name);
    const std::string problem = it != found.end() ? copy(*it->second, tensor) : "";
    if (it == found.end()) problems.push_back("missing: " + name);
    if (!problem.empty()) problems.push_back(name + ": " + problem);
  }
  problems.insert(problems.end(), unknown.begin(), unknown.end());
  if (problems.empty()) return;
  const size_t left_out = problems.size() > most_listed ? problems.size() - most_listed : 0;
  problems.resize(problems.size() - left_out);
  throw InputError(fmt::format("{}: the weights do not fit the network:\n  {}{}", path, fmt::join(problems, "\n  "),
                               left_out ? fmt::format("\n  and {} more", left_out) : ""));
}

}  // namespace alertbench
