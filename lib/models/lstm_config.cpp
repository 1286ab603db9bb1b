#include "models/lstm_config.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json_reader.h"
#include "core/types.h"

namespace alertbench {

LstmConfig LstmConfig::from_json(const nlohmann::json& j, const std::string& where) {
  LstmConfig c;
  JsonReader r(j, where);
  c.vocabulary = r.integer("vocabulary", c.vocabulary, 2, 1000000);
  c.units = r.integer("units", c.units, 1, 8192);
  c.layers = r.integer("layers", c.layers, 1, 16);
  c.stripes = r.integer("stripes", c.stripes, 1, max_stages);
  r.finish();
  if (c.units % c.stripes != 0)
    throw InputError(fmt::format("{}: units {} is not a multiple of stripes {}", where, c.units, c.stripes));
  return c;
}

int64_t LstmConfig::parameters() const {
  const int64_t width = units / stripes;
  int64_t total = int64_t{vocabulary} * (units + stripes);  // embedding, and an output bias a stage
  for (int64_t s = 1; s <= stripes; ++s) total += layers * 4 * width * (2 * s * width + 1);
  return total;
}

std::vector<int64_t> LstmConfig::multiply_accumulates() const {
  const int64_t width = units / stripes;
  std::vector<int64_t> total;
  for (int64_t s = 1; s <= stripes; ++s)
    total.push_back((s > 1 ? total.back() : 0) + width * vocabulary + layers * 4 * width * 2 * s * width);
  return total;
}

}  // namespace alertbench
