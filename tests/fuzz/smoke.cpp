// Every reader on its seeds and on changes of them that are the same each time: bits, cuts, repeats, parts of
// other seeds, numbers at the edge. What scripts/fuzz.sh does for as long as one likes, in seconds and
// without libFuzzer.
//     alert-fuzz-smoke SEEDS [READER [FILE]...]     one reader; on these files, and nothing else
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>

#include "reader.h"
#include "scratch.h"

namespace {

namespace fs = std::filesystem;

constexpr int changed_inputs = 1000;
constexpr size_t longest_input = 1 << 16;

// In memory that the parent shares: what a child that died was at.
struct Shared {
  double slowest_s;
  size_t size;
  char bytes[longest_input];
};

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path.string() + ": cannot read");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> seeds_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> seeds;
  for (const fs::path& file : files) seeds.push_back(content_of(file));
  if (seeds.empty()) throw std::runtime_error(folder.string() + ": no seeds");
  return seeds;
}

class Changer {
 public:
  explicit Changer(const std::vector<std::string>& seeds) : seeds_(seeds) {}

  std::string next() {
    std::string bytes = seed();
    for (size_t changes = 1 + below(4); changes > 0; --changes) change(bytes);
    bytes.resize(std::min(bytes.size(), longest_input));
    return bytes;
  }

 private:
  size_t below(size_t limit) { return limit == 0 ? 0 : static_cast<size_t>(random_() % limit); }
  const std::string& seed() { return seeds_[below(seeds_.size())]; }

  void change(std::string& bytes) {
    static const std::vector<std::string> pieces{"0",
                                                 "-1",
                                                 "1e308",
                                                 "1e999",
                                                 "-0.0",
                                                 "5e-324",
                                                 "NaN",
                                                 "2147483648",
                                                 "9223372036854775807",
                                                 "18446744073709551616",
                                                 "null",
                                                 "true",
                                                 "\"\"",
                                                 "[]",
                                                 "{}",
                                                 "[[[[[[[[",
                                                 "{\"a\":",
                                                 "\xff",
                                                 "\xef\xbb\xbf",
                                                 "\xed\xa0\x80",
                                                 "\n",
                                                 ",",
                                                 "\"",
                                                 "\\u0000",
                                                 "../",
                                                 "/dev/zero",
                                                 std::string(1, '\0'),
                                                 std::string(4, '\0'),
                                                 std::string(4, '\xff'),
                                                 std::string(8, '\xff'),
                                                 std::string("\0\0\0\x80", 4)};
    const size_t at = below(bytes.size()), length = std::min(bytes.size() - at, size_t{1} << below(8));
    switch (below(8)) {
      case 0:
      case 1:
        if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 2:
        bytes.erase(at, length);
        break;
      case 3:
        bytes.resize(at);
        break;
      case 4:
        bytes.insert(at, bytes.substr(at, length));
        break;
      case 5:
        bytes.insert(at, pieces[below(pieces.size())]);
        break;
      case 6:
        replace_word(bytes, at, pieces[below(pieces.size())]);
        break;
      default: {
        const std::string& other = seed();
        bytes.replace(at, length, other.substr(below(other.size()), length));
      }
    }
  }

  // The number or word that stands there.
  static void replace_word(std::string& bytes, size_t at, const std::string& piece) {
    const char* ends = " ,:[]{}\n\"";
    const size_t begin = bytes.find_last_of(ends, at) + 1,
                 end = std::min(bytes.find_first_of(ends, begin), bytes.size());
    bytes.replace(begin, end - begin, piece);
  }

  const std::vector<std::string>& seeds_;
  std::mt19937_64 random_{1};
};

void run_all(const fuzz::Reader& reader, const std::vector<std::string>& seeds, int changed, Shared& shared) {
  Changer changer(seeds);
  for (size_t n = 0; n < seeds.size() + static_cast<size_t>(changed); ++n) {
    const std::string bytes = n < seeds.size() ? seeds[n] : changer.next();
    shared.size = std::min(bytes.size(), longest_input);
    std::memcpy(shared.bytes, bytes.data(), shared.size);
    const std::string refusal = fuzz::run(reader, bytes);
    if (!refusal.empty() && n < seeds.size() && changed > 0)
      throw std::logic_error("a seed is no valid file: " + refusal);
    shared.slowest_s = fuzz::slowest_s();
  }
}

// In a child, so that one reader's end is not that of the others. True where all is well.
bool check(const fuzz::Reader& reader, const std::vector<std::string>& seeds, int changed, Shared& shared) {
  shared.slowest_s = 0;
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("cannot fork");
  if (child == 0) {
    int status = 0;
    try {
      run_all(reader, seeds, changed, shared);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "%s\n", e.what());
      status = 1;
    }
    std::fflush(nullptr);
    ::_exit(status);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::printf("%-20s %6zu inputs, slowest %.1f ms\n", reader.name,
              seeds.size() + static_cast<size_t>(changed), 1e3 * shared.slowest_s);
  if (status == 0) return true;
  const std::string file = std::string("fuzz-finding-") + reader.name;
  std::ofstream(file, std::ios::binary).write(shared.bytes, static_cast<std::streamsize>(shared.size));
  std::printf("%s: FAILED (%s %d) on the input that is in %s\n", reader.name,
              WIFSIGNALED(status) ? "signal" : "exit code",
              WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), fs::absolute(file).c_str());
  return false;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) throw std::runtime_error("usage: alert-fuzz-smoke SEEDS [READER [FILE]...]");
  void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory");
  Shared& shared = *static_cast<Shared*>(memory);
  fuzz::scratch_folder();
  if (argc > 3) {
    std::vector<std::string> inputs;
    for (int i = 3; i < argc; ++i) inputs.push_back(content_of(argv[i]));
    return check(fuzz::reader_named(argv[2]), inputs, 0, shared) ? 0 : 1;
  }
  bool well = true;
  for (const fuzz::Reader& reader : fuzz::readers())
    if (argc == 2 || &reader == &fuzz::reader_named(argv[2]))
      well &= check(reader, seeds_of(fs::path(argv[1]) / reader.name), changed_inputs, shared);
  return well ? 0 : 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
