#include "contention/loads/matrix.h"

#include <cstring>

namespace alertbench {
namespace {

// Four rows by two vectors of c stay in registers: eight sums under way hide the latency of a multiplication.
template <int vector_bytes>
[[gnu::always_inline]] inline void multiply(const float* a, const float* b, float* c, int rows) {
  typedef float Vector __attribute__((vector_size(vector_bytes)));
  constexpr int wide = vector_bytes / static_cast<int>(sizeof(float));
  for (int column = 0; column < kMatrixSize; column += 2 * wide)
    for (int row = 0; row < rows; row += 4) {
      const float* a0 = a + row * kMatrixSize;
      Vector left[4] = {}, right[4] = {};
      for (int k = 0; k < kMatrixSize; ++k) {
        Vector b_left, b_right;
        std::memcpy(&b_left, b + k * kMatrixSize + column, sizeof b_left);
        std::memcpy(&b_right, b + k * kMatrixSize + column + wide, sizeof b_right);
#pragma GCC unroll 4
        for (int r = 0; r < 4; ++r) {
          left[r] += a0[r * kMatrixSize + k] * b_left;
          right[r] += a0[r * kMatrixSize + k] * b_right;
        }
      }
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) {
        std::memcpy(c + (row + r) * kMatrixSize + column, &left[r], sizeof left[r]);
        std::memcpy(c + (row + r) * kMatrixSize + column + wide, &right[r], sizeof right[r]);
      }
    }
}

void multiply_16(const float* a, const float* b, float* c, int rows) { multiply<16>(a, b, c, rows); }

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] void multiply_32(const float* a, const float* b, float* c, int rows) {
  multiply<32>(a, b, c, rows);
}
[[gnu::target("avx512f,fma")]] void multiply_64(const float* a, const float* b, float* c, int rows) {
  multiply<64>(a, b, c, rows);
}
#endif

}  // namespace

MultiplyRows multiply_rows_by(int vector_bytes) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (vector_bytes == 64) return __builtin_cpu_supports("avx512f") ? multiply_64 : nullptr;
  if (vector_bytes == 32)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? multiply_32 : nullptr;
#endif
  return vector_bytes == 16 ? multiply_16 : nullptr;
}

}  // namespace alertbench
