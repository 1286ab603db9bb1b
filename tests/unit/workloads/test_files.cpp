// Data sets read from files; every file is made here. With ALERT_TEST_IMAGENET=DIR real images are read too.
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

// After <cstdio>: it needs size_t and FILE.
#include <jpeglib.h>

#include "base/error.h"
#include "catch.h"
#include "support.h"
#include "workloads/fashion_mnist.h"
#include "workloads/image_folder.h"
#include "workloads/jpeg.h"
#include "workloads/workload_factory.h"

using namespace alertbench;
namespace fs = std::filesystem;

namespace {

void write_gzip(const std::string& path, const std::string& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
}

std::string words(const std::vector<uint32_t>& values) {
  std::string bytes;
  for (const uint32_t value : values) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift & 255));
  }
  return bytes;
}

const std::string images_file = "t10k-images-idx3-ubyte", labels_file = "t10k-labels-idx1-ubyte";

std::string idx_images(uint32_t count) {
  std::string bytes = words({0x803, count, 28, 28});
  for (uint32_t i = 0; i < count * 784; ++i) bytes.push_back(static_cast<char>((i + i / 784) % 251));
  return bytes;
}

std::string idx_labels(uint32_t count) {
  std::string bytes = words({0x801, count});
  for (uint32_t i = 0; i < count; ++i) bytes.push_back(static_cast<char>(i % 10));
  return bytes;
}

std::string fashion_refusal(const std::string& images, const std::string& labels) {
  Folder folder;
  put(folder / images_file, images);
  put(folder / labels_file, labels);
  return message_of([&] { FashionMnist(folder.path); });
}

// One colour; `components` are those of the JPEG colour space.
void write_jpeg(const std::string& path, J_COLOR_SPACE space, std::vector<uint8_t> colour, int height = 16,
                int width = 24, const std::vector<jpeg_scan_info>& scans = {}) {
  fs::create_directories(fs::path(path).parent_path());
  std::FILE* file = std::fopen(path.c_str(), "wb");
  REQUIRE(file);
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  jpeg_stdio_dest(&jpeg, file);
  jpeg.image_height = static_cast<JDIMENSION>(height);
  jpeg.image_width = static_cast<JDIMENSION>(width);
  jpeg.input_components = static_cast<int>(colour.size());
  jpeg.in_color_space = space;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 100, TRUE);
  if (!scans.empty()) jpeg.scan_info = scans.data();
  jpeg.num_scans = static_cast<int>(scans.size());
  jpeg_start_compress(&jpeg, TRUE);
  std::vector<uint8_t> line;
  for (int x = 0; x < width; ++x) line.insert(line.end(), colour.begin(), colour.end());
  while (jpeg.next_scanline < jpeg.image_height) {
    JSAMPROW row = line.data();
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::fclose(file);
}

void write_grey(const std::string& path, uint8_t level = 100) { write_jpeg(path, JCS_GRAYSCALE, {level}); }

void check_colour(const Pixels& pixels, int red, int green, int blue) {
  REQUIRE(pixels.channels == 3);
  REQUIRE(pixels.hwc.size() == static_cast<size_t>(pixels.height) * static_cast<size_t>(pixels.width) * 3);
  const int expected[] = {red, green, blue};
  for (size_t i = 0; i < pixels.hwc.size(); ++i) {
    if (std::abs(pixels.hwc[i] - expected[i % 3]) > 3) {
      FAIL("byte " << i << " is " << int{pixels.hwc[i]} << ", not " << expected[i % 3]);
    }
  }
}

ImageSpec small_spec(int channels) {
  ImageSpec spec;
  spec.channels = channels, spec.height = spec.width = 8, spec.crop = 1;
  return spec;
}

}  // namespace

TEST_CASE("Fashion-MNIST is read from gzip and plain files", "[workloads]") {
  Folder folder;
  const bool gzip = GENERATE(true, false);
  if (gzip) {
    write_gzip(folder / (images_file + ".gz"), idx_images(12));
    write_gzip(folder / (labels_file + ".gz"), idx_labels(12));
  } else {
    put(folder / images_file, idx_images(12));
    put(folder / labels_file, idx_labels(12));
  }
  const FashionMnist set(folder.path);
  CHECK(set.size() == 12);
  CHECK(set.classes() == 10);
  CHECK(set.labelled());
  CHECK(set.pixels().size() == 12 * 784);
  CHECK(set.labels().size() == 12);
  CHECK(set.label(11) == 1);
  CHECK(set.input_id(11) == "test/11");
  CHECK(set.data_source() == folder.path + ": 12 images of split 'test', 10 classes");
  ImageSpec spec;
  spec.channels = 1, spec.height = spec.width = 28, spec.crop = 1;
  const auto image = set.input(3, spec);
  REQUIRE(image.chw.size() == 784);
  bool same = true;
  for (size_t i = 0; i < 784; ++i)
    same = same && image.chw[i] == static_cast<float>(set.pixels()[3 * 784 + i]);
  CHECK(same);
  CHECK_THROWS_AS(set.input(12, spec), std::out_of_range);
  CHECK_THROWS_AS(set.label(-1), std::out_of_range);
  CHECK_THROWS_AS(set.input(0, ImageSpec{}), InputError);
  CHECK_THROWS_AS(FashionMnist(folder.path, "train"), InputError);
  CHECK_THROWS_AS(FashionMnist(folder.path, "val"), InputError);
}

TEST_CASE("Fashion-MNIST: a bad file is named, with what was expected and the mend", "[workloads]") {
  const auto good_images = idx_images(3), good_labels = idx_labels(3);
  CHECK(fashion_refusal(good_images, good_labels) == "");
  const std::string mend = "apt-get install dataset-fashion-mnist";

  check_says(fashion_refusal(good_labels, good_labels), {images_file, "magic", "0x803", "0x801", mend});
  check_says(fashion_refusal(good_images, good_images), {labels_file, "magic", mend});
  check_says(fashion_refusal("", good_labels), {images_file, "header", mend});
  check_says(fashion_refusal(good_images.substr(0, 10), good_labels), {images_file, "rows"});
  check_says(fashion_refusal(good_images.substr(0, 1000), good_labels), {images_file, "2352", "984"});
  check_says(fashion_refusal(good_images + "x", good_labels), {images_file, "found more"});
  check_says(fashion_refusal(good_images, idx_labels(4)), {labels_file, "3", "4"});
  check_says(fashion_refusal(good_images, good_labels.substr(0, 10)), {labels_file, "found 2"});
  check_says(fashion_refusal(good_images, words({0x801, 3}) + std::string("\x01\x0a\x02")),
             {labels_file, "0..9", "10", "index 1"});
  check_says(fashion_refusal(words({0x803, 3, 28, 29}), good_labels), {images_file, "columns"});
  check_says(message_of([] { FashionMnist("/no/such/folder"); }), {"/no/such/folder", images_file, mend});
}

TEST_CASE("Fashion-MNIST: hostile headers cost no memory", "[workloads]") {
  for (const uint32_t count : {0u, 1000001u, 0x7fffffffu, 0xffffffffu}) {
    check_says(fashion_refusal(words({0x803, count, 28, 28}), idx_labels(1)), {images_file, "count"});
  }
  check_says(fashion_refusal(words({0x803, 1000000, 28, 28}), idx_labels(1)),
             {"expected 784000000 bytes", "found 0"});
  check_says(fashion_refusal(words({0x803, 1, 0xffffffff, 0xffffffff}), idx_labels(1)), {"rows"});
}

TEST_CASE("Fashion-MNIST: damaged gzip files", "[workloads]") {
  Folder folder;
  const std::string images = folder / (images_file + ".gz");
  write_gzip(images, idx_images(12));
  write_gzip(folder / (labels_file + ".gz"), idx_labels(12));
  const std::string whole = content_of(images);
  const auto refused = [&] { return message_of([&] { FashionMnist(folder.path); }); };
  CHECK(refused() == "");
  for (const size_t lost : {1u, 8u, 100u}) {
    put(images, whole.substr(0, whole.size() - lost));
    check_says(refused(), {images, "cut off"});
  }
  std::string wrong_sum = whole;
  wrong_sum[whole.size() - 6] ^= 1;
  put(images, wrong_sum);
  check_says(refused(), {images, "incorrect data check"});
  fs::remove(images);
  fs::create_directory(images);
  check_says(refused(), {images_file, "found neither"});
}

TEST_CASE("Fashion-MNIST of the Debian package", "[workloads][data]") {
  if (!fs::exists(FashionMnist::default_dir)) {
    WARN("skipped: no " << FashionMnist::default_dir << "; apt-get install dataset-fashion-mnist");
    return;
  }
  const auto made = make_workload("fashion-mnist", "", 1);
  const auto* test = dynamic_cast<const ImageWorkload*>(made.get());
  REQUIRE(test);
  CHECK(test->size() == 10000);
  CHECK(test->label(0) == 9);
  CHECK(test->input(9999, small_spec(1)).chw.size() == 64);
  const FashionMnist train(FashionMnist::default_dir, "train");
  CHECK(train.size() == 60000);
  for (uint8_t label = 0; label < 10; ++label) {
    CHECK(std::count(train.labels().begin(), train.labels().end(), label) == 6000);
  }
}

TEST_CASE("JPEG files of all colour spaces become RGB", "[workloads]") {
  Folder folder;
  const std::string file = folder / "a.jpg";
  write_jpeg(file, JCS_RGB, {200, 100, 50}, 16, 24);
  const auto pixels = read_jpeg(file);
  CHECK(pixels.height == 16);
  CHECK(pixels.width == 24);
  check_colour(pixels, 200, 100, 50);
  write_grey(file, 77);
  check_colour(read_jpeg(file), 77, 77, 77);
  // libjpeg writes Adobe's marker, hence inverted inks: 255 is none.
  write_jpeg(file, JCS_CMYK, {255, 128, 0, 255});
  check_colour(read_jpeg(file), 255, 128, 0);
  write_jpeg(file, JCS_CMYK, {200, 100, 50, 128});
  check_colour(read_jpeg(file), 100, 50, 25);
  // Without the marker (Adobe's APP14 becomes a comment) they are inverted all the same, as Pillow has it.
  std::string bytes = content_of(file);
  const size_t marker = bytes.find("\xff\xee");
  REQUIRE(marker != std::string::npos);
  bytes[marker + 1] = '\xfe';
  put(file, bytes);
  check_colour(read_jpeg(file), 100, 50, 25);
}

// Every coefficient of a grey image in steps of one bit.
std::vector<jpeg_scan_info> finest_scans(int bits) {
  std::vector<jpeg_scan_info> scans;
  for (int k = 0; k < 64; ++k)
    for (int low = bits; low >= 0; --low) scans.push_back({1, {0}, k, k, low == bits ? 0 : low + 1, low});
  return scans;
}

TEST_CASE("a progressive JPEG is read, but not one of very many scans", "[workloads]") {
  Folder folder;
  const std::string file = folder / "progressive.jpg";
  write_jpeg(file, JCS_GRAYSCALE, {77}, 16, 24, finest_scans(1));  // 128 scans
  check_colour(read_jpeg(file), 77, 77, 77);
  write_jpeg(file, JCS_GRAYSCALE, {77}, 16, 24, finest_scans(9));  // 640 scans
  check_says(message_of([&] { read_jpeg(file); }),
             {file, "501 or more scans", "24x16", "limit (500 at this size)"});
  write_jpeg(file, JCS_GRAYSCALE, {77}, 4096, 4096, finest_scans(1));
  check_says(message_of([&] { read_jpeg(file); }),
             {file, "65 or more scans", "4096x4096", "limit (64 at this size)"});
}

TEST_CASE("files that are no whole JPEG are refused by name", "[workloads]") {
  Folder folder;
  const std::string file = folder / "bad.jpg";
  const auto refused = [&](const std::string& bytes) {
    put(file, bytes);
    return message_of([&] { read_jpeg(file); });
  };
  write_jpeg(file, JCS_RGB, {200, 100, 50}, 64, 64);
  const std::string whole = content_of(file);
  CHECK(refused(whole) == "");
  for (const size_t kept :
       {whole.size() - 1, whole.size() - 2, whole.size() - 40, size_t{200}, size_t{2}, size_t{1}}) {
    INFO("kept " << kept << " of " << whole.size());
    check_says(refused(whole.substr(0, kept)), {file, "JPEG"});
  }
  check_says(refused("this is a text\n"), {file, "Not a JPEG file"});
  check_says(refused(""), {file, "empty"});
  check_says(message_of([&] { read_jpeg(folder / "none.jpg"); }), {"none.jpg", "found none"});
  check_says(message_of([&] { read_jpeg(folder.path); }), {folder.path, "found none"});
  // Cameras pad before the end marker; all pixels are there.
  CHECK(refused(whole.substr(0, whole.size() - 2) + std::string(5, '\0') + "\xff\xd9") == "");
  CHECK(refused(whole + "trailer") == "");
}

TEST_CASE("a JPEG header that promises too many pixels is refused before decoding", "[workloads]") {
  Folder folder;
  const std::string file = folder / "bomb.jpg";
  write_jpeg(file, JCS_RGB, {1, 2, 3});
  std::string bytes = content_of(file);
  const size_t frame = bytes.find("\xff\xc0");
  REQUIRE(frame != std::string::npos);
  bytes.replace(frame + 5, 4, "\xff\xdc\xff\xdc");
  put(file, bytes);
  check_says(message_of([&] { read_jpeg(file); }), {file, "65500x65500", "limit"});
}

TEST_CASE("an image folder with a list", "[workloads]") {
  Folder folder;
  for (const char* name : {"one.jpg", "two words.JPEG", "sub/three.jpg"})
    write_grey(folder / ("val/" + std::string(name)));
  const std::string list = "# of mine\r\n\r\none.jpg 3\r\n  two words.JPEG\t999 \nsub/three.jpg 0";
  const std::string name = GENERATE("val.txt", "labels.txt");
  put(folder / name, list);

  // Opened by the folder that holds the list, and by the one that holds the images; with a slash at the end
  // or not.
  for (const std::string& dir : {folder.path, folder / "val", folder / "val/"}) {
    INFO(dir);
    const ImageFolder set(dir);
    REQUIRE(set.size() == 3);
    CHECK(set.name() == "imagenet");
    CHECK(set.classes() == 1000);
    CHECK(set.input_id(1) == "two words.JPEG");
    CHECK(set.label(0) == 3);
    CHECK(set.label(1) == 999);
    CHECK(set.label(2) == 0);
    const auto image = set.input(2, small_spec(3));
    REQUIRE(image.chw.size() == 3 * 64);
    CHECK(image.chw[100] == Approx(100).margin(1));
    CHECK_THROWS_AS(set.input(3, small_spec(3)), std::out_of_range);
    CHECK_THROWS_AS(set.label(-1), std::out_of_range);
    check_says(set.data_source(), {dir, "3 images", "1000 classes", name});
  }
  CHECK(make_workload("imagenet", folder.path, 1)->size() == 3);
  check_says(message_of([&] { ImageFolder(folder.path, 999); }), {name + ":4", "'999'", "0..998"});
}

TEST_CASE("an image list's faults are named by line", "[workloads]") {
  Folder folder;
  write_grey(folder / "a.jpg");
  write_grey(folder / "b.jpg");
  const auto refused = [&](const std::string& list) {
    put(folder / "val.txt", list);
    return message_of([&] { ImageFolder(folder.path, 10); });
  };
  CHECK(refused("a.jpg 1\nb.jpg 9\n") == "");
  check_says(refused("a.jpg 1\n\nc.jpg 2\n"), {"val.txt:3", "'c.jpg'", "no such file"});
  check_says(refused("a.jpg 1\nb.jpg 2\na.jpg 1\n"), {"val.txt:3", "duplicate", "val.txt:1"});
  check_says(refused("a.jpg 1\n./a.jpg 1\n"), {"val.txt:2", "duplicate"});
  check_says(refused("a.jpg\n"), {"val.txt:1", "`file label`"});
  for (const char* label : {"10", "-1", "1.5", "x", "1x", "+1", "99999999999"}) {
    check_says(refused(std::string("a.jpg ") + label + "\n"),
               {"val.txt:1", std::string("'") + label + "'", "0..9"});
  }
  check_says(refused("# nothing\n\n"), {"val.txt", "found none"});
}

TEST_CASE("an image folder of class folders", "[workloads]") {
  Folder folder;
  write_grey(folder / "n02/b.jpg", 20);
  write_grey(folder / "n02/a.JPG", 21);
  write_grey(folder / "n01/z.jpeg", 10);
  write_grey(folder / "n01/.hidden.jpg");
  put(folder / "n01/notes.txt", "stray");
  put(folder / "README", "stray");
  write_grey(folder / ".cache/x.jpg");
  fs::create_directory(folder / "n03");

  SECTION("sorted folder names are the classes") {
    const ImageFolder set(folder.path, 3, "three");
    REQUIRE(set.size() == 3);
    CHECK(set.name() == "three");
    CHECK(set.input_id(0) == "n01/z.jpeg");
    CHECK(set.input_id(1) == "n02/a.JPG");
    CHECK(set.input_id(2) == "n02/b.jpg");
    CHECK(set.label(0) == 0);
    CHECK(set.label(2) == 1);
    CHECK(set.input(2, small_spec(3)).chw[0] == Approx(20).margin(1));
  }
  SECTION("another number of folders than of classes would shift the labels") {
    check_says(message_of([&] { ImageFolder(folder.path); }),
               {"3 class folders", "1000", "synset_words.txt"});
  }
  SECTION("synset_words.txt gives the order") {
    put(folder / "synset_words.txt", "n02 cat, puss\nn09 not here\nn01 dog\n");
    const ImageFolder set(folder.path, 3);
    REQUIRE(set.size() == 3);
    CHECK(set.label(0) == 2);
    CHECK(set.label(1) == 0);
    check_says(message_of([&] { ImageFolder(folder.path, 4); }),
               {"synset_words.txt", "expected 4", "found 3"});
    write_grey(folder / "n07/c.jpg");
    check_says(message_of([&] { ImageFolder(folder.path, 3); }), {"'n07'", "synset_words.txt"});
    put(folder / "synset_words.txt", "n02 cat\nn01 dog\nn02 cat again\n");
    check_says(message_of([&] { ImageFolder(folder.path, 3); }), {"synset_words.txt:3", "n02", "duplicate"});
  }
}

TEST_CASE("numbered class folders are labelled by their numbers", "[workloads]") {
  Folder folder;
  const std::string before = GENERATE("", "class_");
  for (int label = 0; label < 12; ++label)
    write_grey(folder / (before + std::to_string(label) + "/a.jpg"), static_cast<uint8_t>(10 * label));
  const ImageFolder set(folder.path, 12);
  REQUIRE(set.size() == 12);
  for (int64_t n = 0; n < 12; ++n)
    CHECK(set.input(n, small_spec(3)).chw[0] == Approx(10 * set.label(n)).margin(1));
  check_says(set.data_source(), {"the folders' numbers"});

  fs::rename(folder / (before + "0"),
             folder / (before + "12"));  // 1 to 12: from which number do the labels count?
  check_says(message_of([&] { ImageFolder(folder.path, 12); }),
             {folder.path, "numbered", "0 to 11", "0 is missing", "val.txt"});
  fs::rename(folder / (before + "12"), folder / (before + "01"));
  check_says(message_of([&] { ImageFolder(folder.path, 12); }), {"numbered", "0 is missing"});
}

TEST_CASE("numbers of one width are in byte order", "[workloads]") {
  Folder folder;
  for (const char* name : {"01", "02", "10"}) write_grey(folder / (std::string(name) + "/a.jpg"));
  const ImageFolder set(folder.path, 3);
  CHECK(set.label(2) == 2);
  check_says(set.data_source(), {"sorted folder names"});
}

TEST_CASE("a list with a byte order mark, and one without an end", "[workloads]") {
  Folder folder;
  write_grey(folder / "a.jpg");
  put(folder / "val.txt",
      "\xEF\xBB\xBF"
      "a.jpg 7");
  CHECK(ImageFolder(folder.path).label(0) == 7);
  put(folder / "val.txt", "a.jpg 7\n" + std::string(1 << 20, 'b'));
  check_says(message_of([&] { ImageFolder(folder.path); }), {"val.txt", "line 2 is longer"});
}

TEST_CASE("folders that are no data set", "[workloads]") {
  Folder folder;
  check_says(message_of([&] { ImageFolder(folder / "none"); }), {"none", "no such folder"});
  check_says(message_of([&] { ImageFolder(folder.path); }), {folder.path, "0 class folders"});
  write_grey(folder / "in/a.jpg");
  check_says(message_of([&] { ImageFolder(folder / "in"); }), {"in", "without labels", "val.txt"});
  fs::create_directories(folder / "empty/a");
  check_says(message_of([&] { ImageFolder(folder / "empty", 1); }), {"empty", "no JPEG files"});
}

TEST_CASE("real ImageNet images all decode", "[workloads][data]") {
  const char* dir = std::getenv("ALERT_TEST_IMAGENET");
  if (!dir) {
    WARN("skipped: ALERT_TEST_IMAGENET (a folder with val.txt and images) is not set");
    return;
  }
  const auto set = make_workload("imagenet", dir, 1);
  CHECK(set->labelled());
  size_t flat = 0;
  for (int64_t n = 0; n < set->size(); ++n) {
    const auto image = std::get<Image>(set->network_input(n, ImageSpec{}));
    const auto [low, high] = std::minmax_element(image.chw.begin(), image.chw.end());
    REQUIRE(image.chw.size() == 3 * 224 * 224);
    REQUIRE(*low >= 0);
    REQUIRE(*high <= 255);
    flat += *high - *low < 20;
  }
  CHECK(flat == 0);
}
