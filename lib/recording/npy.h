// NumPy's .npy files, version 1.0, little-endian, C order: what numpy.load() reads as they are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace alertbench {

// T: double, float, uint8_t, int64_t.
template <class T>
struct NpyArray {
  std::vector<int64_t> shape;
  std::vector<T> values;  // as many as the product of the shape
};

template <class T>
const char* npy_dtype();  // "float64" | "float32" | "uint8" | "int64"

// Atomically; RunError as write_file_atomically().
template <class T>
void write_npy(const std::string& path, const std::vector<int64_t>& shape, const std::vector<T>& values);

// InputError names the file and what is wrong with it: also a shape other than the `expected` one, where that
// is not empty. Header and length are checked before anything is allocated, so a file costs no more memory
// than its own size.
template <class T>
NpyArray<T> read_npy(const std::string& path, const std::vector<int64_t>& expected = {});

}  // namespace alertbench
