// Networks against LibTorch itself. A plain program: Catch2's CHECK and c10's do not go together.
#include <fcntl.h>
#include <fmt/format.h>
#include <torch/script.h>
#include <torch/torch.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>

#include "base/error.h"
#include "expect.h"
#include "models/aotinductor_model.h"
#include "models/cascade.h"
#include "models/compiled_resnet.h"
#include "models/direct_conv.h"
#include "models/direct_resnet.h"
#include "models/gpu_load.h"
#include "models/torchscript_model.h"
#include "workloads/fashion_mnist.h"

using namespace alertbench;

namespace {

// A network whose batch norms have something to fold and whose blocks are not the identity.
StripedResnet random_network(const ResnetConfig& config) {
  torch::manual_seed(7);
  StripedResnet net(config);
  torch::NoGradGuard no_grad;
  for (auto& b : net->named_buffers())
    if (b.key().find("running_mean") != std::string::npos)
      b.value().normal_(0, 0.1);
    else if (b.key().find("running_var") != std::string::npos)
      b.value().uniform_(0.5, 1.5);
  for (auto& p : net->named_parameters())
    if (p.key().find("bn") != std::string::npos) p.value().uniform_(0.2, 0.8);
  net->eval();
  return net;
}

Image random_image(const ResnetConfig& c) {
  Image image;
  image.channels = c.in_channels;
  image.height = image.width = c.input_size;
  const torch::Tensor t = torch::randn({c.in_channels * c.input_size * c.input_size});
  image.chw.assign(t.data_ptr<float>(), t.data_ptr<float>() + t.numel());
  return image;
}

torch::Tensor as_batch(const Image& i) {
  return torch::tensor(i.chw).view({1, i.channels, i.height, i.width});
}

// The channels from `first` on, as LibTorch has them, and into a layer.
torch::Tensor inside_of(BlockedLayer& layer, int64_t first, int64_t count) {
  const int64_t padded = layer.size() + 2;
  return torch::from_blob(layer.numbers(), {layer.channels() / 8, padded, padded, 8})
      .narrow(1, 1, layer.size())
      .narrow(2, 1, layer.size())
      .permute({0, 3, 1, 2})
      .reshape({1, layer.channels(), layer.size(), layer.size()})
      .narrow(1, first, count);
}
void fill(BlockedLayer& layer, int64_t first, const torch::Tensor& values) {
  const auto* value = values.contiguous().data_ptr<float>();
  for (int64_t c = first; c < first + values.size(1); ++c)
    for (int64_t y = 0; y < layer.size(); ++y)
      for (int64_t x = 0; x < layer.size(); ++x)
        layer.numbers()[c / 8 * layer.plane() + layer.inside() + y * layer.row() + 8 * x + c % 8] = *value++;
}

void run_all(StagedModel& m, const Image& image) {
  m.set_input(image);
  for (int s = 0; s < m.stages(); ++s)
    for (int b = 0; b < m.blocks(s); ++b) m.run_block(s, b);
}

ResnetConfig small(int stripes) {
  ResnetConfig c;
  c.in_channels = 1;
  c.classes = 10;
  c.input_size = 28;
  c.stripes = stripes;
  c.stem_width = 16;
  c.stem_kernel = 3;
  c.stem_pool = false;
  c.groups = {{2, 16, 1}, {2, 32, 2}};
  return c;
}

// By LibTorch's operators with two threads, and with one by the project's own code where the shape allows it.
void compiled_equals_module(int threads) {
  at::set_num_threads(threads);
  std::vector<ResnetConfig> configs{small(1), small(4), small(2), small(2), small(4), small(1)};
  configs[2].bottleneck = configs[3].bottleneck = true;
  configs[3].in_channels = 3;
  configs[3].stem_kernel = 7;
  configs[3].stem_pool = true;
  configs[3].input_size = 75;  // odd sizes round up at every stride
  configs[4].in_channels = 8;
  configs[4].stem_width = 96;  // stripes of 24
  configs[4].groups = {{2, 32, 1}, {2, 64, 2}};
  configs[5].input_size = 65;
  for (size_t i = 0; i < configs.size(); ++i) {
    // Stripes of 4 channels are too narrow, and one stripe of a large image is left to oneDNN.
    expect(runs_directly(configs[i], {}) == (threads == 1 && i != 1 && i != 5 && DirectConv::possible()),
           fmt::format("config {} with {} threads runs by the right code", i, threads));
    StripedResnet net = random_network(configs[i]);
    const auto compiled = compile(net);
    torch::NoGradGuard no_grad;
    for (int image_number = 0; image_number < 2; ++image_number) {  // buffers must not remember the first
      const Image image = random_image(configs[i]);
      const auto wanted = net->forward(as_batch(image));
      run_all(*compiled, image);
      for (int s = 0; s < compiled->stages(); ++s) {
        const torch::Tensor& w = wanted[static_cast<size_t>(s)][0];
        const double difference = (torch::tensor(compiled->scores(s)) - w).abs().max().item<double>();
        expect(difference < 1e-4 * std::max(1.0, w.abs().max().item<double>()),
               fmt::format("compiled = module: config {}, image {}, stage {}: {:.2g}", i, image_number, s + 1,
                           difference));
      }
    }
  }
  at::set_num_threads(1);
  expect_refusal("an image of another size", "of 1x28x28, not of 1x27x28", [] {
    Image image = random_image(small(1));
    image.height = 27;
    compile_directly(random_network(small(1)))->set_input(image);
  });
}

// Also shapes that no residual network has; `first` begins at other channels than 0.
void direct_convolutions() {
  torch::manual_seed(3);
  double worst = 0;
  for (const int64_t size : {1, 2, 5, 7, 14, 15})
    for (const int64_t kernel : {1, 3})
      for (const int64_t stride : {1, 2, 3})
        for (const int64_t out : {8, 16, 24})
          for (const bool plain : {false, true}) {
            const int64_t in = plain ? 3 : 16, after = (size + stride - 1) / stride, first = 8;
            const torch::Tensor x = torch::randn({1, in, size, size}), bias = torch::randn({out}),
                                weight = torch::randn({out, in, kernel, kernel}),
                                other = torch::randn({1, out, after, after});
            const DirectConv conv(weight.data_ptr<float>(), bias.data_ptr<float>(),
                                  {in, out, kernel, stride, plain});
            BlockedLayer to(first + out + 8, after), add(first + out + 8, after);
            fill(add, first, other);
            torch::Tensor wanted = at::conv2d(x, weight, bias, stride, kernel / 2);
            if (plain) {
              PlainLayer from(in, size, kernel / 2);
              from.set(x.data_ptr<float>());
              conv.run(from, to, first, true);
              wanted = wanted.relu();
            } else {
              BlockedLayer from(in + 8, size);  // the last channels are another stripe's
              fill(from, 0, x);
              fill(from, in, torch::full({1, 8, size, size}, NAN));
              conv.run(from, to, first, &add, false);
              wanted = wanted + other;
            }
            worst = std::max(worst, (inside_of(to, first, out) - wanted).abs().max().item<double>());
            const torch::Tensor all = torch::from_blob(to.numbers(), {to.channels() / 8 * to.plane()});
            worst = std::max(worst, std::abs(all.abs().sum().item<double>() /
                                                 inside_of(to, first, out).abs().sum().item<double>() -
                                             1));  // nothing was written elsewhere, not even to the border
          }
  expect(worst < 1e-4, fmt::format("direct convolutions equal LibTorch's: {:.1e}", worst));

  for (const int64_t size : {1, 6, 7}) {
    const torch::Tensor x = torch::rand({1, 16, size, size});
    BlockedLayer from(24, size), to(24, (size + 1) / 2);
    fill(from, 8, x);
    pool_blocked(from, to, 8, 16);
    expect(torch::equal(inside_of(to, 8, 16), at::max_pool2d(x, 3, 2, 1)),
           fmt::format("maxima of {}x{} pixels", size, size));
    torch::Tensor means = torch::empty({16});
    mean_of_blocked(from, 8, 16, means.data_ptr<float>());
    expect((means - x.mean({2, 3})[0]).abs().max().item<double>() < 1e-6, "means over pixels");
  }
}

void stages_nest() {
  StripedResnet net = random_network(small(4));
  torch::NoGradGuard no_grad;
  const Image image = random_image(net->config);
  const auto before = net->forward(as_batch(image));
  // Disturb everything of the last stripe: only the last stage may notice.
  for (auto& block : net->blocks)
    for (auto& conv : block->convs) conv->weight.narrow(0, conv->out / 4 * 3, conv->out / 4).add_(0.3);
  const auto after = net->forward(as_batch(image));
  for (size_t s = 0; s < 3; ++s)
    expect(torch::equal(before[s], after[s]), fmt::format("stage {} reads no later stripe", s + 1));
  expect(!torch::equal(before[3], after[3]), "stage 4 reads its own stripe");
  const auto macs = net->config.multiply_accumulates();
  expect(std::is_sorted(macs.begin(), macs.end()) && macs[0] > 0, "cost rises with the stage");
}

void weights_on_disk(const std::filesystem::path& folder) {
  StripedResnet net = random_network(small(2)), other(small(2));
  other->eval();
  const std::string path = (folder / "weights.pt").string();
  save_weights(*net, path);
  load_weights(*other, path);
  torch::NoGradGuard no_grad;
  const torch::Tensor x = torch::randn({1, 1, 28, 28});
  const torch::Tensor wanted = net->forward(x)[1], got = other->forward(x)[1];
  expect((wanted - got).abs().max().item<double>() < 0.02 * wanted.abs().max().item<double>(),
         "weights come back as they were saved, in half precision");
  save_weights(*other, path);
  load_weights(*net, path);
  expect(torch::equal(net->forward(x)[1], got), "once rounded they come back exactly");

  std::ifstream in(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  for (const size_t length : {size_t{0}, size_t{1}, bytes.size() / 2, bytes.size() - 1}) {
    const std::string torn = (folder / "torn.pt").string();
    std::ofstream(torn, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(length));
    expect_refusal(fmt::format("weights torn at {} of {} bytes", length, bytes.size()), "torn.pt",
                   [&] { load_weights(*other, torn); });
  }
  ResnetConfig wide = small(2);
  wide.groups[1].width = 64;
  expect_refusal("weights of another shape", "shape", [&] {
    StripedResnet w(wide);
    load_weights(*w, path);
  });
  ResnetConfig deep = small(2);
  deep.groups[1].blocks = 3;
  expect_refusal("weights of a shallower network", "missing: layer2_2", [&] {
    StripedResnet d(deep);
    load_weights(*d, path);
  });
  deep.groups[1].blocks = 1;
  expect_refusal("weights of a deeper network", "unknown: layer2_1", [&] {
    StripedResnet d(deep);
    load_weights(*d, path);
  });
  {
    torch::NoGradGuard g;
    net->heads[0]->bias[0] = NAN;
  }
  save_weights(*net, path);
  expect_refusal("weights with NaN", "fc1.bias: contains NaN", [&] { load_weights(*other, path); });
}

// Names as wrappers of training leave them.
void wrapped_names(const std::filesystem::path& folder) {
  StripedResnet net = random_network(small(1)), other(small(1));
  other->eval();
  torch::NoGradGuard no_grad;
  const torch::Tensor x = torch::randn({1, 1, 28, 28});
  const torch::Tensor wanted = net->forward(x)[0];
  const std::string path = (folder / "wrapped.pt").string();
  const auto store = [&](const std::function<std::string(const std::string&)>& name, bool counted = false) {
    c10::Dict<std::string, torch::Tensor> entries;
    for (const auto& p : net->named_parameters()) entries.insert(name(p.key()), p.value().detach());
    for (const auto& b : net->named_buffers()) entries.insert(name(b.key()), b.value());
    if (counted) entries.insert("n_averaged", torch::tensor(3));
    const std::vector<char> bytes = torch::pickle_save(entries);
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  };
  for (const std::string before :
       {"module.", "_orig_mod.", "module._orig_mod.", "model.", "model.backbone.", ""}) {
    for (auto& p : other->parameters()) p.zero_();
    store([&](const std::string& n) { return before + n; }, before == "module.");
    load_weights(*other, path);
    expect(torch::equal(other->forward(x)[0], wanted),
           fmt::format("weights whose names begin with \"{}\"", before));
  }
  for (auto& p : other->parameters()) p.zero_();
  store([](const std::string& n) {
    return n.substr(0, n.find('.')) + ".module" + n.substr(n.find('.'));
  });  // of a part of the network
  load_weights(*other, path);
  expect(torch::equal(other->forward(x)[0], wanted), "weights with \"module.\" within their names");
  store([](const std::string& n) { return n[0] < 'c' ? "a." + n : "b." + n; });
  expect_refusal("weights whose names begin in two ways", "unknown: ", [&] { load_weights(*other, path); });
  expect_refusal("weights with a remedy", "use the weights of this network",
                 [&] { load_weights(*other, path); });
  for (auto& p : other->parameters()) p.zero_();
  store([](const std::string& n) {
    return "_forward_module._fsdp_wrapped_module." + n.substr(0, n.find('.')) +
           "._checkpoint_wrapped_module" + n.substr(n.find('.'));
  });
  load_weights(*other, path);
  expect(torch::equal(other->forward(x)[0], wanted), "weights with the names of three wrappers");
}

// As checkpoints of Lightning: the network's beside those of other modules.
void weights_beside_others(const std::filesystem::path& folder) {
  StripedResnet net = random_network(small(1)), other(small(1));
  other->eval();
  torch::NoGradGuard no_grad;
  const std::string path = (folder / "beside.pt").string();
  const auto store = [&](const std::vector<std::string>& beginnings) {
    c10::Dict<std::string, torch::Tensor> entries;
    for (const std::string& before : beginnings) {
      for (const auto& p : net->named_parameters()) entries.insert(before + p.key(), p.value().detach());
      for (const auto& b : net->named_buffers()) entries.insert(before + b.key(), b.value());
    }
    entries.insert("loss.weight", torch::ones({10}));
    entries.insert("loss.fc1.bias", torch::ones({10}));  // a name of the network, behind another beginning
    const std::vector<char> bytes = torch::pickle_save(entries);
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  };
  store({"model."});
  load_weights(*other, path);
  const torch::Tensor x = torch::randn({1, 1, 28, 28});
  expect(torch::equal(other->forward(x)[0], net->forward(x)[0]), "weights beside those of a loss");
  store({"student.", "teacher."});
  expect_refusal("weights of two networks", "several times, as student., teacher.; save one of them",
                 [&] { load_weights(*other, path); });
}

// A file made by a training script with what a stranger, or its user, put into it.
NetworkSpec script(const std::filesystem::path& folder, const std::string& name,
                   const torch::jit::Module& module) {
  NetworkSpec spec;
  spec.name = name;
  spec.architecture = "torchscript";
  spec.input.height = spec.input.width = 8;
  spec.weights = (folder / (name + ".pt")).string();
  module.save(spec.weights);
  return spec;
}

void torchscript_of_strangers(const std::filesystem::path& folder) {
  const std::string victim = (folder / "victim").string();
  std::ofstream(victim) << std::string(64, 'v');
  const auto untouched = [&](const char* what) {
    std::ifstream in(victim);
    expect(std::string((std::istreambuf_iterator<char>(in)), {}) == std::string(64, 'v'), what);
    expect(!std::filesystem::exists(folder / "written"), what);
  };
  {
    torch::jit::Module module("__torch__.Writer");
    module.define(fmt::format(
        "def forward(self, x):\n  t = torch.from_file(\"{}\", True, 16)\n  t.zero_()\n  return x + t.sum()\n",
        victim));
    const NetworkSpec spec = script(folder, "writer", module);
    expect_refusal("TorchScript that maps a file",
                   "writer.pt: network \"writer\": its code uses the operator aten::from_file",
                   [&] { load_torchscript(spec); });
    untouched("TorchScript that maps a file is not run");
  }
  {
    torch::jit::Module module("__torch__.Saver");
    module.define(
        fmt::format("def helper(self, x):\n  if bool(x.sum() > 0):\n    for i in range(2):\n      "
                    "torch.save(x, \"{}\")\n  return x\n"
                    "def forward(self, x):\n  return x\n",
                    (folder / "written").string()));
    const NetworkSpec spec = script(folder, "saver", module);
    expect_refusal("TorchScript that saves, in an inner block of another method", "operator aten::save",
                   [&] { load_torchscript(spec); });
  }
  {
    torch::jit::Module module("__torch__.Loader");
    module.register_attribute("n", c10::IntType::get(), 1);
    module.define(
        fmt::format("def __getstate__(self):\n  return self.n\n"
                    "def __setstate__(self, n: int) -> None:\n  self.n = n\n  torch.save(n, \"{}\")\n"
                    "def forward(self, x):\n  return x\n",
                    (folder / "written").string()));
    const NetworkSpec spec = script(folder, "loader", module);
    std::filesystem::remove(folder / "written");
    expect_refusal("TorchScript that writes when it is loaded", "operator aten::save",
                   [&] { load_torchscript(spec); });
    untouched("TorchScript is looked into before any of it runs");
  }
  {
    torch::jit::Module inner("__torch__.Inner"), module("__torch__.Sound");
    inner.register_attribute("n", c10::IntType::get(), 4);
    inner.define(
        "def __getstate__(self):\n  return self.n + 10\n"
        "def __setstate__(self, n: int) -> None:\n  self.n = n - 10\n"
        "def forward(self, x):\n  return torch.relu(x) * self.n\n");
    module.register_module("inner", inner);
    module.define(
        "def forward(self, x):\n  y = self.inner.forward(x)\n  if y.dim() > 1:\n    y = y.reshape([1, -1])\n "
        " return y\n");
    const NetworkSpec spec = script(folder, "sound", module);
    const auto model = load_torchscript(spec);
    run_all(*model, Image{3, 8, 8, std::vector<float>(192, 0.5f)});
    expect(model->scores(0)[7] == 2.0f, "sound TorchScript with a __setstate__ of its own runs");
  }
}

// What is on standard output while `body` runs.
std::string printed_by(const std::filesystem::path& file, const std::function<void()>& body) {
  std::fflush(stdout);
  std::cout.flush();
  const int kept = dup(STDOUT_FILENO),
            captured = open(file.c_str(), O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0600);
  dup2(captured, STDOUT_FILENO);
  body();
  std::fflush(stdout);
  std::cout.flush();
  dup2(kept, STDOUT_FILENO);
  close(kept);
  close(captured);
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

void torchscript_that_prints(const std::filesystem::path& folder) {
  torch::jit::Module module("__torch__.Net");
  module.define("def forward(self, x):\n  print(\"accuracy 100 %\")\n  return x\n");
  const NetworkSpec spec = script(folder, "prints", module);
  const auto model = load_torchscript(spec);
  const std::string printed = printed_by(folder / "printed", [&] {
    run_all(*model, Image{3, 8, 8, std::vector<float>(192, 0.5f)});
  });
  expect(printed.empty(), "what TorchScript prints does not stand among the results");
}

void torchscript_in_training_mode(const std::filesystem::path& folder) {
  const auto warnings_of = [&](const std::string& name, const std::string& line) {
    torch::jit::Module module("__torch__.Net");
    module.register_parameter("m", torch::zeros({3}), false);
    module.define("def forward(self, x):\n  " + line + "\n");
    std::vector<std::string> warnings;
    load_torchscript(script(folder, name, module), {}, &warnings);
    return warnings;
  };
  const auto trained = warnings_of("dropout", "return torch.dropout(x, 0.5, True)");
  expect(trained.size() == 1 && trained[0].find("network \"dropout\": 1 operators") == 0 &&
             trained[0].find("model.eval()") != std::string::npos,
         "dropout that was frozen in training mode is told");
  expect(warnings_of("plain", "return torch.dropout(x, 0.5, False)").empty(), "dropout that is off is not");
  const std::string norm = "return torch.batch_norm(x, None, None, {0}, {0}, {1}, 0.1, 1e-5, False)";
  expect(warnings_of("norm", fmt::format(norm, "self.m", "True")).size() == 1,
         "batch norm in training mode is told");
  expect(warnings_of("norm-off", fmt::format(norm, "self.m", "False")).empty(),
         "batch norm with its statistics is not");
  expect(warnings_of("norm-own", fmt::format(norm, "None", "True")).empty(), "nor one that never had any");
}

// One line, with file, network and remedy.
void torchscript_that_does_not_load(const std::filesystem::path& folder) {
  torch::jit::Module module("__torch__.Net");
  module.define("def forward(self, x):\n  return torch.relu(x)\n");
  const NetworkSpec spec = script(folder, "changed", module);
  std::stringstream bytes;
  bytes << std::ifstream(spec.weights, std::ios::binary).rdbuf();
  // The member of the code, its checksum left alone: LibTorch does not look at it.
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = bytes.str();
    const size_t at = text.find(from);
    if (at == std::string::npos || from.size() != to.size())
      throw std::runtime_error("the file has no " + from);
    text.replace(at, from.size(), to);
    std::ofstream(spec.weights, std::ios::binary) << text;
  };
  changed("torch.relu", "torch.rexu");
  expect_refusal("TorchScript with an operator of a later version",
                 "changed.pt: network \"changed\": needs an operator that this LibTorch",
                 [&] { load_torchscript(spec); });
  expect_refusal("the operator is named", "aten::rexu", [&] { load_torchscript(spec); });
  changed("torch.relu", "torch..elu");
  expect_refusal("TorchScript whose code is none", "network \"changed\": cannot be loaded as TorchScript",
                 [&] { load_torchscript(spec); });
}

void torchscript(const std::filesystem::path& folder) {
  torch::jit::Module module("Net");
  module.register_parameter("w", torch::randn({5, 3 * 8 * 8}), false);
  module.define("def forward(self, x):\n  return torch.matmul(self.w, x.reshape([-1])).unsqueeze(0)\n");
  NetworkSpec spec;
  spec.name = "tiny";
  spec.architecture = "torchscript";
  spec.input.height = spec.input.width = 8;
  spec.weights = (folder / "tiny.pt").string();
  module.save(spec.weights);
  const auto model = load_torchscript(spec);
  Image image{3, 8, 8, std::vector<float>(192, 0.5f)};
  run_all(*model, image);
  const torch::Tensor wanted = module.forward({as_batch(image)}).toTensor()[0];
  expect((torch::tensor(model->scores(0)) - wanted).abs().max().item<double>() < 1e-5,
         "TorchScript runs as LibTorch runs it");
  {
    module.eval();
    NetworkSpec frozen = spec;
    frozen.weights = (folder / "frozen.pt").string();
    torch::jit::freeze(module).save(frozen.weights);  // its weights are constants of the code
    const auto constant = load_torchscript(frozen);
    run_all(*constant, image);
    expect(constant->scores(0) == model->scores(0), "TorchScript whose weights are constants runs");
  }
  image = {3, 4, 4, std::vector<float>(48, 0.5f)};
  expect_refusal("TorchScript with an image of the wrong size", "does not accept a 1x3x8x8",
                 [&] { run_all(*model, image); });
  std::filesystem::resize_file(spec.weights, 300);
  expect_refusal("torn TorchScript", "cannot be loaded as TorchScript", [&] { load_torchscript(spec); });
  spec.weights = (folder / "absent.pt").string();
  expect_refusal("absent TorchScript", "absent.pt", [&] { load_torchscript(spec); });
}

// What a package is made of, and that it runs: tests/cli/test_aotinductor.py.
void packages_need_a_loader(const std::filesystem::path& folder) {
#if __has_include(<torch/csrc/inductor/aoti_package/model_package_loader.h>)
  const auto wanted = [](const std::exception& e) { return dynamic_cast<const InputError*>(&e) != nullptr; };
  const std::string part = "absent.pt2";
#else
  const auto wanted = [](const std::exception& e) {
    return dynamic_cast<const EnvironmentError*>(&e) != nullptr;
  };
  const std::string part = "need LibTorch 2.6 or later";
#endif
  NetworkSpec spec;
  spec.name = "fast";
  spec.architecture = "aotinductor";
  spec.weights = (folder / "absent.pt2").string();
  try {
    load_aotinductor(spec);
    expect(false, "an absent AOTInductor package loads");
  } catch (const std::exception& e) {
    expect(wanted(e) && std::string(e.what()).find(part) != std::string::npos,
           fmt::format("an AOTInductor package that cannot be loaded: {}", e.what()));
  }
}

// Of networks with images of different sizes, one of them TorchScript.
void cascade_of_networks(const std::filesystem::path& folder) {
  torch::jit::Module module("__torch__.Scripted");
  module.register_parameter("w", torch::randn({10, 3 * 8 * 8}), false);
  module.define("def forward(self, x):\n  return torch.matmul(x.flatten(1), self.w.t())\n");
  const NetworkSpec scripted = script(folder, "scripted", module);
  const auto make = [&] {
    std::vector<std::unique_ptr<StagedModel>> all;
    all.push_back(load_torchscript(scripted));
    all.push_back(compile(random_network(small(2))));
    return all;
  };
  Image tiny{3, 8, 8, {}};
  const torch::Tensor pixels = torch::randn({3 * 8 * 8});
  tiny.chw.assign(pixels.data_ptr<float>(), pixels.data_ptr<float>() + pixels.numel());
  const Image large = random_image(small(2));
  const auto alone = make();
  run_all(*alone[0], tiny);
  run_all(*alone[1], large);
  const torch::Tensor first = torch::tensor(alone[0]->scores(0)), second = torch::tensor(alone[1]->scores(1));
  const auto run_whole = [&](Cascade& cascade) {
    cascade.set_input(ImagePerMember{{&tiny, &large}});
    for (int s = 0; s < 2; ++s)
      for (int b = 0; b < cascade.blocks(s); ++b) cascade.run_block(s, b);
  };
  Cascade last(make(), CascadeAnswer::last), average(make(), CascadeAnswer::average);
  run_whole(last);
  run_whole(average);
  expect(torch::equal(torch::tensor(last.scores(0)), first) &&
             torch::equal(torch::tensor(last.scores(1)), second),
         "a cascade has the scores of its members");
  const torch::Tensor mean = (torch::softmax(first, 0) + torch::softmax(second, 0)) / 2;
  const double off = (torch::tensor(average.scores(1)).exp() - mean).abs().max().item<double>();
  expect(off < 1e-6, fmt::format("a cascade averages as LibTorch does: off by {:.2g}", off));
}

std::unique_ptr<StagedModel> shipped_network(const NetworkSpec& spec) {
  if (spec.is_cascade()) {
    std::vector<std::unique_ptr<StagedModel>> members;
    for (const auto& member : spec.members) members.push_back(shipped_network(*member));
    return std::make_unique<Cascade>(std::move(members), spec.cascade.answer);
  }
  StripedResnet net(spec.resnet);
  load_weights(*net, spec.weights);
  net->eval();
  return compile(net);
}

// The accuracy in the network files is what the shipped weights reach; on the first images of the test set
// here.
void shipped_networks() {
  const std::string folder = ALERT_SOURCE_DIR "/networks/";
  std::vector<NetworkSpec> all = NetworkFile::read(folder + "fashion-mnist.json").networks;
  for (const NetworkSpec& spec : NetworkFile::read(folder + "fashion-mnist-cascade.json").networks)
    if (spec.is_cascade()) all.push_back(spec);
  for (const NetworkSpec& spec : NetworkFile::read(folder + "fashion-mnist-average.json").networks)
    if (spec.name != "resnet-w8") all.push_back(spec);
  const FashionMnist data;
  constexpr int images = 300;
  for (const NetworkSpec& spec : all) {
    const auto model = shipped_network(spec);
    std::vector<double> correct(static_cast<size_t>(spec.stages()), 0.0);
    for (int n = 0; n < images; ++n) {
      run_all(*model, data.input(n, spec.images().front()));
      for (int s = 0; s < spec.stages(); ++s)
        correct[static_cast<size_t>(s)] += judge(model->scores(s).data(), 10, data.label(n)).top1;
    }
    for (int s = 0; s < spec.stages(); ++s) {
      const double noted = spec.accuracy.top1[static_cast<size_t>(s)],
                   measured = correct[static_cast<size_t>(s)] / images;
      const double four_sigma = 4 * std::sqrt(noted * (1 - noted) / images);
      expect(std::abs(measured - noted) < four_sigma,
             fmt::format("{} stage {}: {:.3f} on {} images, noted {:.3f}", spec.name, s + 1, measured, images,
                         noted));
    }
  }
}

// What a co-runner puts on a GPU, on the processor: that it does its work and counts it right.
void gpu_loads_work() {
  at::set_num_threads(1);
  GpuProducts products(torch::kCPU, 3);
  products.c.zero_();
  const auto n = static_cast<uint64_t>(products.c.size(0));
  const uint64_t flop = products.step();
  expect(flop == static_cast<uint64_t>(products.pieces()) * 2 * n * n * n,
         fmt::format("{} products of {} rows are {} flop", products.pieces(), n, flop));
  expect(torch::allclose(products.c.to(torch::kDouble),
                         products.a.to(torch::kDouble).matmul(products.b.to(torch::kDouble)), 1e-3, 1e-2),
         "the product is that of its matrices");
  const int64_t one_ns = products.busy_ns();
  products.step();
  expect(one_ns > 0 && one_ns == products.step_ns() && products.busy_ns() == 2 * one_ns,
         "each step counts for what it took alone");

  constexpr int64_t bytes = 40 << 20;
  GpuCopies copies(torch::kCPU, 2 * bytes);
  const int64_t kept = copies.source.size(0);
  expect(kept == (32 << 20), fmt::format("whole pieces of 16 MiB: {} bytes", kept));
  copies.copy.zero_();
  const uint64_t moved = copies.step();
  const int64_t copied = std::min<int64_t>(kept, copies.pieces() * (int64_t{16} << 20));
  expect(moved == 2 * static_cast<uint64_t>(copies.pieces()) * (16 << 20),
         fmt::format("{} bytes read and written", moved));
  const int64_t there = copies.copy.count_nonzero().item<int64_t>();
  expect(there == copied, fmt::format("{} of {} bytes are there after a step of {}", there, kept, copied));
  for (int64_t done = copied; done < kept; done += copies.pieces() * (int64_t{16} << 20)) copies.step();
  expect(torch::equal(copies.copy, copies.source), "the copy is complete in time");
}

}  // namespace

int main() {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("alert-network-tests-{}", getpid());
  std::filesystem::create_directories(folder);
  compiled_equals_module(2);
  compiled_equals_module(1);
  if (DirectConv::possible())
    direct_convolutions();
  else
    fmt::print("skipped: direct convolutions, which need AVX2 and FMA\n");
  stages_nest();
  weights_on_disk(folder);
  wrapped_names(folder);
  weights_beside_others(folder);
  torchscript(folder);
  torchscript_of_strangers(folder);
  torchscript_that_prints(folder);
  torchscript_in_training_mode(folder);
  torchscript_that_does_not_load(folder);
  packages_need_a_loader(folder);
  cascade_of_networks(folder);
  shipped_networks();
  gpu_loads_work();
  std::filesystem::remove_all(folder);
  fmt::print("{}\n", failures ? fmt::format("{} failures", failures) : "all passed");
  return failures ? 1 : 0;
}
