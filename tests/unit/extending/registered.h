// What the tests of docs/extending.md's recipes share.
#pragma once

#include <utility>
#include <vector>

// An entry of a registry, for as long as this object lives.
template <class Entry>
class Registered {
 public:
  Registered(std::vector<Entry>& registry, Entry entry) : registry_(registry) {
    registry_.push_back(std::move(entry));
  }
  ~Registered() { registry_.pop_back(); }
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;

 private:
  std::vector<Entry>& registry_;
};
