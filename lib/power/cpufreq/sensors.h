// Power sensors that Linux shows, as an energy counter: hwmon (/sys/class/hwmon) and the INA231 of ODROID
// boards with the vendor's kernel (/sys/bus/i2c/drivers/INA231). Power is sampled and integrated, energies
// are counted.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/clock.h"
#include "power/power.h"

namespace alertbench {

struct PowerSensor {
  std::string name;  // its label, else chip and file: "sensor_A15", "amd_energy/Esocket0", "ina231/power1"
  std::string file;  // below the root
  enum class Kind { power_uw, power_w, energy_uj } kind = Kind::power_uw;
  bool processor = false;  // by its name: a processor, or a whole cluster of one
};

struct SensorProbe {
  std::vector<PowerSensor> sensors;
  std::vector<std::string> problems;   // "...: is off; ..."
  std::vector<std::string> batteries;  // power of a whole laptop: never taken for a processor's
};
SensorProbe probe_sensors(const std::string& root = "/");
nlohmann::ordered_json to_json(const SensorProbe& probe);

// The sum of the sensors `names`. If there are no names: sockets or packages if there are any, else clusters
// of processors (A15 and A7), else those with "cpu" in their name. At the start it watches for a second how
// often they change, which is the refresh interval. EnvironmentError names what was found if nothing fits, or
// if a sensor cannot be read or reads 0 all the time.
std::unique_ptr<EnergyCounter> make_sensor_counter(const std::string& root,
                                                   const std::vector<std::string>& names, Clock& clock);

}  // namespace alertbench
