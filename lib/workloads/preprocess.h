// From decoded pixels to what a network is fed; the same path for every data set.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/workload.h"

namespace alertbench {

// Decoded image: height * width * channels bytes, rows from the top, channels interleaved.
struct Pixels {
  int channels = 0, height = 0, width = 0;
  std::vector<uint8_t> hwc;
};

// Central square crop, bilinear or bicubic resize of the crop, then (x - mean) * scale. Throws InputError on
// a spec that is out of range, or whose channels are not the pixels'.
//
// Crop and resize are those of Pillow, `image.resize((width, height), BILINEAR or BICUBIC, box=...)`, bit for
// bit:
//  - The crop is a box with fractional edges: side = crop * min(height, width), centred. 227x227 at 0.875:
//    from 14.1875 to 212.8125. Neighbours outside the box, but in the image, count at its edges.
//  - Antialiased: a triangle filter of half-width max(1, side / size), or a cubic one (Keys', a = -1/2) of
//    twice that, so that a downscale reads every pixel.
//  - Horizontally first, then vertically, rounded to 8 bits after each pass.
// A crop of 1 of a square image to its own size changes nothing.
//
// This is not PyTorch's F.interpolate(mode="bilinear", align_corners=False), which reads two pixels each way
// however far it scales down, and so aliases. The two are up to 4.4 points of top-1 apart, most on the
// smallest network: MobileNetV1 0.25@128 gets 53.0% here and 57.4% there (800 images of ImageNet at 227x227,
// there of an integer crop). Feed a network what it is published with.
Image preprocess(const Pixels& pixels, const ImageSpec& spec);

}  // namespace alertbench
