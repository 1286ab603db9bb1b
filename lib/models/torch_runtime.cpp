// The module's side of inference_runtime.h.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <link.h>
#include <torch/script.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/random.h"
#include "models/aotinductor_model.h"
#include "models/bert.h"
#include "models/cascade.h"
#include "models/compiled_resnet.h"
#include "models/cuda_runtime.h"
#include "models/device_model.h"
#include "models/gpu_load.h"
#include "models/inference_runtime.h"
#include "models/layer_network.h"
#include "models/lstm_network.h"
#include "models/network_memory.h"
#include "models/prepacked_conv.h"
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

ordered_json or_null(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

// The libraries of OpenMP that are loaded, by path. Two of them do not know of each other's threads.
std::vector<std::string> openmp_runtimes() {
  std::vector<std::string> found;
  const auto look = [](dl_phdr_info* library, size_t, void* list) {
    const std::string path = library->dlpi_name, name = path.substr(path.rfind('/') + 1);
    for (const char* runtime : {"libgomp", "libiomp", "libomp."})
      if (name.rfind(runtime, 0) == 0) static_cast<std::vector<std::string>*>(list)->push_back(path);
    return 0;
  };
  dl_iterate_phdr(look, &found);
  return found;
}

// How LibTorch says that it was built, without its heading.
std::vector<std::string> libtorch_build() {
  std::vector<std::string> lines;
  std::istringstream text(at::show_config());
  for (std::string line; std::getline(text, line);)
    if (line.rfind("  - ", 0) == 0) lines.push_back(line.substr(4));
  return lines;
}

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 10)
bool tf32_in_convolutions() {
  return at::globalContext().float32Precision(at::Float32Backend::CUDA, at::Float32Op::CONV) ==
         at::Float32Precision::TF32;
}
bool tf32_in_matrix_products() {
  return at::globalContext().float32Precision(at::Float32Backend::CUDA, at::Float32Op::MATMUL) ==
         at::Float32Precision::TF32;
}
#else  // these warn, or refuse, beside the settings above
bool tf32_in_convolutions() { return at::globalContext().allowTF32CuDNN(); }
bool tf32_in_matrix_products() { return at::globalContext().allowTF32CuBLAS(); }
#endif

void require_gpu() {
  if (!torch::cuda::is_available())
    throw EnvironmentError(
        fmt::format("device cuda: LibTorch {} sees no GPU. It takes an NVIDIA GPU with its driver "
                    "(`nvidia-smi` lists it), and a LibTorch that is "
                    "built for CUDA; Debian's is built for the processor only: build with "
                    "CMAKE_PREFIX_PATH=/path/to/libtorch of an official CUDA archive",
                    TORCH_VERSION));
}

// Grey noise as the network wants its images.
Image noise(const ImageSpec& spec) {
  Random random(1);
  Image image{spec.channels, spec.height, spec.width, {}};
  for (int c = 0; c < spec.channels; ++c)
    for (int i = 0; i < spec.height * spec.width; ++i)
      image.chw.push_back((static_cast<float>(random.below(256)) - spec.mean[static_cast<size_t>(c)]) *
                          spec.scale[static_cast<size_t>(c)]);
  return image;
}

std::vector<float> run_stage(StagedModel& model, int stage) {
  for (int block = 0; block < model.blocks(stage); ++block) model.run_block(stage, block);
  return model.scores(stage);
}

// Do the scores have the size that the labels need, are they numbers, and the same when the network runs
// again? The last is a warning: such a network may be meant.
void check_output(StagedModel& model, const NetworkSpec& spec, int classes,
                  std::vector<std::string>& warnings) {
  const std::string file = spec.weights.empty() ? "network file" : spec.weights;
  model.set_input(noise(spec.input));
  std::vector<std::vector<float>> first;
  for (int stage = 0; stage < model.stages(); ++stage) {
    const std::vector<float> scores = run_stage(model, stage);
    if (scores.size() != static_cast<size_t>(classes))
      throw InputError(fmt::format(
          "{}: network \"{}\" gives {} scores, but the data has {} classes (0..{}); use a network "
          "trained for these labels",
          file, spec.name, scores.size(), classes, classes - 1));
    const auto bad = std::find_if(scores.begin(), scores.end(), [](float s) { return !std::isfinite(s); });
    if (bad != scores.end() && !spec.random_weights())
      throw InputError(
          fmt::format("{}: network \"{}\": scores are NaN or infinite (class {}: {}) on an image of noise; "
                      "check its weights and its "
                      "input (mean, scale)",
                      file, spec.name, bad - scores.begin(), *bad));
    first.push_back(scores);
  }
  for (int stage = 0; stage < model.stages(); ++stage) {
    const std::vector<float> again = run_stage(model, stage);
    float most = 0, difference = 0;
    for (size_t i = 0; i < again.size(); ++i) {
      most = std::max({most, std::abs(again[i]), std::abs(first[static_cast<size_t>(stage)][i])});
      difference = std::max(difference, std::abs(again[i] - first[static_cast<size_t>(stage)][i]));
    }
    if (!(difference > 1e-3f * most)) continue;  // sums in another order differ by less
    warnings.push_back(
        fmt::format("network \"{}\": two runs on one input gave different scores (by {:.3g} of {:.3g}): {} "
                    "was saved in training "
                    "mode (dropout), or draws random numbers; call `model.eval()` before `torch.jit.trace`",
                    spec.name, difference, most, file));
    return;
  }
}

size_t count_threads() {  // of this process
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}));
}

class TorchRuntime : public InferenceRuntime {
 public:
  TorchRuntime(int threads, const std::string& device) : threads_asked_(threads), device_name_(device) {
    at::set_num_threads(threads);
    if (device == "cuda") {
      require_gpu();
      device_ = ComputeDevice(at::Device(at::kCUDA, 0));
      cuda_ = CudaRuntime::find();
    }
  }

  std::unique_ptr<StagedModel> load(const NetworkSpec& spec, int classes) override {
    if (!spec.is_cascade()) return load_alone(spec, classes, false);
    check_memory(spec);
    std::vector<std::unique_ptr<StagedModel>> members;
    for (const auto& member : spec.members) members.push_back(load_alone(*member, classes, true));
    return std::make_unique<Cascade>(std::move(members), spec.cascade.answer);
  }

  ordered_json facts() const override {
    ordered_json warnings = ordered_json::array();
    // MKL is a part of LibTorch where it has one; what else is loaded is of no use to it then.
    const std::string kernel = at::hasMKL() ? "" : string_from("openblas_get_corename"),
                      blas = at::hasMKL() ? at::get_mkl_version() : string_from("openblas_get_config");
    const std::vector<std::string> openmp = openmp_runtimes();
    if (openmp.size() > 1 && !runs_packages_)  // which bring one along, and tell it the number of threads
      warnings.push_back(fmt::format(
          "several OpenMP runtimes are loaded, whose threads disturb each other: {}; build again in a new "
          "folder, and preload none of them (LD_PRELOAD)",
          fmt::join(openmp, ", ")));
    if (blas.empty())
      warnings.push_back(
          "no OpenBLAS found (a reference BLAS is up to 30 times slower): apt-get install "
          "libopenblas0-openmp");
    else if (kernel == "Prescott" || kernel == "Core2" || kernel == "Nehalem")
      warnings.push_back(fmt::format("OpenBLAS runs its slow kernel \"{}\"; set OPENBLAS_CORETYPE={}", kernel,
                                     best_blas_kernel()));
    if (at::get_num_threads() != threads_asked_)
      warnings.push_back(
          fmt::format("requested {} threads, but LibTorch uses {}", threads_asked_, at::get_num_threads()));
    const bool on_gpu = device_.device().is_cuda();
    if (on_gpu && !cuda_)
      warnings.push_back(
          "no CUDA runtime (libcudart) among the loaded libraries: the GPU's own times are unknown, and so "
          "is its name");
    ordered_json facts = {{"libtorch", TORCH_VERSION},
                          {"onednn", at::hasMKLDNN()},
                          {"convolutions", convolution_way()},
                          {"libtorch_build", libtorch_build()},
                          {"blas", or_null(blas)},
                          {"blas_kernel", or_null(kernel)},
                          {"openmp", openmp},
                          {"threads", at::get_num_threads()},
                          {"device", device_name_},
                          {"cuda_devices", torch::cuda::device_count()}};
    if (on_gpu) facts["gpu"] = gpu_facts();
    if (!not_prepacked_.empty())
      warnings.push_back(
          fmt::format("LibTorch {} cannot rearrange weights for oneDNN: convolutions of {} are plain, and "
                      "slower than with "
                      "a LibTorch that can",
                      TORCH_VERSION, fmt::join(not_prepacked_, ", ")));
    for (const std::string& w : network_warnings_)  // a member of a cascade may also be loaded alone
      if (std::find(warnings.begin(), warnings.end(), w) == warnings.end()) warnings.push_back(w);
    facts["warnings"] = warnings;
    return facts;
  }

 private:
  std::unique_ptr<StagedModel> load_alone(const NetworkSpec& spec, int classes, bool of_cascade) {
    return named_failures(device_.device(), spec.name,
                          [&] { return load_and_check(spec, classes, of_cascade); });
  }

  std::unique_ptr<StagedModel> load_and_check(const NetworkSpec& spec, int classes, bool of_cascade) {
    check_memory(spec);
    const size_t threads_before = count_threads();
    std::unique_ptr<StagedModel> model = load_network(spec, classes);
    model = device_.device().is_cpu()
                ? on_processor(std::move(model), spec.name)
                : on_device(std::move(model), spec.name, device_.device(), cuda_, of_cascade);
    if (spec.architecture != "lstm" && spec.architecture != "bert")
      check_output(*model, spec, classes, network_warnings_);
    if (!model->prepacked().value_or(true)) not_prepacked_.insert(spec.name);
    if (spec.native_code()) note_package(spec, count_threads() - threads_before);
    return model;
  }

  // `started`: threads that its first runs started. One pool of LibTorch's and one of the compiler's OpenMP
  // are what it takes.
  void note_package(const NetworkSpec& spec, size_t started) {
    runs_packages_ = true;
    if (started > 2 * static_cast<size_t>(threads_asked_ - 1))
      network_warnings_.push_back(
          fmt::format("network \"{}\": {} started {} threads beside its own, though {} are requested: it was "
                      "compiled for so many; compile it after `torch.set_num_threads({})`",
                      spec.name, spec.weights, started, threads_asked_, threads_asked_));
  }

  // Random weights are drawn on the processor whatever the device, so that they are the same everywhere.
  std::unique_ptr<StagedModel> load_network(const NetworkSpec& spec, int classes) {
    if (spec.architecture == "lstm") {
      if (spec.lstm.vocabulary != classes)
        throw InputError(
            fmt::format("network \"{}\" knows {} words, but the data has {}; use the data it was trained on",
                        spec.name, spec.lstm.vocabulary, classes));
      torch::manual_seed(spec.random_seed);
      StripedLstm net(spec.lstm);
      if (!spec.random_weights()) load_weights(*net, spec.weights);
      return compile(net, device_);
    }
    if (spec.architecture == "bert")
      return std::make_unique<BertReader>(spec.bert,
                                          spec.random_weights() ? random_weights(spec.bert, spec.random_seed)
                                                                : read_weights(spec.bert, spec.weights),
                                          device_);
    if (spec.architecture == "torchscript") return load_torchscript(spec, device_, &network_warnings_);
    if (spec.architecture == "aotinductor") return load_aotinductor(spec, device_);
    if (spec.architecture == "zoo") {
      const zoo::Architecture net = spec.zoo.architecture();
      return compile(
          net,
          spec.random_weights() ? random_weights(net, spec.random_seed) : read_weights(net, spec.weights),
          device_);
    }
    torch::manual_seed(spec.random_seed);
    StripedResnet net(spec.resnet);
    if (!spec.random_weights()) load_weights(*net, spec.weights);
    net->eval();
    return compile(net, device_);
  }

  // LibTorch's defaults are left alone: TF32 (10 bits of mantissa on the tensor cores of Ampere and later) in
  // convolutions but not in matrix products, and algorithms of cuDNN chosen by its heuristic, not by trying
  // them out, so that every run takes the same ones.
  ordered_json gpu_facts() const {
    const at::Context& context = at::globalContext();
    ordered_json gpu =
        cuda_ ? cuda_->gpu_facts()
              : ordered_json{{"name", nullptr}, {"memory_bytes", nullptr}, {"pci_bus_id", nullptr}};
    gpu["cudart"] =
        at::Context::hasCUDART() ? ordered_json(at::Context::versionCUDART()) : ordered_json(nullptr);
    gpu["cudnn"] =
        at::Context::hasCuDNN() ? ordered_json(at::Context::versionCuDNN()) : ordered_json(nullptr);
    gpu["tf32_in_convolutions"] = tf32_in_convolutions();
    gpu["tf32_in_matrix_products"] = tf32_in_matrix_products();
    gpu["cudnn_benchmark"] = context.benchmarkCuDNN();
    gpu["device_times"] = cuda_ ? ordered_json("CUDA events of " + cuda_->library) : ordered_json(nullptr);
    return gpu;
  }

  int threads_asked_;
  std::string device_name_;
  ComputeDevice device_;
  std::optional<CudaRuntime> cuda_;
  std::vector<std::string> network_warnings_;
  std::set<std::string> not_prepacked_;
  bool runs_packages_ = false;  // of AOTInductor
};

}  // namespace
}  // namespace alertbench

extern "C" __attribute__((visibility("default"))) alertbench::InferenceRuntime* alert_make_inference_runtime(
    int threads, const char* device) {
  return new alertbench::TorchRuntime(threads, device);
}

extern "C" __attribute__((visibility("default"))) alertbench::Kernel* alert_make_gpu_load(
    const char* kind, uint64_t seed, uint64_t buffer_bytes) {
  alertbench::require_gpu();
  at::set_num_threads(1);
  try {
    return alertbench::make_gpu_load(kind, torch::kCUDA, seed, buffer_bytes).release();
  } catch (const c10::Error& e) {
    throw alertbench::EnvironmentError(
        fmt::format("device cuda: the GPU refuses the load {}: {}", kind, e.what_without_backtrace()));
  }
}
