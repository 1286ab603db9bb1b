// Our tokenizer for language.py.
//
//   word-pieces VOCABULARY
//
// Each line of standard input is a text as a JSON string. It is answered by a line of JSON: the ids of its
// tokens, and the bytes [begin, end) of the text that each was made of: {"ids": [..], "spans": [[0, 3], ..]}.
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "workloads/wordpiece.h"

using namespace alertbench;

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw InputError("usage: word-pieces VOCABULARY");
    const Vocabulary vocabulary = Vocabulary::read(argv[1]);
    for (std::string line; std::getline(std::cin, line);) {
      nlohmann::json ids = nlohmann::json::array(), spans = nlohmann::json::array();
      for (const Token& token : tokenize(vocabulary, nlohmann::json::parse(line).get<std::string>())) {
        ids.push_back(token.id);
        spans.push_back({token.span.begin, token.span.end});
      }
      std::cout << nlohmann::json{{"ids", ids}, {"spans", spans}}.dump() << '\n';
    }
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "word-pieces: {}\n", e.what());
    return 1;
  }
}
