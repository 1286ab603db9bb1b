#include "models/gpu_load.h"

#include <torch/torch.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"

namespace alertbench {
namespace {

constexpr double step_s = 1e-3, warm_up_s = 0.2;  // an idle GPU clocks up meanwhile
constexpr int64_t default_buffer_bytes = int64_t{512} << 20, largest_piece_bytes = int64_t{16} << 20;

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

void GpuLoad::wait() {
  if (device_.is_cuda()) torch::cuda::synchronize();
}

double GpuLoad::time_pieces_s(int pieces) {
  torch::NoGradGuard no_grad;
  const double start_s = now_s();
  for (int i = 0; i < pieces; ++i) start_piece();
  wait();
  return now_s() - start_s;
}

void GpuLoad::measure_step() {
  const auto best_s = [&](int pieces) {
    double best = time_pieces_s(pieces);
    for (int i = 1; i < 9; ++i) best = std::min(best, time_pieces_s(pieces));
    return best;
  };
  for (const double end_s = now_s() + warm_up_s; now_s() < end_s;) time_pieces_s(1);
  double took_s = best_s(pieces_);
  while (took_s < 0.7 * step_s && pieces_ < 1024) took_s = best_s(pieces_ *= 2);
  step_ns_ = std::max<int64_t>(1, static_cast<int64_t>(1e9 * took_s));
}

uint64_t GpuLoad::step() {
  time_pieces_s(pieces_);
  busy_ns_ += step_ns_;
  return static_cast<uint64_t>(pieces_) * units_of_piece();
}

GpuProducts::GpuProducts(torch::Device device, uint64_t seed) : GpuLoad(device) {
  torch::manual_seed(seed);
  for (const int64_t n : {2048, 1024, 512, 256}) {
    a = torch::randn({n, n}, device_);
    b = torch::randn({n, n}, device_);
    c = torch::empty({n, n}, device_);
    time_pieces_s(1);  // the first one loads libraries
    if (time_pieces_s(1) <= step_s) break;
  }
  measure_step();
}

void GpuProducts::start_piece() { torch::mm_out(c, a, b); }

uint64_t GpuProducts::units_of_piece() const {
  const auto n = static_cast<uint64_t>(c.size(0));
  return 2 * n * n * n;
}

GpuCopies::GpuCopies(torch::Device device, uint64_t buffer_bytes) : GpuLoad(device) {
  const int64_t bytes =
      std::max<int64_t>(2, buffer_bytes ? static_cast<int64_t>(buffer_bytes) : default_buffer_bytes) / 2;
  piece_bytes_ = std::min(bytes, largest_piece_bytes);
  source = torch::randint(1, 256, {bytes / piece_bytes_ * piece_bytes_},
                          torch::dtype(torch::kByte).device(device_));
  copy = torch::zeros_like(source);
  measure_step();
}

void GpuCopies::start_piece() {
  copy.narrow(0, at_, piece_bytes_).copy_(source.narrow(0, at_, piece_bytes_), true);
  at_ = (at_ + piece_bytes_) % source.size(0);
}

uint64_t GpuCopies::units_of_piece() const { return 2 * static_cast<uint64_t>(piece_bytes_); }

std::unique_ptr<GpuLoad> make_gpu_load(const std::string& kind, torch::Device device, uint64_t seed,
                                       uint64_t buffer_bytes) {
  if (kind == "gpu-memory") return std::make_unique<GpuCopies>(device, buffer_bytes);
  if (kind == "gpu-compute") return std::make_unique<GpuProducts>(device, seed);
  throw InputError("co-runner: kind \"" + kind + "\" has no load of ours on the GPU");
}

}  // namespace alertbench
