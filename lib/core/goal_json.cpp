#include "core/goal_json.h"

#include "base/json_reader.h"

namespace alertbench {

Task read_task(JsonReader& reader, Task fallback) {
  return reader.one_of("task", to_string(fallback), {"min_energy", "min_error"}) == "min_error"
             ? Task::min_error
             : Task::min_energy;
}

Task read_task(JsonReader& reader) {
  reader.raw("task");
  return read_task(reader, Task::min_energy);
}

Judge read_judge(JsonReader& reader, Judge fallback) {
  return reader.one_of("judge", to_string(fallback), {"mean", "strict"}) == "strict" ? Judge::strict
                                                                                     : Judge::mean;
}

Judge read_judge(JsonReader& reader) {
  reader.raw("judge");
  return read_judge(reader, Judge::mean);
}

}  // namespace alertbench
