#include "metrics/verdict_json.h"

#include "base/or_null.h"

namespace alertbench {
namespace {

constexpr double largest_figure = 1e300;

}  // namespace

using nlohmann::ordered_json;

ordered_json mean_reading_json(const MeanReading& r) {
  return {{"violated", r.violated},
          {"violated_exact", r.violated_exact},
          {"shortfall",
           {{"late", r.shortfall.late},
            {"accuracy", or_null(r.shortfall.accuracy)},
            {"energy", or_null(r.shortfall.energy)}}}};
}

MeanReading read_mean_reading(JsonReader reader) {
  MeanReading r;
  r.violated = reader.boolean("violated", false);
  r.violated_exact = reader.boolean("violated_exact", false);
  JsonReader shortfall = reader.object("shortfall");
  r.shortfall.late = shortfall.number("late", 0, 1);
  r.shortfall.accuracy = shortfall.optional_number("accuracy", 0, 1);
  r.shortfall.energy = shortfall.optional_number("energy", 0, largest_figure);
  shortfall.finish();
  reader.finish();
  return r;
}

ordered_json bound_json(const std::optional<Bound>& bound) {
  return bound ? ordered_json{{"objective", bound->objective}, {"gap", bound->gap}} : ordered_json(nullptr);
}

std::optional<Bound> read_bound(JsonReader& parent) {
  if (!parent.has("bound")) return {};
  JsonReader reader = parent.object("bound");
  const Bound bound{reader.number("objective", -largest_figure, largest_figure),
                    reader.number("gap", -largest_figure, largest_figure)};
  reader.finish();
  return bound;
}

}  // namespace alertbench
