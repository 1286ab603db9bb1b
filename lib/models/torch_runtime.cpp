// The module's side of inference_runtime.h.
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <torch/script.h>
#include <torch/torch.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "models/bert.h"
#include "models/compiled_resnet.h"
#include "models/inference_runtime.h"
#include "models/layer_network.h"
#include "models/lstm_network.h"
#include "models/striped_resnet.h"
#include "models/torchscript_model.h"

namespace alertbench {
namespace {

using nlohmann::ordered_json;

std::string string_from(const char* symbol) {
  using Getter = const char* (*)();
  const auto get = reinterpret_cast<Getter>(dlsym(RTLD_DEFAULT, symbol));
  return get ? get() : "";
}

ordered_json or_null(const std::string& text) { return text.empty() ? ordered_json(nullptr) : ordered_json(text); }

// One run on a flat image: do the scores have the size that the labels need?
void check_output(StagedModel& model, const NetworkSpec& spec, int classes) {
  Image image;
  image.channels = spec.input.channels;
  image.height = spec.input.height;
  image.width = spec.input.width;
  image.chw.assign(static_cast<size_t>(image.channels * image.height * image.width), 0.0f);
  model.set_input(image);
  for (int stage = 0; stage < model.stages(); ++stage) {
    for (int block = 0; block < model.blocks(stage); ++block) model.run_block(stage, block);
    const size_t scores = model.scores(stage).size();
    if (scores != static_cast<size_t>(classes))
      throw InputError(fmt::format("{}: network \"{}\" gives {} scores, but the data has {} classes (0..{}); use a network "
                                   "trained for these labels", spec.weights.empty() ? "network file" : spec.weights,
                                   spec.name, scores, classes, classes - 1));
  }
}

class TorchRuntime : public InferenceRuntime {
 public:
  TorchRuntime(int threads, const std::string& device) : threads_asked_(threads), device_(device) {
    at::set_num_threads(threads);
    if (device == "cuda" && !torch::cuda::is_available())
      throw EnvironmentError(fmt::format(
          "device cuda: LibTorch {} sees no GPU. It takes an NVIDIA GPU with its driver (`nvidia-smi` lists it), and a LibTorch that is built "
          "for CUDA; Debian's is built for the processor only: build with CMAKE_PREFIX_PATH=/path/to/libtorch of an official CUDA archive",
          TORCH_VERSION));
  }

  std::unique_ptr<StagedModel> load(const NetworkSpec& spec, int classes) override {
    std::unique_ptr<StagedModel> model;
    if (device_ != "cpu" && spec.architecture != "torchscript")
      throw InputError(fmt::format("network \"{}\": architecture \"{}\" is made for the processor; on {} run TorchScript networks, or choose "
                                   "--device cpu", spec.name, spec.architecture, device_));
    if (spec.architecture == "lstm") {
      if (spec.lstm.vocabulary != classes)
        throw InputError(fmt::format("network \"{}\" knows {} words, but the data has {}; use the data it was trained on",
                                     spec.name, spec.lstm.vocabulary, classes));
      torch::manual_seed(spec.random_seed);
      StripedLstm net(spec.lstm);
      if (!spec.random_weights()) load_weights(*net, spec.weights);
      return compile(net);
    }
    if (spec.architecture == "bert")
      return std::make_unique<BertReader>(
          spec.bert, spec.random_weights() ? random_weights(spec.bert, spec.random_seed) : read_weights(spec.bert, spec.weights));
    if (spec.architecture == "torchscript") {
      model = load_torchscript(spec, device_);
    } else if (spec.architecture == "zoo") {
      const zoo::Architecture net = spec.zoo.architecture();
      model = compile(net, spec.random_weights() ? random_weights(net, spec.random_seed) : read_weights(net, spec.weights));
    } else {
      torch::manual_seed(spec.random_seed);
      StripedResnet net(spec.resnet);
      if (!spec.random_weights()) load_weights(*net, spec.weights);
      net->eval();
      model = compile(net);
    }
    check_output(*model, spec, classes);
    return model;
  }

  ordered_json facts() const override {
    ordered_json warnings = ordered_json::array();
    const std::string kernel = string_from("openblas_get_corename"), config = string_from("openblas_get_config");
    if (config.empty())
      warnings.push_back("no OpenBLAS found (a reference BLAS is up to 30 times slower): apt-get install libopenblas0-openmp");
    else if (kernel == "Prescott" || kernel == "Core2" || kernel == "Nehalem")
      warnings.push_back(fmt::format("OpenBLAS runs its slow kernel \"{}\"; set OPENBLAS_CORETYPE={}", kernel,
                                     best_blas_kernel()));
    if (at::get_num_threads() != threads_asked_)
      warnings.push_back(fmt::format("asked for {} threads, LibTorch uses {}", threads_asked_, at::get_num_threads()));
    return {{"libtorch", TORCH_VERSION},
            {"onednn", at::hasMKLDNN()},
            {"blas", or_null(config)},
            {"blas_kernel", or_null(kernel)},
            {"threads", at::get_num_threads()},
            {"device", device_},
            {"cuda_devices", torch::cuda::device_count()},
            {"warnings", warnings}};
  }

 private:
  int threads_asked_;
  std::string device_;
};

}  // namespace
}  // namespace alertbench

extern "C" __attribute__((visibility("default"))) alertbench::InferenceRuntime* alert_make_inference_runtime(int threads, const char* device) {
  return new alertbench::TorchRuntime(threads, device);
}
