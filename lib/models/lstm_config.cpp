#include "models/lstm_config.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/json_reader.h"

namespace alertbench {

LstmConfig LstmConfig::from_json(const nlohmann::json& j, const std::string& where) {
  LstmConfig c;
  JsonReader r(j, where);
  c.vocabulary = r.integer("vocabulary", c.vocabulary, 2, 1000000);
  c.units = r.integer("units", c.units, 1, 8192);
  c.layers = r.integer("layers", c.layers, 1, 16);
  c.stripes = r.integer("stripes", c.stripes, 1, 64);
  r.finish();
  if (c.units % c.stripes != 0)
    throw InputError(fmt::format("{}: units {} is not a multiple of stripes {}", where, c.units, c.stripes));
  return c;
}

}  // namespace alertbench
