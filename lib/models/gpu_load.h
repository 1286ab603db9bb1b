// The loads that a co-runner puts on the inference's GPU. This file is part of the module that links LibTorch
// (models/inference_runtime.h).
//
// A step launches as many pieces of work as take about 1 ms when run alone, and waits for them; their number
// is measured when the load is created. busy_ns() is GPU time counted as work done: a step counts for the
// time it took alone, however long it has to wait beside the inference. So the load keeps its duty against
// competing work, as with processor time on a processor, and the same count shows whether the load was
// starved. It is an estimate: it reflects neither changes of the GPU's clock nor slowing by other work that
// shares the GPU at the same instant.
#pragma once

#include <torch/types.h>

#include <memory>
#include <string>

#include "contention/kernel.h"

namespace alertbench {

class GpuLoad : public Kernel {
 public:
  uint64_t step() override;
  int64_t busy_ns() const override { return busy_ns_; }

  int pieces() const { return pieces_; }        // a step
  int64_t step_ns() const { return step_ns_; }  // what a step took alone

 protected:
  explicit GpuLoad(torch::Device device) : device_(device) {}
  virtual void start_piece() = 0;  // may return before it is done
  virtual uint64_t units_of_piece() const = 0;
  double time_pieces_s(int pieces);  // one measurement
  void measure_step();               // call it at the end of construction
  torch::Device device_;

 private:
  void wait();
  int pieces_ = 1;
  int64_t step_ns_ = 0, busy_ns_ = 0;
};

// c = a * b in single precision. A piece is one product, with the largest of 2048, 1024, 512 and 256 rows
// that takes at most 1 ms (256 if none does). Unit: floating-point operations, 2 n^3 per product.
class GpuProducts : public GpuLoad {
 public:
  GpuProducts(torch::Device device, uint64_t seed);
  torch::Tensor a, b, c;

 private:
  void start_piece() override;
  uint64_t units_of_piece() const override;
};

// Copies `source` to `copy` repeatedly, in pieces of at most 16 MiB. Each has half of buffer_bytes (0: half
// of 512 MiB, which exceeds a GPU's last-level cache). Unit: bytes read plus bytes written.
class GpuCopies : public GpuLoad {
 public:
  GpuCopies(torch::Device device, uint64_t buffer_bytes);
  torch::Tensor source, copy;

 private:
  void start_piece() override;
  uint64_t units_of_piece() const override;
  int64_t piece_bytes_, at_ = 0;
};

// `kind` is gpu-compute or gpu-memory. A processor as `device` is for tests only.
std::unique_ptr<GpuLoad> make_gpu_load(const std::string& kind, torch::Device device, uint64_t seed,
                                       uint64_t buffer_bytes);

}  // namespace alertbench
