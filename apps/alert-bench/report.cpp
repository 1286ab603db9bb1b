#include <fmt/format.h>

#include <memory>

#include "base/atomic_file.h"
#include "base/console.h"
#include "commands.h"
#include "report/document.h"
#include "report/result_file.h"
#include "report/trace_events.h"

namespace alertbench {
namespace {

struct ReportArguments {
  std::string result, format = "text", out;
  bool json = false;
};

std::string written(const ResultFile& result, const std::string& format) {
  if (format == "json") return result.json();
  const Document document = result.report();
  if (format == "markdown") return to_markdown(document);
  if (format == "html") return to_html(document, figures_of(result.path));
  if (format == "text") return to_text(document);
  if (result.evaluation)
    for (const Cell& c : result.evaluation->cells)
      if (!c.failed.empty()) say("alert-bench: no rows of {}, which failed: {}", c.id, c.failed);
  return to_csv(document.values);
}

// Traces can be large: they are written while they are read.
void write_perfetto(const ReportArguments& a) {
  const std::vector<std::string> traces = traces_of(a.result);
  if (a.out.empty()) return write_trace_events(traces, [](std::string_view text) { print_out("{}", text); });
  AtomicFile file(output_path(a.out));
  write_trace_events(traces, [&](std::string_view text) { file.append(text); });
  file.commit();
}

}  // namespace

void add_report(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("report", "print the tables of a result");
  auto a = std::make_shared<ReportArguments>();
  command
      ->add_option("RESULT", a->result,
                   "result folder, or its evaluation.json or summary.json; for perfetto also a single trace")
      ->required();
  auto* format =
      command
          ->add_option("--format", a->format,
                       "csv: one row per (cell, setting, scheduler), raw values; html: a single page\n"
                       "that contains the pictures in RESULT/figures; perfetto: the traces as trace events\n"
                       "(JSON), to open with ui.perfetto.dev or chrome://tracing")
          ->check(CLI::IsMember({"text", "markdown", "csv", "json", "html", "perfetto"}))
          ->capture_default_str();
  command->add_flag("--json", a->json, "short for --format json")->excludes(format);
  command->add_option("--out", a->out, "write to this file instead of standard output");
  command->callback([a, &line] {
    line.action = [a] {
      if (!a->json && a->format == "perfetto") {
        write_perfetto(*a);
        return ExitCode::done;
      }
      const std::string text = written(ResultFile::read(a->result), a->json ? "json" : a->format);
      if (a->out.empty())
        print_out("{}", text);
      else
        write_file_atomically(output_path(a->out), text);
      return ExitCode::done;
    };
  });
}

}  // namespace alertbench
