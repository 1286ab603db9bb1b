#include "training/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/script.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json_reader.h"
#include "models/torchscript_check.h"

namespace alertbench {
namespace {

using torch::Tensor;
using Entries = c10::Dict<std::string, Tensor>;

constexpr const char* format_name = "alert-train checkpoint 1";

Tensor as_tensor(const std::string& bytes) {
  Tensor t = torch::empty({static_cast<int64_t>(bytes.size())}, torch::kUInt8);
  std::copy(bytes.begin(), bytes.end(), t.data_ptr<uint8_t>());
  return t;
}

std::string as_bytes(const Tensor& t) {
  const Tensor bytes = t.contiguous();
  const uint8_t* data = bytes.data_ptr<uint8_t>();  // throws where the type is another
  return {data, data + bytes.numel()};
}

std::map<std::string, Tensor> tensors_of(const torch::nn::Module& module) {
  std::map<std::string, Tensor> all;
  for (const auto& p : module.named_parameters()) all.emplace("parameter " + p.key(), p.value().detach());
  for (const auto& b : module.named_buffers()) all.emplace("buffer " + b.key(), b.value().detach());
  return all;
}

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw InputError(fmt::format("{}: {}. Remove this checkpoint to start over.", path, why));
}

Entries read_entries(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || !std::filesystem::is_regular_file(path)) refuse(path, "cannot be read");
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Entries entries;
  try {
    for (const auto& entry : torch::pickle_load(bytes).toGenericDict())
      entries.insert(entry.key().toStringRef(), entry.value().toTensor());
    if (as_bytes(entries.at("format")) == format_name) return entries;
  } catch (const std::exception&) {
  }
  refuse(path, fmt::format("is not a checkpoint of this version of alert-train, or is truncated ({} bytes)",
                           bytes.size()));
}

std::string differences(const nlohmann::ordered_json& saved, const nlohmann::ordered_json& now) {
  std::vector<std::string> all;
  for (const auto& [key, value] : now.items())
    if (!saved.contains(key) || saved[key] != value)
      all.push_back(fmt::format("{}: checkpoint {}, now {}", key,
                                saved.contains(key) ? saved[key].dump() : "nothing", value.dump()));
  for (const auto& [key, value] : saved.items())
    if (!now.contains(key)) all.push_back(fmt::format("{}: checkpoint {}, now absent", key, value.dump()));
  return fmt::format("{}", fmt::join(all, "; "));
}

}  // namespace

void save_checkpoint(const std::string& path, const Checkpoint& checkpoint, const torch::nn::Module& module,
                     const torch::optim::Optimizer& optimizer) {
  Entries entries;
  entries.insert("format", as_tensor(format_name));
  entries.insert("settings", as_tensor(checkpoint.settings.dump()));
  entries.insert("log", as_tensor(checkpoint.log.dump()));
  entries.insert("step", torch::tensor(checkpoint.step, torch::kLong));
  entries.insert("random", at::detail::getDefaultCPUGenerator().get_state());
  for (const auto& [name, tensor] : checkpoint.state)
    entries.insert("state " + name, tensor.detach().contiguous());
  for (const auto& [name, tensor] : tensors_of(module)) entries.insert(name, tensor.contiguous());
  std::ostringstream optimizer_bytes;
  torch::save(optimizer, optimizer_bytes);
  entries.insert("optimizer", as_tensor(optimizer_bytes.str()));
  const std::vector<char> bytes = torch::pickle_save(entries);
  write_file_atomically(path, {bytes.data(), bytes.size()});
}

Checkpoint load_checkpoint(const std::string& path, const nlohmann::ordered_json& settings,
                           torch::nn::Module& module, torch::optim::Optimizer& optimizer) {
  const Entries entries = read_entries(path);
  Checkpoint checkpoint;
  try {
    checkpoint.settings = parse_json<nlohmann::ordered_json>(as_bytes(entries.at("settings")),
                                                             path + ": settings", written_by_hand);
    checkpoint.log =
        parse_json<nlohmann::ordered_json>(as_bytes(entries.at("log")), path + ": log", written_by_hand);
    checkpoint.step = entries.at("step").item<int64_t>();
    for (const auto& entry : entries)
      if (entry.key().rfind("state ", 0) == 0) checkpoint.state.emplace(entry.key().substr(6), entry.value());
  } catch (const std::exception&) {
    refuse(path, "is an incomplete checkpoint");
  }
  const std::string others = differences(checkpoint.settings, settings);
  if (!others.empty())
    refuse(path,
           "belongs to a training with other settings (" + others + "); use the same ones to continue it");
  const auto tensors = tensors_of(module);
  for (const auto& [name, tensor] : tensors)
    if (!entries.contains(name) || entries.at(name).sizes() != tensor.sizes() ||
        entries.at(name).dtype() != tensor.dtype())
      refuse(path, fmt::format("does not match the network at {}", name));

  torch::NoGradGuard no_grad;
  try {
    std::istringstream optimizer_bytes(as_bytes(entries.at("optimizer")));
    check_torchscript(optimizer_bytes, path + ": ");  // the format is TorchScript's, which can hold code
    optimizer_bytes.clear();
    optimizer_bytes.seekg(0);
    torch::load(optimizer, optimizer_bytes);
    at::Generator random = at::detail::getDefaultCPUGenerator();
    random.set_state(entries.at("random"));
  } catch (const std::exception&) {
    refuse(path, "contains an optimiser or random state that LibTorch cannot read");
  }
  for (const auto& [name, tensor] : tensors) Tensor(tensor).copy_(entries.at(name));
  return checkpoint;
}

}  // namespace alertbench
