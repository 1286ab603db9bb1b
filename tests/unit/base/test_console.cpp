#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/console.h"
#include "support.h"

using namespace alertbench;

namespace {

// The exit status of a child that runs `action`.
int in_a_child(const std::function<int()>& action) {
  const pid_t child = fork();
  if (child == 0) _exit(action());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

TEST_CASE("what acts on a terminal is written out", "[console]") {
  CHECK(printable("plain, \xc3\xa4, \xe6\xbc\xa2, \xf0\x9f\x98\x80") ==
        "plain, \xc3\xa4, \xe6\xbc\xa2, \xf0\x9f\x98\x80");
  CHECK(printable("a\nb\tc\x1b[31m\x7f") == "a\\nb\\tc\\x1b[31m\\x7f");
  CHECK(printable("\xc2\x9b"
                  "31m") == "\\u009b31m");
  CHECK(printable("\xe2\x80\xae"
                  "cod\xe2\x80\xa8") == "\\u202ecod\\u2028");
  // Not UTF-8: a lone byte, an overlong form, a surrogate, a cut-off one, beyond the last code point.
  CHECK(printable("\xff-\xc0\xaf-\xed\xa0\x80-\xe6\xbc") == "\\xff-\\xc0\\xaf-\\xed\\xa0\\x80-\\xe6\\xbc");
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
  CHECK(printable(std::string("\0", 1)) == "\\x00");
  CHECK(is_printable("resnet-w8"));
  CHECK_FALSE(is_printable("a\r"));
}

TEST_CASE("output that nobody can read is told at the end, and stops nothing", "[console]") {
  const auto after = [](const std::function<void()>& prepare) {
    return in_a_child([&] {
      prepare();
      prepare_standard_streams();
      for (int i = 0; i < 10000; ++i) print_out("{} bottles\n", i);
      say("still here");
      const std::string lost = finish_output();
      return lost.empty()                    ? 0
             : lost.find("No space") == 0    ? 1
             : lost.find("Broken pipe") == 0 ? 2
             : lost.find("Bad file") == 0    ? 3
                                             : 4;
    });
  };
  const auto onto = [](const char* path) {
    const int file = open(path, O_WRONLY);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
  };
  CHECK(after([&] { onto("/dev/null"); }) == 0);
  CHECK(after([&] { onto("/dev/full"); }) == 1);
  CHECK(after([] {
          int ends[2];
          if (pipe(ends) != 0) _exit(9);
          close(ends[0]);
          dup2(ends[1], STDOUT_FILENO);
          dup2(ends[1], STDERR_FILENO);
        }) == 2);
  CHECK(after([&] {
          onto("/dev/null");
          close(STDOUT_FILENO);
        }) == 3);
}

TEST_CASE("a file opened later never becomes a standard stream that was closed", "[console]") {
  CHECK(in_a_child([] {
          for (const int stream : {0, 1, 2}) close(stream);
          prepare_standard_streams();
          return open("/dev/null", O_RDONLY) > 2 ? 0 : 1;
        }) == 0);
}

TEST_CASE("a message with a name of any length keeps its beginning and its end", "[console]") {
  CHECK(shortened("s.json: name: x") == "s.json: name: x");
  std::string name;
  for (int i = 0; i < 200000; ++i) name += "\u00e9";
  for (const char* before : {"s.json: ", "s.json:  "}) {  // cut between the bytes of a character or not
    const std::string text = shortened(before + name + "; use another");
    CHECK(text.size() < 6100);
    CHECK(text.rfind("s.json: ", 0) == 0);
    CHECK(contains(text, "bytes omitted"));
    CHECK(text.substr(text.size() - 13) == "; use another");
    CHECK(is_printable(text));
  }
}
