#include "report/compare.h"

#include <fmt/format.h>

#include <memory>

#include "base/console.h"
#include "base/error.h"
#include "commands.h"
#include "report/claims.h"

namespace alertbench {

void add_compare(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand(
      "compare",
      "compare two results, setting by setting, or two tables of claims; exit code 5 if they differ");
  struct CompareArguments {
    std::string a, b;
    double tolerance = default_tolerance;
    bool json = false;
  };
  auto a = std::make_shared<CompareArguments>();
  command
      ->add_option("A", a->a,
                   "result folder, or its evaluation.json or summary.json; or what "
                   "scripts/reproduce.sh\nwrote, or its claims.json")
      ->required();
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
      "Anything that only one result contains is listed but not judged.\n\n"
      "Of two tables of claims, each claim that is judged in both must hold in both or in neither; "
      "--tolerance\n"
      "does not matter.\n\n"
      "Examples:\n"
      "  alert-bench compare results/a results/b --tolerance 0\n"
      "  alert-bench compare results/reference results/mine      claims made by scripts/reproduce.sh --out "
      "results/mine");
  command->callback([a, &line] {
    line.action = [a] {
      const std::string claims_a = ClaimTable::file_of(a->a), claims_b = ClaimTable::file_of(a->b);
      if (!claims_a.empty() && !claims_b.empty()) {
        const ClaimsComparison c = compare_claims(ClaimTable::read(claims_a), ClaimTable::read(claims_b));
        print_out("{}", a->json ? c.to_json().dump(2) + "\n" : to_text(c.report()));
        return c.differing() == 0 ? ExitCode::done : ExitCode::outside_tolerance;
      }
      if (claims_a.empty() != claims_b.empty()) {
        ResultFile::read(claims_a.empty() ? a->a : a->b);  // says what is wrong with one that is no result
        const auto kind = [](bool claims) { return claims ? "a table of claims" : "another result"; };
        throw InputError(fmt::format("{} is {}, {} is {}: compare two results of the same kind", a->a,
                                     kind(!claims_a.empty()), a->b, kind(!claims_b.empty())));
      }
      const Comparison c = compare(ResultFile::read(a->a), ResultFile::read(a->b), a->tolerance);
      print_out("{}", a->json ? c.to_json().dump(2) + "\n" : to_text(c.report()));
      return c.outside.empty() ? ExitCode::done : ExitCode::outside_tolerance;
    };
  });
}

}  // namespace alertbench
