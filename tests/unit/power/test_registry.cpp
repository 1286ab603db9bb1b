// A power backend as the recipe in docs/extending.md makes one: caps that a file below /sys holds, and power
// that another one shows.
#include <algorithm>

#include "base/error.h"
#include "fake_powercap.h"
#include "power/backend.h"
#include "power/guard/guarded_cap.h"
#include "power/guard/restorable.h"
#include "power/registry.h"
#include "power/sampled_counter.h"
#include "scenario/scenario.h"

using namespace alertbench;

namespace {

constexpr const char *dummy_limit = "/sys/class/dummy/limit_w", *dummy_power = "/sys/class/dummy/power_w";

class DummyCap : public GuardedCap {
 public:
  explicit DummyCap(const PowerRequest& request) : GuardedCap("dummy"), root_(root_prefix(request.root)) {
    take_lock(request.root, request.state_folder, request.nvml_library);
    const auto found = read_sysfs_number(root_ + dummy_limit);
    if (!found) cannot_restore(root_ + dummy_limit);
    remember({{dummy_limit, *found}});
  }

 private:
  void put_in_force(double cap_w, std::optional<double>) override {
    write_sysfs_number(root_, root_ + dummy_limit, static_cast<uint64_t>(cap_w));
  }
  void check(double cap_w, bool just_set) override {
    const std::string now = sysfs_line(root_ + dummy_limit), wanted = std::to_string(static_cast<int>(cap_w));
    if (now == wanted) return;
    if (just_set) does_not_stick("limit_w reads " + now + " after " + wanted + " was written", "the limit");
    changed_by_others("limit_w reads " + now + ", this run had set " + wanted, "somebody");
  }
  nlohmann::ordered_json details() const override { return nlohmann::ordered_json::object(); }

  std::string root_;
};

std::unique_ptr<EnergyCounter> make_dummy_counter(const std::string& root, Clock& clock) {
  EnergyChannel channel;
  channel.about.name = "dummy";
  channel.about.capped = true;
  channel.origin = root_prefix(root) + dummy_power;
  channel.read = [path = channel.origin](std::string* why) -> std::optional<double> {
    const auto watts = read_sysfs_number(path, why);
    return watts ? std::optional<double>(static_cast<double>(*watts)) : std::nullopt;
  };
  return make_sampled_counter({channel}, {"sensor", "sensor", "a dummy", "choose another backend"}, clock);
}

PowerBackend open_dummy(const PowerRequest& request, Clock& clock) {
  PowerBackend power;
  power.counter = make_dummy_counter(request.root, clock);
  power.sample_counter();
  power.caps = std::make_unique<DummyCap>(request);
  return power;
}

PowerOutlook look_at_dummy(const PowerRequest& request, Clock&) {
  const std::string prefix = root_prefix(request.root);
  PowerOutlook outlook;
  if (const std::string why = why_not_writable(prefix + dummy_limit); !why.empty()) outlook.no_caps = {why};
  if (sysfs_line(prefix + dummy_power).empty()) outlook.no_energy = {"no power_w"};
  outlook.findings["dummy"] = {{"limit", sysfs_line(prefix + dummy_limit)}};
  return outlook;
}

PowerBackendEntry dummy_backend() {
  PowerBackendEntry entry;
  entry.name = "dummy";
  entry.summary = "a limit that a file holds";
  entry.hardware_caps = true;
  entry.open = open_dummy;
  entry.device = "cpu";
  entry.look = look_at_dummy;
  entry.lock_file = [](const std::string& root) {
    return std::filesystem::exists(root_prefix(root) + dummy_limit) ? dummy_limit : "";
  };
  return entry;
}

const RestorableCap dummy_file{"/sys/class/dummy/limit_w", restore_number};

struct DummyMachine {
  DummyMachine() {
    put(folder / "sys/class/dummy/limit_w", "90\n");
    put(folder / "sys/class/dummy/power_w", "40\n");
  }
  std::string limit() const { return sysfs_line(folder / "sys/class/dummy/limit_w"); }
  PowerRequest request(const std::string& backend) const {
    PowerRequest r;
    r.backend = backend;
    r.root = folder.path;
    r.caps_w = {30, 60};
    return r;
  }
  Folder folder;
};

class DummyClock : public Clock {
 public:
  double now_s() override { return time_s_; }
  double processor_s() override { return time_s_; }
  void sleep_until(double t) override { time_s_ = std::max(time_s_, t); }

 private:
  double time_s_ = 10;
};

nlohmann::json dummy_scenario() {
  return {{"schema_version", "1.0"},
          {"name", "dummy"},
          {"workload", {{"name", "fashion-mnist"}}},
          {"networks", "networks.json"},
          {"inputs", 10},
          {"goals", {{{"name", "g"}, {"task", "min_energy"}, {"deadline_x", 1.5}, {"accuracy", 0.5}}}},
          {"power", {{"backend", "dummy"}, {"caps_w", {5, 10}}}}};
}

}  // namespace

TEST_CASE("power registry: every backend has what lists, scenarios and auto ask for", "[power][registry]") {
  std::vector<std::string> names;
  for (const PowerBackendEntry& entry : power_backends()) {
    INFO(entry.name);
    CHECK(std::find(names.begin(), names.end(), entry.name) == names.end());
    names.push_back(entry.name);
    CHECK_FALSE(entry.summary.empty());
    CHECK(bool(entry.open));
    CHECK(entry.device.empty() == !entry.look);
    CHECK(entry.hardware_caps == bool(entry.lock_file));
    CHECK(find_power_backend(entry.name) == &entry);
  }
  CHECK(names == std::vector<std::string>{"emulated", "rapl", "cpufreq", "nvml", "none"});
  names.push_back("auto");
  CHECK(power_backend_names() == names);
  CHECK(find_power_backend("auto") == nullptr);

  DummyClock clock;
  PowerRequest unknown;
  unknown.backend = "rapel";
  check_says(message_of([&] { open_power(unknown, clock); }), {"\"rapel\" is not known", "rapl, cpufreq"});
}

TEST_CASE("power registry: a new backend is listed, read, opened, chosen by auto, and its caps are restored",
          "[power][registry]") {
  const DummyMachine m;
  DummyClock clock;
  CHECK_THROWS_AS(Scenario::from_json(dummy_scenario(), "s.json"), InputError);
  CHECK_FALSE(cap_file(dummy_limit));
  CHECK(machine_lock_file(m.folder.path).empty());

  const RegisteredBackend backend(dummy_backend());
  const RegisteredRestorable file(dummy_file);
  CHECK(find_power_backend("dummy")->summary == "a limit that a file holds");
  const Scenario scenario = Scenario::from_json(dummy_scenario(), "s.json");
  CHECK(scenario.power_backend == "dummy");
  CHECK(scenario.caps_w.front() < scenario.power_model.static_w);  // which is not asked where hardware caps
  CHECK(machine_lock_file(m.folder.path) == dummy_limit);
  {
    const PowerBackend power = open_power(m.request("dummy"), clock);
    CHECK(power.facts()["backend"] == "dummy");
    CHECK(power.energy_source() == "sensor");
    power.caps->set(30);
    power.caps->set(30);
    CHECK(m.limit() == "30");
    put(m.folder / "sys/class/dummy/limit_w", "31\n");
    check_says(message_of<RunError>([&] { power.caps->set(30); }), {"reads 31", "had set 30", "somebody?"});
    power.caps->restore();
    CHECK(m.limit() == "90");
    power.caps->set(60);
    CHECK_THROWS_AS(open_power(m.request("auto"), clock), CapsTaken);
  }
  CHECK(m.limit() == "90");
  {
    const PowerBackend power = open_power(m.request("auto"), clock);
    CHECK(power.caps->backend() == "dummy");
    check_says(power.notes.at(0), {"auto is dummy"});
  }

  const std::string folder = state_folder("", m.folder.path);
  put(state_path(folder),
      to_json(CapState{123, "alert-bench run x", "2020", m.folder.path, {{dummy_limit, 90}}}).dump());
  put(m.folder / "sys/class/dummy/limit_w", "30\n");
  const RestoreResult restored = restore_caps(m.folder.path, folder);
  CHECK(restored.found);
  CHECK(m.limit() == "90");
  check_says(restored_text(restored.state, restored.state.values.at(0)), {"limit_w is 90 again"});

  std::filesystem::remove(m.folder / "sys/class/dummy/power_w");
  check_says(open_power(m.request("auto"), clock).notes.at(0), {"auto is emulated", "no power_w"});
}
