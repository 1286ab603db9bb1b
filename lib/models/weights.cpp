#include "models/weights.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "base/error.h"
#include "models/state_dict_file.h"

namespace alertbench {
namespace {

constexpr size_t most_listed = 20;

at::ScalarType scalar_type(NumberType type) {
  switch (type) {
    case NumberType::float64:
      return at::kDouble;
    case NumberType::float32:
      return at::kFloat;
    case NumberType::float16:
      return at::kHalf;
    case NumberType::bfloat16:
      return at::kBFloat16;
    case NumberType::integer:
      break;
  }
  return at::kLong;
}

// A copy: in the file numbers may lie at any byte.
at::Tensor tensor_of(const StoredTensor& stored) {
  const at::ScalarType type = scalar_type(stored.type);
  const at::Tensor numbers =
      at::empty({static_cast<int64_t>(stored.data.size() / c10::elementSize(type))}, type);
  std::memcpy(numbers.data_ptr(), stored.data.data(), stored.data.size());
  return numbers.as_strided(stored.shape, stored.stride);
}

// What keeps `stored` from becoming `tensor`; empty where it was copied.
std::string copy(const StoredTensor& stored, at::Tensor tensor, bool with_background) {
  std::vector<int64_t> wanted = tensor.sizes().vec();
  if (with_background) ++wanted.at(0);
  const bool background = with_background && stored.shape == wanted;
  if (!background && stored.shape != tensor.sizes().vec())
    return fmt::format("shape [{}], expected [{}]", fmt::join(stored.shape, ", "),
                       fmt::join(tensor.sizes().vec(), ", "));
  if (stored.type == NumberType::integer) return "whole numbers, expected floating-point ones";
  const at::Tensor values = tensor_of(stored);
  if (!at::isfinite(values).all().item<bool>()) return "contains NaN or infinity";
  tensor.copy_(background ? values.narrow(0, 1, tensor.size(0)) : values);
  return {};
}

// Without what wrappers of training put into names: DataParallel ("module."), torch.compile ("_orig_mod.").
std::string unwrapped(const std::string& stored) {
  std::string name;
  for (size_t at = 0; at <= stored.size();) {
    const size_t end = std::min(stored.find('.', at), stored.size());
    const std::string part = stored.substr(at, end - at);
    if (part != "module" && part != "_orig_mod") name += (name.empty() ? "" : ".") + part;
    at = end + 1;
  }
  return name;
}

// What all names begin with up to their first dot, with the dot; empty where they differ.
std::string common_beginning(const std::vector<std::string>& names) {
  std::string common;
  for (const std::string& name : names) {
    if (name.empty()) continue;
    if (common.empty()) common = name.substr(0, name.find('.') + 1);  // nothing where there is no dot
    if (common.empty() || name.compare(0, common.size(), common) != 0) return {};
  }
  return common;
}

// The network's names for the stored tensors, before `rule`; "" where one is passed over. What the network
// does not know as it is has wrappers taken off; where it knows none then, what all begin with ("model." of a
// training script).
std::vector<std::string> names_of(const StateDictFile& file, const Weights& tensors, const NameRule& rule) {
  std::vector<std::string> names;
  bool any_known = false;
  const auto known = [&](const std::string& name) { return tensors.count(rule(name)) != 0; };
  for (const StoredTensor& t : file.tensors()) {
    std::string name = known(t.name) ? t.name : unwrapped(t.name);
    if (name == "n_averaged" && !known(name)) name.clear();  // the count of torch.optim.swa_utils
    any_known = any_known || known(name);
    names.push_back(std::move(name));
  }
  while (!any_known) {
    const std::string common = common_beginning(names);
    if (common.empty()) break;
    for (std::string& name : names) {
      if (!name.empty()) name.erase(0, common.size());
      any_known = any_known || known(name);
    }
  }
  return names;
}

// The first of them; returns how many there are more.
size_t cut(std::vector<std::string>& problems, size_t most) {
  const size_t left_out = problems.size() > most ? problems.size() - most : 0;
  problems.resize(problems.size() - left_out);
  return left_out;
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

std::string same_name(const std::string& stored) {
  return ends_with(stored, ".num_batches_tracked") ? "" : stored;
}

void fill_weights(const Weights& tensors, const std::string& path, const NameRule& rule,
                  const std::set<std::string>& with_background) {
  const StateDictFile file = StateDictFile::read(path);
  at::NoGradGuard no_grad;
  std::map<std::string, const StoredTensor*> found;
  std::vector<std::string> problems, unknown;
  const std::vector<std::string> names = names_of(file, tensors, rule);
  for (size_t i = 0; i < names.size(); ++i) {
    const StoredTensor& stored = file.tensors()[i];
    const std::string name = names[i].empty() ? "" : rule(names[i]);
    if (name.empty()) continue;
    if (!tensors.count(name))
      unknown.push_back("unknown: " + stored.name);
    else if (const auto [first, is_new] = found.emplace(name, &stored); !is_new)
      unknown.push_back(
          fmt::format("duplicate: {}, as {} and as {}", name, first->second->name, stored.name));
  }
  for (const auto& [name, tensor] : tensors) {
    const auto it = found.find(name);
    const std::string problem =
        it != found.end() ? copy(*it->second, tensor, with_background.count(name)) : "";
    if (it == found.end()) problems.push_back("missing: " + name);
    if (!problem.empty()) problems.push_back(name + ": " + problem);
  }
  if (problems.empty() && unknown.empty()) return;
  const size_t left_out = cut(problems, most_listed / 2) + cut(unknown, most_listed / 2);
  problems.insert(problems.end(), unknown.begin(), unknown.end());
  throw InputError(fmt::format("{}: the weights do not fit the network: {}{}", path,
                               fmt::join(problems, "; "),
                               left_out ? fmt::format("; and {} more", left_out) : ""));
}

}  // namespace alertbench
