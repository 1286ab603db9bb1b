#include "contention/loads/kernels.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/random.h"
#include "contention/loads/matrix.h"

namespace alertbench {
namespace {

// A bootstrap particle filter that tracks a point on a circle from noisy positions, as PARSEC's bodytrack
// tracks a body: propagate, weigh by a Gaussian likelihood, resample.
class ParticleFilter : public Kernel {
 public:
  explicit ParticleFilter(uint64_t seed) : random_(seed) {
    for (Particle& p : particles_) p = {random_.uniform(), random_.uniform(), 0, 0};
  }

  uint64_t step() override {
    angle_ = std::fmod(angle_ + 0.01, 6.283185307179586);
    const double seen_x = std::cos(angle_) + 0.1 * noise(), seen_y = std::sin(angle_) + 0.1 * noise();
    double total = 0;
    for (size_t i = 0; i < kParticles; ++i) {
      Particle& p = particles_[i];
      p.vx += 0.02 * noise();
      p.vy += 0.02 * noise();
      p.x += p.vx;
      p.y += p.vy;
      const double dx = p.x - seen_x, dy = p.y - seen_y;
      // The floor keeps the total positive when all particles have lost the track.
      total += weights_[i] = 1e-12 + std::exp(-50 * (dx * dx + dy * dy));
    }
    const double stride = total / kParticles;
    double wanted = stride * random_.uniform(), reached = weights_[0];
    for (size_t i = 0, from = 0; i < kParticles; ++i, wanted += stride) {
      while (reached < wanted && from + 1 < kParticles) reached += weights_[++from];
      resampled_[i] = particles_[from];
    }
    particles_.swap(resampled_);
    asm volatile("" : : "r"(particles_.data()) : "memory");
    return kParticles;
  }

 private:
  static constexpr size_t kParticles = 256;
  struct Particle {
    double x, y, vx, vy;
  };

  // Mean 0, variance 1, near enough to normal.
  double noise() {
    const uint64_t bits = random_.next();
    const auto sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
    return (static_cast<double>(sum) - 131070) * (1.7320508 / 65536);
  }

  Random random_;
  double angle_ = 0;
  std::array<Particle, kParticles> particles_, resampled_;
  std::array<double, kParticles> weights_;
};

// One product after another of the same two matrices, a strip of rows at a step.
class MatrixProduct : public Kernel {
 public:
  explicit MatrixProduct(uint64_t seed) : a_(kElements), b_(kElements), c_(kElements) {
    for (const int vector_bytes : {16, 32, 64})
      if (const auto here = multiply_rows_by(vector_bytes)) multiply_ = here;
    Random random(seed);
    for (auto* matrix : {&a_, &b_})
      for (float& x : *matrix) x = static_cast<float>(2 * random.uniform() - 1);
  }

  uint64_t step() override {
    const size_t at = static_cast<size_t>(row_) * kMatrixSize;
    multiply_(&a_[at], b_.data(), &c_[at], kRows);
    asm volatile("" : : "r"(c_.data()) : "memory");
    row_ = (row_ + kRows) % kMatrixSize;
    return uint64_t{2} * kRows * kMatrixSize * kMatrixSize;
  }

 private:
  static constexpr int kRows = 64;
  static constexpr size_t kElements = size_t{kMatrixSize} * kMatrixSize;
  MultiplyRows multiply_ = nullptr;
  int row_ = 0;
  std::vector<float> a_, b_, c_;
};

// a = b + s * c, round and round.
class Triad : public Kernel {
 public:
  explicit Triad(uint64_t buffer_bytes)
      : length_(std::max<uint64_t>(1, buffer_bytes / sizeof(double) / 3 / kChunk) * kChunk) {
    const size_t bytes = 3 * length_ * sizeof(double);
    void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw std::runtime_error("no memory for " + std::to_string(bytes >> 20) + " MB");
    madvise(at, bytes, MADV_HUGEPAGE);
    a_ = static_cast<double*>(at);
    b_ = a_ + length_;
    c_ = b_ + length_;
    std::fill(a_, a_ + 3 * length_, 1.0);
  }

  uint64_t step() override {
    double* __restrict a = a_ + at_;
    const double* __restrict b = b_ + at_;
    const double* __restrict c = c_ + at_;
    for (size_t i = 0; i < kChunk; ++i) a[i] = b[i] + 3 * c[i];
    asm volatile("" : : "r"(a) : "memory");
    at_ = (at_ + kChunk) % length_;
    return 3 * sizeof(double) * kChunk;
  }

 private:
  static constexpr size_t kChunk = 2048;
  size_t length_, at_ = 0;
  double *a_, *b_, *c_;
};

}  // namespace

std::unique_ptr<Kernel> make_compute_kernel(const KernelSettings& settings) {
  return std::make_unique<ParticleFilter>(settings.seed);
}
std::unique_ptr<Kernel> make_matrix_kernel(const KernelSettings& settings) {
  return std::make_unique<MatrixProduct>(settings.seed);
}
std::unique_ptr<Kernel> make_memory_kernel(const KernelSettings& settings) {
  return std::make_unique<Triad>(settings.buffer_bytes);
}

}  // namespace alertbench
