// Products of dense matrices in single precision, with the widest vectors that the processor has.
#pragma once

namespace alertbench {

// Three such matrices take 192 KiB: the second-level cache of today's processors, and what one strip of rows
// needs, the first.
constexpr int kMatrixSize = 128;

// `rows` rows (a multiple of 4) of c = a * b. All are kMatrixSize wide, b as high too, row after row; a and c
// begin at the first of these rows.
using MultiplyRows = void (*)(const float* a, const float* b, float* c, int rows);

// By vectors of 16, 32 or 64 bytes; null for those that this processor does not have (16 runs everywhere).
MultiplyRows multiply_rows_by(int vector_bytes);

}  // namespace alertbench
