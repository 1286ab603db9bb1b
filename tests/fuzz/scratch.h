// A folder in memory that readers of paths are pointed at.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fuzz {

// Where it lies: below $TMPDIR, else in /dev/shm. It goes when the process ends.
const std::string& scratch_folder();

// One file with these bytes; returns its path. The next call for the same name writes over it.
std::string scratch_file(const std::string& name, std::string_view bytes);

// Files of a folder that stand in one input, each behind a line "=== path". The line break before such a line
// belongs to it. Paths that are no plain relative ones are omitted, and so is what stands before the first
// line.
std::vector<std::pair<std::string, std::string_view>> split_bundle(std::string_view bytes);

// Those files on disk, below a folder that is empty otherwise, while the object lives.
class ScratchTree {
 public:
  explicit ScratchTree(std::string_view bundle);
  ~ScratchTree();
  ScratchTree(const ScratchTree&) = delete;
  ScratchTree& operator=(const ScratchTree&) = delete;

  const std::string& root() const { return root_; }

 private:
  std::string root_;
  std::vector<std::string> made_;  // files and folders, in this order
};

}  // namespace fuzz
