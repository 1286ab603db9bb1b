#include "workloads/image_folder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <map>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/text_file.h"
#include "workloads/jpeg.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;

constexpr const char* blanks = " \t\r\v\f";
constexpr size_t max_line_bytes = 64 << 10;  // far beyond the longest path

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_jpeg_name(const fs::path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return ending == ".jpg" || ending == ".jpeg";
}

fs::path parent_of(const fs::path& dir) {
  return fs::absolute(dir / "").lexically_normal().parent_path().parent_path();
}

// Names in byte order, so that labels and indices are the same on every file system.
template <class Wanted>
std::vector<std::string> names_in(const fs::path& dir, Wanted wanted) {
  std::vector<std::string> names;
  try {
    for (const auto& entry : fs::directory_iterator(dir)) {
      const std::string name = entry.path().filename().string();
      if (name[0] != '.' && wanted(entry.path())) names.push_back(name);
    }
  } catch (const fs::filesystem_error& error) {
    throw InputError(fmt::format("{}: cannot be listed: {}", dir.string(), error.code().message()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> jpegs_in(const fs::path& dir) {
  return names_in(dir, [](const fs::path& p) { return is_jpeg_name(p) && is_file(p); });
}

std::string find_list(const fs::path& dir) {
  for (const char* name : {"val.txt", "labels.txt"}) {
    if (is_file(dir / name)) return (dir / name).string();
  }
  return "";
}

// Calls use(line, where) with the trimmed lines that say something; `where` is "FILE:LINE".
template <class Use>
void each_line(const std::string& path, Use use) {
  LineReader lines(path, max_line_bytes);
  for (std::string line; lines.next(line);) {
    const size_t first = line.find_first_not_of(blanks);
    if (first == std::string::npos || line[first] == '#') continue;
    use(line.substr(first, line.find_last_not_of(blanks) + 1 - first),
        fmt::format("{}:{}", path, lines.number()));
  }
}

int parse_label(const std::string& text, int classes, const std::string& where) {
  int label = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), label);
  if (error != std::errc() || end != text.data() + text.size() || label < 0 || label >= classes) {
    throw InputError(fmt::format("{}: label '{}': expected an integer of 0..{} (labels start at 0)", where,
                                 text, classes - 1));
  }
  return label;
}

// Folder of a class -> label.
std::map<std::string, int> read_synsets(const std::string& path, int classes) {
  std::map<std::string, int> labels;
  each_line(path, [&](const std::string& line, const std::string& where) {
    const std::string word = line.substr(0, line.find_first_of(blanks));
    if (!labels.emplace(word, static_cast<int>(labels.size())).second) {
      throw InputError(fmt::format("{}: duplicate class '{}'", where, word));
    }
  });
  if (static_cast<int>(labels.size()) != classes) {
    throw InputError(fmt::format("{}: expected {} classes, found {}", path, classes, labels.size()));
  }
  return labels;
}

// The numbers of names that are one text and then a number each ("7", "class7"); empty if they are not.
std::vector<int> numbers_of(const std::vector<std::string>& names) {
  std::vector<int> numbers;
  std::string_view text;
  for (const std::string& name : names) {
    const size_t last = name.find_last_not_of("0123456789");
    const std::string_view begin = std::string_view(name).substr(0, last == std::string::npos ? 0 : last + 1);
    const std::string_view digits = std::string_view(name).substr(begin.size());
    int number = 0;
    if (digits.empty() || (!numbers.empty() && begin != text)) return {};
    if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec != std::errc()) return {};
    text = begin;
    numbers.push_back(number);
  }
  return numbers;
}

// Labels of the folders of all classes, where no list names them; `from` says where they come from.
std::map<std::string, int> labels_of(const std::vector<std::string>& folders, const std::string& dir,
                                     std::string& from) {
  std::map<std::string, int> labels;
  const std::vector<int> numbers = numbers_of(folders);  // in byte order of the names: "10" comes before "2"
  if (!std::is_sorted(numbers.begin(), numbers.end())) {
    std::vector<int> sorted = numbers;
    std::sort(sorted.begin(), sorted.end());
    for (size_t n = 0; n < sorted.size(); ++n)
      if (sorted[n] != static_cast<int>(n))
        throw InputError(
            fmt::format("{}: the class folders are numbered, but not 0 to {}, each once ({} is missing), so "
                        "their order is "
                        "unclear; add a val.txt with lines `file label`, or a synset_words.txt",
                        dir, folders.size() - 1, n));
    for (size_t i = 0; i < folders.size(); ++i) labels.emplace(folders[i], numbers[i]);
    from = "the folders' numbers";
    return labels;
  }
  for (const auto& folder : folders) labels.emplace(folder, static_cast<int>(labels.size()));
  from = "sorted folder names";
  return labels;
}

}  // namespace

ImageFolder::ImageFolder(std::string dir, int classes, std::string name)
    : dir_(std::move(dir)), name_(std::move(name)), classes_(classes) {
  if (!is_folder(dir_)) {
    throw InputError(
        fmt::format("{}: no such folder; pass the folder with the images: --data {}=DIR", dir_, name_));
  }
  const fs::path root(dir_);
  const fs::path parent = parent_of(root);
  if (const std::string list = find_list(root); !list.empty()) {
    read_list(list, {dir_, (root / "val").string(), (root / "images").string()});
  } else if (!jpegs_in(root).empty()) {
    const std::string above = find_list(parent);
    if (above.empty()) {
      throw InputError(fmt::format("{}: images without labels; add a val.txt with lines `file label`", dir_));
    }
    read_list(above, {dir_, parent.string()});
  } else {
    read_class_folders();
  }
}

void ImageFolder::read_list(const std::string& list, const std::vector<std::string>& roots) {
  labels_from_ = list;
  std::map<std::string, std::string> seen;  // path -> where
  each_line(list, [&](const std::string& line, const std::string& where) {
    const size_t last = line.find_last_of(blanks);
    if (last == std::string::npos) {
      throw InputError(fmt::format("{}: '{}': expected `file label`", where, line));
    }
    const std::string id = line.substr(0, line.find_last_not_of(blanks, last) + 1);
    const int label = parse_label(line.substr(last + 1), classes_, where);
    const auto in =
        std::find_if(roots.begin(), roots.end(), [&](const auto& r) { return is_file(fs::path(r) / id); });
    if (in == roots.end()) {
      throw InputError(fmt::format("{}: '{}': no such file in {}; add it, or remove the line", where, id,
                                   fmt::join(roots, ", ")));
    }
    const std::string path = (fs::path(*in) / id).lexically_normal().string();
    const auto [first, fresh] = seen.emplace(path, where);
    if (!fresh)
      throw InputError(fmt::format("{}: duplicate file '{}', first at {}", where, id, first->second));
    items_.push_back({id, path, label});
  });
  if (items_.empty()) throw InputError(fmt::format("{}: expected lines `file label`, found none", list));
}

void ImageFolder::read_class_folders() {
  const fs::path root(dir_);
  const auto folders = names_in(root, is_folder);
  std::map<std::string, int> labels;
  for (const fs::path& near : {root, parent_of(root)}) {
    const fs::path synsets = near / "synset_words.txt";
    if (!labels_from_.empty() || !is_file(synsets)) continue;
    labels_from_ = synsets.string();
    labels = read_synsets(labels_from_, classes_);
  }
  if (labels_from_.empty()) {
    if (static_cast<int>(folders.size()) != classes_) {
      throw InputError(
          fmt::format("{}: no val.txt, no labels.txt, and {} class folders where {} are expected; add "
                      "a val.txt with lines `file label`, or a synset_words.txt that names all classes",
                      dir_, folders.size(), classes_));
    }
    labels = labels_of(folders, dir_, labels_from_);
  }
  for (const auto& folder : folders) {
    const auto files = jpegs_in(root / folder);
    const auto known = labels.find(folder);
    if (known == labels.end()) {
      if (files.empty()) continue;
      throw InputError(fmt::format("{}: class folder '{}' is not in {}", dir_, folder, labels_from_));
    }
    for (const auto& file : files) {
      items_.push_back({folder + "/" + file, (root / folder / file).string(), known->second});
    }
  }
  if (items_.empty()) throw InputError(fmt::format("{}: its class folders contain no JPEG files", dir_));
}

std::string ImageFolder::data_source() const {
  return fmt::format("{}: {} images, {} classes, labels from {}", dir_, size(), classes_, labels_from_);
}

Image ImageFolder::input(int64_t n, const ImageSpec& spec) const {
  return preprocess(read_jpeg(item(n).path), spec);
}

}  // namespace alertbench
