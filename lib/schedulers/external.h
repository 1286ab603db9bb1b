// Schedulers of the user's own: "lib:FILE.so", a shared object with the interface of
// include/alert_bench/scheduler.h, and "cmd:PROGRAM ARGUMENTS", a program that is asked over pipes. This file
// knows how they are named; lib/plugins runs them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace alertbench {

struct ExternalScheduler {
  std::string spec;                  // as it was given
  std::string file;                  // of a library; otherwise empty
  std::vector<std::string> command;  // of a program: argv
  double timeout_s = 30;             // of a program: how long one of its answers may take

  bool is_command() const { return !command.empty(); }
};

// True for what begins with "lib:" or "cmd:".
bool is_external(const std::string& scheduler);

// Splits a command line into words as a shell does: at blanks, except within '...' (taken as it is) and "..."
// (where a backslash precedes a quote or a backslash); elsewhere a backslash takes the next character as it
// is. Nothing is expanded. InputError, opened by `where`, for a quote without its end.
std::vector<std::string> split_words(const std::string& text, const std::string& where);

// `settings`: the object under scheduler_settings, which is the scheduler's own, except for a program's
// "timeout_s". InputError, opened by `where`, if file or program is missing, or the timeout is unusable.
ExternalScheduler read_external(const std::string& spec, const nlohmann::json& settings,
                                const std::string& where);

// Returns the settings with the program's timeout filled in.
nlohmann::ordered_json external_settings(const std::string& spec, const nlohmann::json& settings,
                                         const std::string& where);

// Returns the scheduler with the path of a library taken from `folder`; others are returned unchanged.
std::string with_file_in(const std::string& folder, const std::string& scheduler);

// Returns the names that results use, which are also parts of file names. Built-in schedulers keep theirs.
// Others are called lib-STEM or cmd-STEM, after the library, or after the first word of a command that has a
// file ending (python3 mine.py: cmd-mine), or else after its program. A name that is taken gets -2, -3, ...
std::vector<std::string> result_names(const std::vector<std::string>& schedulers);

// Returns `settings` (by scheduler) by the schedulers' full text. Keys may also be names in results, whose
// settings are put over those by the full text. The paths of libraries are taken from `folder`. InputError,
// opened by `where`, if two keys are the same library.
nlohmann::json settings_by_scheduler(const nlohmann::json& settings,
                                     const std::vector<std::string>& schedulers, const std::string& folder,
                                     const std::string& where);

}  // namespace alertbench
