#include "trace/trace_writer.h"

#include "base/error.h"

namespace alertbench {
namespace {

template <class Table, class Record>
void append_line(LineBuffer& out, const Table& table, const Record& record) {
  fields::write_object(out, table, record);
  out.push_back('\n');
}

}  // namespace

void format_input(LineBuffer& out, const InputRecord& record, const std::vector<std::string>& models,
                  const std::vector<double>& caps_w, const std::string& co_runner) {
  append_line(out, input_fields(),
              InputLine{record, models.at(static_cast<size_t>(record.configuration.model)),
                        caps_w.at(static_cast<size_t>(record.configuration.cap)),
                        record.outcome.co_runner_on ? std::string_view(co_runner) : "null"});
}

TraceWriter::TraceWriter(std::string path, const TraceHeader& header, const Profile& profile)
    : path_(std::move(path)),
      held_back_(header.mode == "replay"),
      caps_w_(profile.caps_w),
      co_runner_(json_text(header.co_runner.value_or("co-runner"))) {
  for (const auto& model : profile.models) models_.push_back(json_text(model.name));
  append_line(lines_, header_fields(), header);
  if (!held_back_) flush();
}

TraceWriter::~TraceWriter() {
  try {
    flush();
  } catch (const RunError&) {
    // The file lacks its end line: readers take it as partial.
  }
}

void TraceWriter::write(const InputRecord& record) {
  constexpr size_t block = 64 * 1024;
  format_input(lines_, record, models_, caps_w_, co_runner_);
  ++held_inputs_;
  if (!held_back_ || lines_.size() >= block) flush();
}

void TraceWriter::flush() {
  const std::string_view lines{lines_.data(), lines_.size()};
  const int64_t inputs = held_inputs_;
  lines_.clear();  // first: lines that could not be written are not tried again
  held_inputs_ = 0;
  if (!lines.empty() && !file_) file_.emplace(path_);
  if (!lines.empty()) file_->append(lines);
  inputs_ += inputs;
}

void TraceWriter::finish(const std::string& status, const std::string& reason,
                         const std::optional<GoalVerdict>& verdict) {
  flush();
  append_line(lines_, end_fields(), TraceEnd{inputs_, status, reason, verdict});
  flush();
  file_.reset();
}

}  // namespace alertbench
