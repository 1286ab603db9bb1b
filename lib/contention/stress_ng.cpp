#include "contention/stress_ng.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "base/error.h"

namespace alertbench {

std::string find_stress_ng() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (const std::string file = folder + "/stress-ng"; !folder.empty() && access(file.c_str(), X_OK) == 0)
      return file;
  return "";
}

std::vector<std::string> stress_ng_command(const StressNg& stressor, int workers,
                                           const std::vector<int>& cpus, std::optional<double> duty) {
  const std::string program = find_stress_ng();
  if (program.empty())
    throw EnvironmentError(fmt::format("co-runner: stress-ng is not on PATH; {}", kStressNgMend));
  // The folder, since it refuses to start in one that cannot be written to. The timeout, lest it continue for
  // ever where even its supervisor is killed.
  std::vector<std::string> argv{program,
                                "--" + stressor.stressor,
                                std::to_string(workers),
                                "--quiet",
                                "--timeout",
                                "2592000",
                                "--temp-path",
                                std::filesystem::temp_directory_path().string()};
  if (!cpus.empty()) argv.insert(argv.end(), {"--taskset", fmt::format("{}", fmt::join(cpus, ","))});
  argv.insert(argv.end(), stressor.arguments.begin(), stressor.arguments.end());
  if (duty) argv.insert(argv.end(), {stressor.load_option, std::to_string(std::llround(100 * *duty))});
  return argv;
}

}  // namespace alertbench
