// Products of dense matrices in single precision, with the widest vectors that the processor has.
#pragma once

namespace alertbench {

// Three such matrices take 192 KiB, which fits the second-level cache of current processors; the data of one
// strip of rows fits the first-level cache.
constexpr int kMatrixSize = 128;

// Computes `rows` rows (a multiple of 4) of c = a * b. All matrices are kMatrixSize wide and stored by rows;
// b is also kMatrixSize high, and a and c begin at the first of these rows.
using MultiplyRows = void (*)(const float* a, const float* b, float* c, int rows);

// Returns the function for vectors of 16, 32 or 64 bytes; null if this processor does not support them (16
// runs everywhere).
MultiplyRows multiply_rows_by(int vector_bytes);

}  // namespace alertbench
