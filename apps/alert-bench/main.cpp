#include <fmt/format.h>

#include <sstream>

#include "base/console.h"
#include "base/interrupt.h"
#include "base/program.h"
#include "commands.h"
#include "result/manifest.h"

namespace alertbench {
namespace {

int run(int argc, char** argv) {
  CLI::App app(
      "alert-bench evaluates schedulers that pick a DNN and a power cap for every input. It runs them live\n"
      "and in replay, alongside disturbing co-runners, and judges latency, accuracy and energy (after "
      "ALERT,\n"
      "USENIX ATC 2020).");
  app.name("alert-bench");
  app.set_version_flag("--version", build_facts().dump());
  app.require_subcommand(1);
  app.footer(
      "Start with:  alert-bench run scenarios/quickstart.json\n"
      "\nExit codes: 0 done; 1 run failed or interrupted; 2 wrong usage or unusable file; 3 the environment\n"
      "does not allow it; 4 done, but the result is invalid (it says why); 5 comparison outside tolerance.");
  CommandLine line;
  line.argv.assign(argv, argv + argc);
  add_run(app, line);
  add_profile(app, line);
  add_record(app, line);
  add_replay(app, line);
  add_sweep(app, line);
  add_merge(app, line);
  add_report(app, line);
  add_compare(app, line);
  add_score(app, line);
  add_validate(app, line);
  add_list(app, line);
  add_doctor(app, line);
  add_restore(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    std::ostringstream out, err;
    const int code = app.exit(e, out, err);
    print_text(out.str());
    say_text(err.str());
    return code == 0 ? 0 : static_cast<int>(ExitCode::bad_input);
  }
  install_interrupt_handlers();
  return static_cast<int>(line.action());
}

}  // namespace
}  // namespace alertbench

int main(int argc, char** argv) {
  return alertbench::run_program("alert-bench", [&] { return alertbench::run(argc, argv); });
}
