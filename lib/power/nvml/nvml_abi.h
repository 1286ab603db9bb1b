// The part of NVIDIA's management library (NVML) that we call: a C interface which its makers keep stable.
// Declared here, because neither its header nor the library has to be there to build; nvml_library.cpp finds
// the functions at run time. Taken from the public nvml.h (version 12.2, as in NVIDIA/go-nvml), where each
// function is described.
#pragma once

namespace alertbench::nvml {

using Device = struct OpaqueDevice*;

enum Code : int {
  success = 0,
  uninitialized = 1,
  invalid_argument = 2,
  not_supported = 3,
  no_permission = 4,
  not_found = 6,
  insufficient_size = 7,
  driver_not_loaded = 9,
  function_not_found = 13,
  gpu_is_lost = 15,
  unknown = 999
};
constexpr int graphics_clock = 0, memory_clock = 2;  // nvmlClockType_t
constexpr unsigned text_bytes = 96;                  // the longest buffer that a name or a UUID takes

}  // namespace alertbench::nvml

// Powers in milliwatts, energy in millijoules since the driver was loaded, clocks in megahertz. Each returns
// a Code.
extern "C" {
int nvmlInit_v2();  // counts: as many nvmlShutdown() end it
int nvmlShutdown();
const char* nvmlErrorString(int code);
int nvmlSystemGetDriverVersion(char* version, unsigned length);
int nvmlDeviceGetCount_v2(unsigned* count);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, alertbench::nvml::Device* device);
int nvmlDeviceGetHandleByPciBusId_v2(const char* bus_id, alertbench::nvml::Device* device);  // "0000:3B:00.0"
int nvmlDeviceGetHandleByUUID(const char* uuid, alertbench::nvml::Device* device);
int nvmlDeviceGetUUID(alertbench::nvml::Device device, char* uuid, unsigned length);
int nvmlDeviceGetName(alertbench::nvml::Device device, char* name, unsigned length);
int nvmlDeviceGetPowerManagementLimit(alertbench::nvml::Device device, unsigned* limit);
int nvmlDeviceGetPowerManagementLimitConstraints(alertbench::nvml::Device device, unsigned* lowest,
                                                 unsigned* highest);
int nvmlDeviceGetPowerManagementDefaultLimit(alertbench::nvml::Device device, unsigned* limit);
int nvmlDeviceGetEnforcedPowerLimit(alertbench::nvml::Device device, unsigned* limit);
int nvmlDeviceSetPowerManagementLimit(alertbench::nvml::Device device, unsigned limit);
int nvmlDeviceGetPowerUsage(alertbench::nvml::Device device, unsigned* power);
int nvmlDeviceGetTotalEnergyConsumption(alertbench::nvml::Device device, unsigned long long* energy);
int nvmlDeviceGetClockInfo(alertbench::nvml::Device device, int clock, unsigned* mhz);
int nvmlDeviceGetMaxClockInfo(alertbench::nvml::Device device, int clock, unsigned* mhz);
int nvmlDeviceGetSupportedGraphicsClocks(alertbench::nvml::Device device, unsigned memory_mhz,
                                         unsigned* count, unsigned* mhz);
int nvmlDeviceSetGpuLockedClocks(alertbench::nvml::Device device, unsigned lowest_mhz, unsigned highest_mhz);
int nvmlDeviceResetGpuLockedClocks(alertbench::nvml::Device device);
}
