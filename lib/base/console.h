// What the program says: on standard error to who watches, on standard output to who reads it.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace alertbench {

// Names and texts of files as they may stand on a terminal: control characters (C0 and C1, line breaks too),
// characters that turn the direction of writing, and bytes that are no UTF-8 as \n, \x1b, \u202e.
std::string printable(std::string_view text);
bool is_printable(std::string_view text);  // printable() changes nothing

// Call it first. Descriptors 0 to 2 are open afterwards, so that no file opened later becomes the standard
// output; and writing to a pipe that nobody reads any more fails, instead of ending the program.
void prepare_standard_streams();

// What cannot be written is lost, and stops nothing that is being done.
void say_text(std::string_view text);
void print_text(std::string_view text);  // on a terminal each line is printable(); finish_output() tells
                                         // whether it arrived
void flush_output();                     // shows now what is printed
// Ends standard output: empty, or the system's reason why not all that was printed arrived.
std::string finish_output();

// The beginning and the end of a text longer than any message needs to be: names of strangers have any
// length.
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
