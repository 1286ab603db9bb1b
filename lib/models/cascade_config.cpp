#include "models/cascade_config.h"

#include <fmt/format.h>

#include <set>

#include "base/json_reader.h"
#include "core/types.h"

namespace alertbench {

CascadeConfig CascadeConfig::from_json(const nlohmann::json& j, const std::string& where) {
  CascadeConfig c;
  JsonReader r(j, where);
  c.members = r.texts("members");
  c.answer = r.one_of("answer", "last", {"last", "average"}) == "average" ? CascadeAnswer::average
                                                                          : CascadeAnswer::last;
  r.finish();
  if (c.members.empty())
    r.fail("members", "is missing or empty; list the names of networks in this file, cheapest first");
  if (c.members.size() > max_stages)
    r.fail("members", fmt::format("{} networks; expected 1 to {}", c.members.size(), max_stages));
  std::set<std::string> names;
  for (const std::string& name : c.members)
    if (!names.insert(name).second)
      r.fail("members", fmt::format("duplicate \"{}\"; a network runs once in a cascade", name));
  return c;
}

}  // namespace alertbench
