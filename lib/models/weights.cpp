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
#include "models/tensor_pickle.h"

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

// What wrappers of training put into names: DataParallel, torch.compile, Fabric, FSDP, checkpointing of
// activations.
bool is_wrapper(const std::string& part) {
  return part == "module" || part == "_orig_mod" || part == "_forward_module" ||
         part == "_fsdp_wrapped_module" || part == "_checkpoint_wrapped_module";
}

std::string unwrapped(const std::string& stored) {
  std::string name;
  for (size_t at = 0; at <= stored.size();) {
    const size_t end = std::min(stored.find('.', at), stored.size());
    const std::string part = stored.substr(at, end - at);
    if (!is_wrapper(part)) name += (name.empty() ? "" : ".") + part;
    at = end + 1;
  }
  return name;
}

using Known = std::function<bool(const std::string& name)>;

struct Beginning {
  std::string text;  // with its dot
  bool complete = false;
};

// Behind which most names are known ("model." of a training script); empty where none is.
Beginning beginning_of_most(const std::vector<std::string>& names, const Known& known, size_t wanted,
                            const std::string& path) {
  std::map<std::string, size_t> counts;
  for (const std::string& name : names)
    for (size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1))
      if (known(name.substr(dot + 1))) ++counts[name.substr(0, dot + 1)];
  std::vector<std::string> complete;
  std::string best;
  for (const auto& [beginning, count] : counts) {
    if (count >= wanted) complete.push_back(printable_name(beginning));
    if (best.empty() || count > counts[best]) best = beginning;
  }
  if (complete.size() > 1)
    throw InputError(fmt::format("{}: contains the network's weights several times, as {}; save one of them",
                                 path, fmt::join(complete, ", ")));
  return {best, !complete.empty()};
}

// The network's names for the stored tensors, before `rule`; "" where one is passed over.
std::vector<std::string> names_of(const StateDictFile& file, const Weights& tensors, const NameRule& rule,
                                  const std::string& path) {
  std::vector<std::string> names;
  bool any_known = false;
  const Known known = [&](const std::string& name) { return tensors.count(rule(name)) != 0; };
  for (const StoredTensor& t : file.tensors()) {
    std::string name = known(t.name) ? t.name : unwrapped(t.name);
    if (name == "n_averaged" && !known(name)) name.clear();  // the count of torch.optim.swa_utils
    any_known = any_known || known(name);
    names.push_back(std::move(name));
  }
  if (any_known) return names;
  const Beginning beginning = beginning_of_most(names, known, tensors.size(), path);
  for (std::string& name : names) {
    if (name.compare(0, beginning.text.size(), beginning.text) == 0)
      name.erase(0, beginning.text.size());
    else if (beginning.complete)
      name.clear();  // of another module
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
                  const std::string& whose_names, const std::set<std::string>& with_background) {
  const StateDictFile file = StateDictFile::read(path);
  at::NoGradGuard no_grad;
  std::map<std::string, const StoredTensor*> found;
  std::vector<std::string> problems, unknown;
  bool missing = false, misshapen = false;
  const std::vector<std::string> names = names_of(file, tensors, rule, path);
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
    missing = missing || it == found.end();
    misshapen = misshapen || (!problem.empty() && it->second->shape != tensor.sizes().vec());
  }
  if (problems.empty() && unknown.empty()) return;
  const std::string remedy = missing || !unknown.empty() ? whose_names
                             : misshapen
                                 ? "make the network's \"config\" (\"classes\", sizes) that of the file"
                                 : "save them again, as sound floating-point numbers";
  const size_t left_out = cut(problems, most_listed / 2) + cut(unknown, most_listed / 2);
  problems.insert(problems.end(), unknown.begin(), unknown.end());
  throw InputError(fmt::format("{}: the weights do not fit the network: {}{}; {}", path,
                               fmt::join(problems, "; "),
                               left_out ? fmt::format("; and {} more", left_out) : "", remedy));
}

}  // namespace alertbench
