// Folders of labelled JPEG files, as ImageNet is handed around.
#pragma once

#include <string>
#include <vector>

#include "workloads/workload.h"

namespace alertbench {

// The first of these layouts that fits is taken:
//  1. `dir` holds a list, val.txt or labels.txt: a line is `file label`; blank lines and lines that begin
//     with `#` are skipped. Files are looked for in `dir`, then in its folder val/ (images/ too).
//  2. `dir` holds JPEG files, and its parent the list; files are looked for in `dir`, then in the parent.
//  3. `dir` holds a folder for each class. With a synset_words.txt (in `dir` or its parent; the first word of
//     line k is the folder of class k) some classes may have no folder; without, the folders in byte order
//     are the classes, and there must be exactly `classes` of them, lest all labels be wrong unnoticed.
//     Folders that are numbered (7, class7) so that byte order is not that of the numbers must be 0 to
//     classes - 1: these are the labels. Only
//     *.jpg and *.jpeg count, in any case of letters; hidden files and folders do not.
// Files are checked to exist when the folder is opened, and decoded one at a time by input().
class ImageFolder : public ImageWorkload {
 public:
  // Throws InputError, with file and line where there is a list: no such layout, missing or repeated files,
  // labels that are no integers of [0, classes).
  explicit ImageFolder(std::string dir, int classes = 1000, std::string name = "imagenet");

  std::string name() const override { return name_; }
  std::string data_source() const override;
  int64_t size() const override { return static_cast<int64_t>(items_.size()); }
  int classes() const override { return classes_; }
  bool labelled() const override { return true; }
  Image input(int64_t n, const ImageSpec& spec) const override;  // spec.channels must be 3
  int label(int64_t n) const override { return item(n).label; }
  std::string input_id(int64_t n) const override { return item(n).id; }  // as in the list, or folder/file

 private:
  struct Item {
    std::string id, path;
    int label;
  };
  const Item& item(int64_t n) const { return items_.at(static_cast<size_t>(n)); }
  void read_list(const std::string& list, const std::vector<std::string>& roots);
  void read_class_folders();

  std::string dir_, name_, labels_from_;
  int classes_;
  std::vector<Item> items_;
};

}  // namespace alertbench
