// A fake GPU for LibTorch (its device type PrivateUse1), as strict as a real one where that matters to us:
//   - its memory cannot be read or written by the program: touching a tensor's numbers is a crash;
//   - an operator refuses tensors of the processor among its own (but for single numbers, which LibTorch
//   passes by value);
//   - it takes orders and answers later: what was ordered counts as under way until it is waited for, and a
//   copy from the host that was
//     not waited for is spoilt where its source changes meanwhile.
// What it computes is what the processor's operators compute on the same memory.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <string>

namespace accelerator {

inline const at::Device device(at::kPrivateUse1, 0);

struct Counts {
  int64_t operators = 0;  // but for copies
  int64_t to_device = 0, from_device = 0;
  int64_t host_reads = 0;  // of a single number, which makes the host wait
  int64_t waits = 0;
  int64_t under_way = 0;  // operators and copies since the last wait
  int64_t spoilt = 0;     // copies whose source changed before they were waited for
};
Counts& counts();
// Called for every operator and copy, before it runs; may throw what a GPU's failure would be.
std::function<void(const std::string& name)>& on_order();

}  // namespace accelerator
