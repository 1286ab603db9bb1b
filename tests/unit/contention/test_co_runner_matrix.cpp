#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"
#include "catch.h"
#include "contention/loads/matrix.h"

using namespace alertbench;

TEST_CASE("The matrix load multiplies matrices, whatever the vectors", "[contention]") {
  constexpr int n = kMatrixSize, rows = 8, first = 16;
  Random random(7);
  std::vector<float> a(n * n), b(n * n);
  for (auto* matrix : {&a, &b})
    for (float& x : *matrix) x = static_cast<float>(2 * random.uniform() - 1);
  const int vector_bytes = GENERATE(16, 32, 64);
  const MultiplyRows multiply = multiply_rows_by(vector_bytes);
  if (!multiply) {
    WARN("skipped: this processor has no vectors of " << vector_bytes << " bytes");
    return;
  }
  std::vector<float> c(n * n, 9);
  multiply(&a[first * n], b.data(), &c[first * n], rows);
  double worst = 0;
  for (int row = first; row < first + rows; ++row)
    for (int column = 0; column < n; ++column) {
      double sum = 0;
      for (int k = 0; k < n; ++k)
        sum +=
            static_cast<double>(a[static_cast<size_t>(row * n + k)]) * b[static_cast<size_t>(k * n + column)];
      worst = std::max(worst, std::abs(sum - c[static_cast<size_t>(row * n + column)]));
    }
  CHECK(worst < 1e-4);
  CHECK(c[first * n - 1] == 9);
  CHECK(c[(first + rows) * n] == 9);
}
