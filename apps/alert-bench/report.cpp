#include "runner/report.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "commands.h"
#include "core/json_reader.h"

namespace alertbench {

void add_report(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("report", "print the tables of a result again, from its files");
  struct Arguments {
    std::string result;
    bool json = false;
  };
  auto a = std::make_shared<Arguments>();
  command->add_option("RESULT", a->result, "result folder")->required();
  command->add_flag("--json", a->json, "the summary as JSON");
  command->callback([a, &line] {
    line.action = [a] {
      const std::string path = a->result + "/summary.json";
      const nlohmann::json summary = read_json_file(path);
      fmt::print("{}", a->json ? summary.dump(2) + "\n" : summary_table(summary, path));
      return ExitCode::done;
    };
  });
}

}  // namespace alertbench
