// JPEG decoding with libjpeg, exact (accurate integer DCT, no scaled decoding) and strict.
#pragma once

#include <string>

#include "workloads/preprocess.h"

namespace alertbench {

constexpr int64_t max_jpeg_pixels = 64 * 1024 * 1024;  // 64 Mpixel: checked before anything is decoded
// Scans of a progressive file: writers make some 10, optimisers up to about 100; a scan costs some ns a pixel
// however short it is.
constexpr int64_t max_jpeg_scans = 500, max_jpeg_scanned_pixels = 1024 * 1024 * 1024;

// Decodes a file to RGB; grey, CMYK and YCCK are converted, as Pillow does it. Throws InputError that names
// the file where it is missing, empty, no JPEG, too large, has too many scans, or where libjpeg warns of
// missing or corrupt data.
Pixels read_jpeg(const std::string& path);

}  // namespace alertbench
