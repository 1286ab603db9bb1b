// What the program prints: progress and messages on standard error, results on standard output.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace alertbench {

// Makes names and texts from files safe for a terminal: control characters (C0 and C1, including line
// breaks), characters that change the writing direction, and bytes that are not UTF-8 become \n, \x1b,
// \u202e.
std::string printable(std::string_view text);
bool is_printable(std::string_view text);  // printable() changes nothing

// Call this first. Afterwards descriptors 0 to 2 are open, so that no file opened later becomes standard
// output, and writing to a closed pipe fails instead of ending the program.
void prepare_standard_streams();

// Text that cannot be written is lost, but does not stop the work in progress.
void say_text(std::string_view text);
void print_text(std::string_view text);  // on a terminal each line is printable(); finish_output() tells
                                         // whether it arrived
void flush_output();                     // shows now what is printed
// Closes standard output. Returns an empty string, or the system's reason why some output was lost.
std::string finish_output();

// Shortens a very long text to its beginning and end: names from untrusted files can have any length.
std::string shortened(const std::string& text);

// A line on standard error, printable() and shortened().
template <class... Arguments>
void say(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  say_text(shortened(printable(fmt::format(format, std::forward<Arguments>(arguments)...))) + "\n");
}

// The same, unless this program has said the same line before.
void say_text_once(const std::string& text);
template <class... Arguments>
void say_once(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  say_text_once(shortened(printable(fmt::format(format, std::forward<Arguments>(arguments)...))) + "\n");
}

// Text on standard output.
template <class... Arguments>
void print_out(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  print_text(fmt::format(format, std::forward<Arguments>(arguments)...));
}

}  // namespace alertbench
