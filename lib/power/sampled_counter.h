// Power that is sampled and integrated, and energies that are counted, as one energy counter.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "power/power.h"

namespace alertbench {

struct EnergyChannel {
  EnergyDomain about;
  bool counts = false;  // joules that only rise, and do so always; else watts
  std::string origin;   // for messages: the file, the function
  std::function<std::optional<double>(std::string* why)> read;
};

struct SampledCounterSettings {
  std::string source;       // as of EnergyCounter
  std::string kind;         // begins messages on a channel: "sensor"
  std::string description;  // whose power it is; how it is sampled and how often it changes is appended
  std::string remedy;       // ends messages if it cannot be used: "choose others by power.sensors"
};

// The sum of the channels. Watches them for a second at the start: how often they change is the refresh
// interval. EnvironmentError if one cannot be read, a power is 0 all the time, or an energy stands still.
// Later, a channel that cannot be read, and an energy that goes back or stands still, cost the windows they
// touch; each is reported once, as a problem. The clock must outlive it.
std::unique_ptr<EnergyCounter> make_sampled_counter(std::vector<EnergyChannel> channels,
                                                    SampledCounterSettings settings, Clock& clock);

}  // namespace alertbench
