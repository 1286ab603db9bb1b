#include "workloads/jpeg.h"

#include <fmt/format.h>

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>

// These two need size_t and FILE from above.
#include <jerror.h>
#include <jpeglib.h>

#include "base/error.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;

constexpr uintmax_t max_jpeg_bytes = uintmax_t{256} << 20;

[[noreturn]] void bad_jpeg(const std::string& path, const std::string& what) {
  throw InputError(fmt::format("{}: {}; replace the file, or remove it from the data set", path, what));
}

std::vector<uint8_t> read_bytes(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) bad_jpeg(path, "expected a JPEG file, found none");
  const uintmax_t size = fs::file_size(path, error);
  if (error) bad_jpeg(path, error.message());
  if (size == 0) bad_jpeg(path, "the JPEG file is empty");
  if (size > max_jpeg_bytes)
    bad_jpeg(path, fmt::format("{} bytes are more than the limit of {}", size, max_jpeg_bytes));
  std::vector<uint8_t> bytes(size);
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size))) {
    bad_jpeg(path, "cannot be read");
  }
  return bytes;
}

struct Decoder {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX] = "";

  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { jpeg_destroy_decompress(&jpeg); }
};

[[noreturn]] void on_error(j_common_ptr jpeg) {
  auto* decoder = static_cast<Decoder*>(jpeg->client_data);
  jpeg->err->format_message(jpeg, decoder->message);
  std::longjmp(decoder->escape, 1);
}

void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;  // a trace, no warning
  const jpeg_error_mgr& error = *jpeg->err;
  if (error.msg_code == JWRN_JFIF_MAJOR || error.msg_code == JWRN_ADOBE_XFORM) return;
  // Padding before the end marker: all pixels are decoded by then, and cameras write it.
  if (error.msg_code == JWRN_EXTRANEOUS_DATA && error.msg_parm.i[1] == JPEG_EOI) return;
  on_error(jpeg);
}

// A progressive file goes over the whole image once a scan, and a scan may take a few bytes.
void on_progress(j_common_ptr common) {
  const auto* jpeg = reinterpret_cast<j_decompress_ptr>(common);
  const int64_t scans = jpeg->input_scan_number, pixels = int64_t{jpeg->image_width} * jpeg->image_height;
  if (scans <= max_jpeg_scans && scans * pixels <= max_jpeg_scanned_pixels) return;
  auto* decoder = static_cast<Decoder*>(common->client_data);
  std::snprintf(decoder->message, sizeof decoder->message,
                "%d or more scans over %ux%u pixels are more than the limit (%lld at this size)",
                jpeg->input_scan_number, jpeg->image_width, jpeg->image_height,
                static_cast<long long>(
                    std::min(max_jpeg_scans, max_jpeg_scanned_pixels / std::max<int64_t>(pixels, 1))));
  std::longjmp(decoder->escape, 1);
}

// The functions with setjmp hold nothing that has a destructor: longjmp would skip it.
bool read_header(Decoder& decoder, const uint8_t* bytes, size_t size) {
  jpeg_decompress_struct& jpeg = decoder.jpeg;
  jpeg.err = jpeg_std_error(&decoder.errors);
  decoder.errors.error_exit = on_error;
  decoder.errors.emit_message = on_message;
  jpeg.client_data = &decoder;
  if (setjmp(decoder.escape)) return false;
  jpeg_create_decompress(&jpeg);
  decoder.progress.progress_monitor = on_progress;
  jpeg.progress = &decoder.progress;
  jpeg_mem_src(&jpeg, bytes, static_cast<unsigned long>(size));
  jpeg_read_header(&jpeg, TRUE);
  const bool inks = jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK;
  jpeg.out_color_space = inks ? JCS_CMYK : JCS_RGB;
  jpeg.dct_method = JDCT_ISLOW;
  jpeg_calc_output_dimensions(&jpeg);
  return true;
}

bool read_rows(Decoder& decoder, uint8_t* pixels, size_t stride) {
  jpeg_decompress_struct& jpeg = decoder.jpeg;
  if (setjmp(decoder.escape)) return false;
  jpeg_start_decompress(&jpeg);
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = pixels + jpeg.output_scanline * stride;
    jpeg_read_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_decompress(&jpeg);
  return true;
}

// Taken as inverted (255 = no ink), as Pillow takes them all: Adobe's files are, and so are most without
// Adobe's marker.
std::vector<uint8_t> rgb_from_inks(const std::vector<uint8_t>& cmyk) {
  std::vector<uint8_t> rgb;
  rgb.reserve(cmyk.size() / 4 * 3);
  for (size_t i = 0; i < cmyk.size(); i += 4)
    for (size_t c = 0; c < 3; ++c)
      rgb.push_back(static_cast<uint8_t>((cmyk[i + c] * cmyk[i + 3] + 127) / 255));
  return rgb;
}

}  // namespace

Pixels read_jpeg(const std::string& path) {
  const auto bytes = read_bytes(path);
  Decoder decoder;
  if (!read_header(decoder, bytes.data(), bytes.size())) {
    bad_jpeg(path, fmt::format("cannot be decoded as JPEG: {}", decoder.message));
  }
  const jpeg_decompress_struct& jpeg = decoder.jpeg;
  if (int64_t{jpeg.image_width} * jpeg.image_height > max_jpeg_pixels) {
    bad_jpeg(path, fmt::format("{}x{} pixels are more than the limit of {}", jpeg.image_width,
                               jpeg.image_height, max_jpeg_pixels));
  }
  Pixels pixels{3, static_cast<int>(jpeg.output_height), static_cast<int>(jpeg.output_width), {}};
  const size_t stride = size_t{jpeg.output_width} * static_cast<size_t>(jpeg.output_components);
  pixels.hwc.resize(stride * jpeg.output_height);
  if (!read_rows(decoder, pixels.hwc.data(), stride)) {
    bad_jpeg(path, fmt::format("cannot be decoded as JPEG: {}", decoder.message));
  }
  if (jpeg.out_color_space == JCS_CMYK) pixels.hwc = rgb_from_inks(pixels.hwc);
  return pixels;
}

}  // namespace alertbench
