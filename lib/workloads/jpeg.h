// JPEG decoding with libjpeg, exact (accurate integer DCT, no scaled decoding) and strict.
#pragma once

#include <string>

#include "workloads/preprocess.h"

namespace alertbench {

constexpr int64_t max_jpeg_pixels = 64 * 1024 * 1024;  // 64 Mpixel: checked before anything is decoded

// Decodes a file to RGB; grey, CMYK and YCCK are converted. Throws InputError that names the file where it is
// missing, empty, no JPEG, too large, or where libjpeg warns of missing or corrupt data.
Pixels read_jpeg(const std::string& path);

}  // namespace alertbench
