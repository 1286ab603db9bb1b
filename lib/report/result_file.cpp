#include "report/result_file.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "base/error.h"
#include "base/json_reader.h"
#include "base/text_file.h"
#include "report/evaluation_report.h"
#include "report/summary_report.h"

namespace alertbench {
namespace fs = std::filesystem;

namespace {

constexpr size_t most_figure_bytes = size_t{64} << 20;

std::string file_of(const std::string& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    throw InputError(fmt::format(
        "{}: no such result; pass a result folder, or its evaluation.json or summary.json", path));
  if (!fs::is_directory(path, ignored)) return path;
  const std::string evaluation = path + "/evaluation.json", summary = path + "/summary.json";
  const bool has_evaluation = fs::exists(evaluation, ignored), has_summary = fs::exists(summary, ignored);
  if (has_evaluation && has_summary)
    throw InputError(
        fmt::format("{}: contains both evaluation.json and summary.json; specify one of them", path));
  if (!has_evaluation && !has_summary)
    throw InputError(
        fmt::format("{}: contains neither evaluation.json nor summary.json; is it a result folder, and did "
                    "its run finish?",
                    path));
  return has_evaluation ? evaluation : summary;
}

}  // namespace

ResultFile ResultFile::read(const std::string& path) {
  ResultFile result;
  result.path = file_of(path);
  nlohmann::json j = read_json_file(result.path);
  if (j.is_object() && j.contains("kind"))
    result.evaluation = EvaluationResult::from_json(j, result.path);
  else
    result.summary = std::move(j);
  return result;
}

Document ResultFile::report() const {
  return evaluation ? evaluation_report(*evaluation) : summary_report(summary, path);
}

std::string ResultFile::json() const {
  return (evaluation ? evaluation->to_json().dump(2) : summary.dump(2)) + "\n";
}

std::vector<Figure> figures_of(const std::string& result_file) {
  const fs::path folder = fs::path(result_file).parent_path() / "figures";
  std::map<std::string, fs::path> found;
  std::error_code ignored;
  for (fs::directory_iterator at(folder, ignored), end; at != end; at.increment(ignored)) {
    const fs::path& file = at->path();
    const std::string name = file.stem().string(), kind = file.extension().string();
    if ((kind != ".png" && kind != ".svg") || name.front() == '.') continue;
    if (kind == ".png" || !found.count(name)) found[name] = file;
  }
  std::vector<Figure> figures;
  for (const auto& [name, file] : found) {
    const bool png = file.extension() == ".png";
    Figure f{name, png ? "image/png" : "image/svg+xml", read_text_file(file.string(), most_figure_bytes)};
    if (png ? f.content.compare(0, 8, "\x89PNG\r\n\x1a\n") != 0 : f.content.find("<svg") == std::string::npos)
      throw InputError(fmt::format("{}: is not a {} picture; draw it again, or remove it", file.string(),
                                   png ? "PNG" : "SVG"));
    figures.push_back(std::move(f));
  }
  return figures;
}

}  // namespace alertbench
