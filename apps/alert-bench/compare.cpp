#include "report/compare.h"

#include <fmt/format.h>

#include <memory>

#include "base/console.h"
#include "commands.h"

namespace alertbench {

void add_compare(CLI::App& app, CommandLine& line) {
  auto* command =
      app.add_subcommand("compare", "compare two results, setting by setting; exit code 5 if they differ");
  struct CompareArguments {
    std::string a, b;
    double tolerance = default_tolerance;
    bool json = false;
  };
  auto a = std::make_shared<CompareArguments>();
  command->add_option("A", a->a, "result folder, or its evaluation.json or summary.json")->required();
  command->add_option("B", a->b, "the other result, of the same kind")->required();
  command
      ->add_option(
          "--tolerance", a->tolerance,
          "how far B may be from A, as a share, in mean energy or error (B / A from 1), the share of\n"
          "violated settings, the share of feasible settings, and satisfaction. 0.02 is well below the "
          "claimed\n"
          "differences between schedulers (13 % of energy, 27 % of error). Two evaluations of one recording\n"
          "agree exactly: use 0")
      ->capture_default_str();
  command->add_flag("--json", a->json, "print JSON with all digits");
  command->footer(
      "Settings are paired by name. Energy and error are compared over those that are feasible and not\n"
      "violated in both. Intervals are shown, but the ratio itself is judged.\n"
      "Anything that only one result contains is listed but not judged.");
  command->callback([a, &line] {
    line.action = [a] {
      const Comparison c = compare(ResultFile::read(a->a), ResultFile::read(a->b), a->tolerance);
      print_out("{}", a->json ? c.to_json().dump(2) + "\n" : to_text(c.report()));
      return c.outside.empty() ? ExitCode::done : ExitCode::outside_tolerance;
    };
  });
}

}  // namespace alertbench
