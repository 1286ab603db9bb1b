#include "models/bert_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/json_reader.h"
#include "core/types.h"

namespace alertbench {
namespace {

std::vector<int> read_exits(JsonReader& r, int layers) {
  if (!r.has("exits")) return {layers};
  const std::vector<double> exits = r.numbers("exits", 1, layers);
  if (exits.empty() || exits.size() > static_cast<size_t>(max_stages))
    r.fail("exits", fmt::format("{} exits; expected 1 to {}", exits.size(), max_stages));
  for (size_t e = 0; e < exits.size(); ++e) {
    if (exits[e] != std::floor(exits[e])) r.fail("exits", fmt::format("{} is not a whole number", exits[e]));
    if (e > 0 && exits[e] <= exits[e - 1])
      r.fail("exits", fmt::format("{} after {}; each exit must be at a later layer than the previous one",
                                  exits[e], exits[e - 1]));
  }
  if (exits.back() != layers)
    r.fail("exits",
           fmt::format("the last exit is {}, but it must be the last layer, {}", exits.back(), layers));
  return std::vector<int>(exits.begin(), exits.end());
}

}  // namespace

BertConfig BertConfig::from_json(const nlohmann::json& j, const std::string& where) {
  BertConfig c;
  JsonReader r(j, where);
  c.vocabulary = r.integer("vocabulary", c.vocabulary, 2, 1000000);
  c.hidden = r.integer("hidden", c.hidden, 1, 4096);
  c.layers = r.integer("layers", c.layers, 1, 96);
  c.heads = r.integer("heads", std::max(1, c.hidden / 64), 1, 1024);
  c.intermediate = r.integer("intermediate", 4 * c.hidden, 1, 65536);
  c.positions = r.integer("positions", c.positions, 1, 16384);
  c.types = r.integer("types", c.types, 1, 16);
  c.exits = read_exits(r, c.layers);
  r.finish();
  if (c.hidden % c.heads != 0)
    r.fail("heads", fmt::format("{} does not divide hidden {}; use a divisor of it", c.heads, c.hidden));
  return c;
}

int64_t BertConfig::parameters() const {
  const int64_t h = hidden, i = intermediate, norm = 2 * h;
  const int64_t embeddings = (int64_t{vocabulary} + positions + types) * h + norm;
  const int64_t attention = 4 * (h * h + h) + norm;  // query, key, value, output
  const int64_t feed_forward = (h * i + i) + (i * h + h) + norm;
  const int64_t head = 2 * h + 2;
  return embeddings + layers * (attention + feed_forward) + stages() * head;
}

std::vector<int64_t> BertConfig::multiply_accumulates(int64_t tokens) const {
  const int64_t h = hidden, i = intermediate;
  const int64_t layer = tokens * (4 * h * h + 2 * h * i) + 2 * tokens * tokens * h, head = tokens * 2 * h;
  std::vector<int64_t> total;
  for (const int exit : exits)
    total.push_back(exit * layer + (static_cast<int64_t>(total.size()) + 1) * head);
  return total;
}

}  // namespace alertbench
