// Every kind of network on devices other than the processor, without having one: the portable way on the
// processor against the processor's own, and on a fake GPU (stand_ins/accelerator.h) with a fake CUDA
// runtime, whose clock moves by one millisecond an operator. A plain program: Catch2's CHECK and c10's do not
// go together.
#include <dlfcn.h>
#include <fmt/format.h>
#include <torch/script.h>
#include <torch/torch.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "expect.h"
#include "live/executor.h"
#include "models/bert.h"
#include "models/cascade.h"
#include "models/compiled_resnet.h"
#include "models/compute_device.h"
#include "models/device_model.h"
#include "models/layer_network.h"
#include "models/lstm_network.h"
#include "models/torchscript_model.h"
#include "models/zoo/zoo.h"
#include "stand_ins/accelerator.h"

using namespace alertbench;
using at::Tensor;

namespace {

struct Case {
  std::string name;
  std::function<std::unique_ptr<StagedModel>(const ComputeDevice&)> make;  // the same weights every time
  NetworkInput first, second;  // of other sizes, where the network allows it
};

Image random_image(int channels, int size) {
  const Tensor t = torch::randn({channels * size * size});
  return {channels, size, size, {t.data_ptr<float>(), t.data_ptr<float>() + t.numel()}};
}

// Batch norms with something to fold, blocks that are not the identity.
void enliven(const std::string& name, Tensor t) {
  const auto is = [&name](const char* part) { return name.find(part) != std::string::npos; };
  if (is("running_mean") || is("bias")) t.normal_(0, 0.1);
  if (is("running_var") || (t.dim() == 1 && is("weight"))) t.uniform_(0.5, 1.5);
}

Case zoo_case(const char* network, double width, int size) {
  ZooConfig c;
  c.network = network;
  c.width = width;
  c.input_size = size;
  c.classes = 10;
  const zoo::Architecture net = c.architecture();
  Weights weights = random_weights(net, 7);
  for (auto& [name, tensor] : weights) enliven(name, tensor);
  return {network, [net, weights](const ComputeDevice& d) { return compile(net, weights, d); },
          random_image(3, size), random_image(3, size)};
}

Case resnet_case(const std::string& name, int stripes, bool bottleneck) {
  ResnetConfig c;
  c.in_channels = 3;
  c.classes = 10;
  c.input_size = 29;
  c.stripes = stripes;
  c.stem_width = 16;
  c.stem_kernel = 3;
  c.stem_pool = bottleneck;
  c.bottleneck = bottleneck;
  c.groups = {{2, 16, 1}, {2, 32, 2}};
  torch::manual_seed(7);
  StripedResnet net(c);
  torch::NoGradGuard no_grad;
  for (auto& p : net->named_parameters()) enliven(p.key(), p.value());
  for (auto& b : net->named_buffers()) enliven(b.key(), b.value());
  net->eval();
  return {name, [net](const ComputeDevice& d) { return compile(net, d); }, random_image(3, 29),
          random_image(3, 29)};
}

Case lstm_case(const std::string& name, int stripes) {
  LstmConfig c;
  c.vocabulary = 60;
  c.units = 24;
  c.stripes = stripes;
  StripedLstm net(c);
  static const std::vector<int32_t> text{17, 41, 3, 59, 0, 8, 33};
  return {name, [net](const ComputeDevice& d) { return compile(net, d); }, WordInText{&text, 0, 5},
          WordInText{&text, 1, 3}};
}

TokenWindow window(int tokens, int64_t salt) {
  TokenWindow w;
  for (int t = 0; t < tokens; ++t)
    w.ids.push_back((t * 13 + salt * 29) % 50), w.types.push_back(t > tokens / 3);
  return w;
}

Case bert_case(const std::string& name, std::vector<int> exits) {
  BertConfig c;
  c.vocabulary = 50;
  c.hidden = 24;
  c.layers = 4;
  c.heads = 3;
  c.intermediate = 40;
  c.positions = 20;
  c.exits = std::move(exits);
  Weights weights = random_weights(c, 7);
  for (auto& [part, tensor] : weights)
    if (tensor.dim() == 2)
      tensor.normal_(0, 0.3);
    else
      enliven(part, tensor);
  return {name, [c, weights](const ComputeDevice& d) { return std::make_unique<BertReader>(c, weights, d); },
          TokenWindows{{window(9, 1), window(4, 2)}},
          TokenWindows{{window(20, 3), window(1, 4), window(7, 5)}}};
}

Case script_case(const std::filesystem::path& folder) {
  torch::jit::Module module("Net");
  module.register_parameter("w", torch::randn({6, 3, 3, 3}), false);
  module.register_parameter("b", torch::randn({6}), false);
  module.define(
      "def forward(self, x):\n"
      "  x = torch.relu(torch.conv2d(x, self.w, self.b, [2, 2], [1, 1], [1, 1], 1))\n"
      "  return torch.mean(x, [2, 3])\n");
  NetworkSpec spec;
  spec.name = "scripted";
  spec.architecture = "torchscript";
  spec.input.height = spec.input.width = 8;
  spec.weights = (folder / "scripted.pt").string();
  module.save(spec.weights);
  return {"torchscript", [spec](const ComputeDevice& d) { return load_torchscript(spec, d); },
          random_image(3, 8), random_image(3, 8)};
}

using Answers = std::vector<std::vector<float>>;  // [stage]

void run_stages(StagedModel& m) {
  for (int s = 0; s < m.stages(); ++s)
    for (int b = 0; b < m.blocks(s); ++b) m.run_block(s, b);
}

Answers answers(StagedModel& m, const NetworkInput& input) {
  m.set_input(input);
  for (int again = 0; again < 2; ++again) run_stages(m);  // as the harness does
  Answers all;
  for (int s = 0; s < m.stages(); ++s) all.push_back(m.scores(s));
  return all;
}

// Of the largest score; 1 where sizes differ.
double difference(const Answers& a, const Answers& b) {
  double worst = 0;
  for (size_t s = 0; s < a.size(); ++s) {
    if (b.size() != a.size() || b[s].size() != a[s].size()) return 1;
    double largest = 1e-30, off = 0;
    for (size_t i = 0; i < a[s].size(); ++i) {
      largest = std::max(largest, std::abs(double{a[s][i]}));
      off = std::max(off, std::abs(double{a[s][i]} - b[s][i]));
    }
    worst = std::max(worst, std::isfinite(off) ? off / largest : 1.0);
  }
  return worst;
}

void portable_equals_own_way(const Case& c) {
  const auto own = c.make({}), portable = c.make(ComputeDevice::portable_processor());
  double off = 0;
  // Back and forth: buffers must not remember an input, nor its size.
  for (const NetworkInput* input : {&c.first, &c.second, &c.first})
    off = std::max(off, difference(answers(*own, *input), answers(*portable, *input)));
  expect(off < 1e-4,
         fmt::format("{}: the portable way gives the same answers: off by {:.2g} of the largest score",
                     c.name, off));
}

class FakeGpu {
 public:
  FakeGpu() {
    library_ = dlopen(ALERT_FAKE_CUDART, RTLD_NOW | RTLD_LOCAL);
    if (!library_) throw std::runtime_error(dlerror());
    works_ = reinterpret_cast<void (*)(double)>(dlsym(library_, "fake_gpu_works"));
    runtime = *CudaRuntime::find();
    accelerator::on_order() = [this](const std::string& name) {
      if (name == failing)
        throw c10::OutOfMemoryError({__func__, __FILE__, 0},
                                    "CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0)");
      if (name != "wait") works_(1);
    };
  }
  std::unique_ptr<StagedModel> load(const Case& c) const {
    return on_device(c.make(ComputeDevice(accelerator::device)), c.name, accelerator::device, runtime);
  }
  CudaRuntime runtime;
  std::string failing;  // the operator that finds the memory full

 private:
  void* library_;
  void (*works_)(double);
};

void runs_on_a_gpu(const Case& c, const FakeGpu& gpu) {
  accelerator::Counts& counts = accelerator::counts();
  const auto model = gpu.load(c), same = c.make(ComputeDevice::portable_processor());
  double off = 0;
  for (const NetworkInput* input : {&c.first, &c.second, &c.first})
    off = std::max(off, difference(answers(*same, *input), answers(*model, *input)));
  expect(off < 1e-6,
         fmt::format("{}: on a GPU the same answers as on the processor: off by {:.2g}", c.name, off));

  // One timed run, block by block.
  const bool anytime = model->stages() > 1, has_tensor_input = !std::holds_alternative<WordInText>(c.first);
  counts = {};
  bool copied_first = true, waited = true;
  std::vector<int64_t> orders_at_end;
  for (int s = 0; s < model->stages(); ++s)
    for (int b = 0; b < model->blocks(s); ++b) {
      const int64_t waits = counts.waits;
      model->run_block(s, b);
      const bool stage_done = b + 1 == model->blocks(s);
      copied_first = copied_first && counts.to_device == has_tensor_input;
      waited = waited && counts.waits == waits + (anytime || stage_done) &&
               (counts.under_way == 0) == (anytime || stage_done);
      if (stage_done) orders_at_end.push_back(counts.operators);
    }
  expect(copied_first && counts.from_device == 0 && counts.host_reads == 0,
         fmt::format("{}: the run copies its input in the first block, and nothing back ({} to the GPU, {} "
                     "back, {} read)",
                     c.name, counts.to_device, counts.from_device, counts.host_reads));
  expect(waited, fmt::format("{}: the GPU is waited for at the end of every {}", c.name,
                             anytime ? "block" : "stage"));
  bool timed = true;
  for (int s = 0; s < model->stages(); ++s) {
    // Copies on the GPU count as orders too, so the time is at least that of the operators.
    const double ms = 1e3 * model->device_time_s(s).value_or(0),
                 operators = static_cast<double>(orders_at_end[static_cast<size_t>(s)]);
    const double before = s > 0 ? 1e3 * *model->device_time_s(s - 1) : 0;
    timed = timed && ms > before && ms >= operators + has_tensor_input - 1e-3;
  }
  expect(timed,
         fmt::format("{}: the GPU's own times, stage by stage: {:.0f} ms for {} operators", c.name,
                     1e3 * model->device_time_s(model->stages() - 1).value_or(0), orders_at_end.back()));

  // Stopped in the middle, then other inputs: nothing that is under way is spoilt, nothing of it is left.
  const Answers of_second = answers(*same, c.second);
  model->set_input(c.first);
  model->run_block(0, 0);
  model->set_input(c.second);
  run_stages(*model);
  model->run_block(0, 0);
  const bool no_time = model->blocks(0) == 1 || !model->device_time_s(0);
  expect(difference(of_second, answers(*model, c.second)) < 1e-6 && counts.spoilt == 0 && no_time,
         c.name + ": another input, and another run, after a stop");
}

// A clock of the host that stands still but for what the test moves.
class StillClock : public Clock {
 public:
  double now_s() override { return time_s += 1e-3; }
  void sleep_until(double t) override { time_s = std::max(time_s, t); }
  double processor_s() override { return time_s; }
  double time_s = 0;
};

// As a run does it: to a deadline, under an emulated cap.
void stops_at_a_deadline(const Case& c, const FakeGpu& gpu) {
  const auto model = gpu.load(c);
  model->set_input(c.first);
  StillClock clock;
  ExecutionOrder order;
  order.target_stage = model->stages();
  order.speed = 0.5;
  order.stop_at_s = 0.013;
  const Execution e = execute(*model, order, clock);
  expect(e.stopped && e.stages_finished < model->stages() && accelerator::counts().under_way == 0,
         fmt::format("{}: stopped at the deadline behind stage {}, with nothing under way", c.name,
                     e.stages_finished));
  expect(!model->device_time_s(model->stages() - 1) && (e.stages_finished == 0 || model->device_time_s(0)),
         "device times of the finished stages only");
}

// Two networks of one stage each: the GPU is waited for inside both of them, because each may be stopped.
void cascade_on_a_gpu(const Case& a, const Case& b, const FakeGpu& gpu) {
  const std::string name = fmt::format("cascade of {} and {}", a.name, b.name);
  std::vector<std::unique_ptr<StagedModel>> members;
  for (const Case* c : {&a, &b})
    members.push_back(on_device(c->make(ComputeDevice(accelerator::device)), c->name, accelerator::device,
                                gpu.runtime, true));
  Cascade cascade(std::move(members), CascadeAnswer::last);
  const ImagePerMember images{{&std::get<Image>(a.first), &std::get<Image>(b.first)}};
  const Answers found = answers(cascade, images), of_a = answers(*gpu.load(a), a.first),
                of_b = answers(*gpu.load(b), b.first);
  expect(difference({of_a[0], of_b[0]}, found) < 1e-6, name + ": each stage answers as its member");
  const double first_s = cascade.device_time_s(0).value_or(0), both_s = cascade.device_time_s(1).value_or(0);
  expect(first_s > 0 && both_s > first_s, name + ": the members' own times add up");
  expect(cascade.blocks_done_at_return() && !gpu.load(a)->blocks_done_at_return(),
         name + ": looks at the clock inside its members, which alone need not");
  StillClock clock;
  ExecutionOrder order;
  order.target_stage = 2;
  order.stop_at_s = 1e-3 * (cascade.blocks(0) + cascade.blocks(1) / 2);
  const Execution e = execute(cascade, order, clock);
  expect(e.stopped && e.stages_finished == 1 && accelerator::counts().under_way == 0 &&
             !cascade.device_time_s(1),
         fmt::format("{}: stopped inside its second member, behind stage {}", name, e.stages_finished));
}

void failures_are_told(const Case& c, FakeGpu& gpu) {
  const auto message = [](const std::function<void()>& action) -> std::string {
    try {
      action();
    } catch (const RunError& e) {
      return e.what();
    } catch (const std::exception& e) {
      return std::string("another exception: ") + e.what();
    }
    return "";
  };
  const auto says = [](const std::string& text, std::initializer_list<const char*> parts) {
    return std::all_of(parts.begin(), parts.end(),
                       [&](const char* part) { return text.find(part) != std::string::npos; });
  };
  const auto model = gpu.load(c);
  model->set_input(c.first);
  gpu.failing = "copy";
  const std::string full = message([&] { run_stages(*model); });
  gpu.failing = "";
  expect(says(full, {c.name.c_str(), "the GPU's memory is full", "Tried to allocate 2.00 GiB", "candidates",
                     "nvidia-smi"}),
         fmt::format("{}: full memory is told with its mend: {}", c.name, full));
  const auto alive = answers(*model, c.first);
  expect(!alive[0].empty(), c.name + ": and the network can be run afterwards");
}

void messages() {
  const auto text = [](const char* message) {
    const auto failure = machine_failure("net", message);
    return failure ? std::string(failure->what()) : "";
  };
  expect(text("Traceback of TorchScript:\nRuntimeError: CUDA out of memory. Tried to allocate\nmore")
                 .find("full: RuntimeError: CUDA out of memory. Tried to allocate; ") != std::string::npos,
         "TorchScript's report of full memory");
  expect(text("CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be")
                 .find("the GPU failed: CUDA error: an illegal memory access was encountered; ") !=
             std::string::npos,
         "an error of CUDA");
  expect(text("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried").find("out of memory") !=
             std::string::npos,
         "the processor's memory");
  expect(text("size mismatch, got 3").empty(), "other errors are none of the machine");
}

}  // namespace

int main() {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("alert-device-tests-{}", getpid());
  std::filesystem::create_directories(folder);
  torch::manual_seed(11);
  {
    std::vector<Case> cases{zoo_case("resnet-18", 1, 33),
                            zoo_case("mobilenet-v1", 0.25, 33),
                            zoo_case("mobilenet-v2", 0.35, 33),
                            zoo_case("squeezenet-1.1", 1, 45),
                            resnet_case("striped resnet", 4, false),
                            resnet_case("residual network", 1, true),
                            lstm_case("lstm", 1),
                            lstm_case("striped lstm", 3),
                            bert_case("bert", {4}),
                            bert_case("bert with exits", {1, 3, 4})};
    for (const Case& c : cases) portable_equals_own_way(c);
    portable_equals_own_way(script_case(folder));
    FakeGpu gpu;  // TorchScript loads onto no device but its own list
    for (const Case& c : cases) runs_on_a_gpu(c, gpu);
    for (const size_t anytime : {4, 7, 9}) stops_at_a_deadline(cases[anytime], gpu);
    cascade_on_a_gpu(cases[0], cases[5], gpu);
    for (const size_t any : {0, 8}) failures_are_told(cases[any], gpu);
    accelerator::on_order() = {};
  }
  messages();
  std::filesystem::remove_all(folder);
  fmt::print("{}\n", failures ? fmt::format("{} failures", failures) : "all passed");
  return failures ? 1 : 0;
}
