#include "plugins/plugin_scheduler.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/console.h"
#include "base/error.h"
#include "plugins/prediction.h"

namespace alertbench {
namespace {

constexpr const char* entry_point = "alert_bench_scheduler";

template <class Structure>
Structure sized() {
  Structure s{};
  s.struct_size = sizeof s;
  return s;
}

bool may_predict(const Prediction& p) {
  const auto within = [](double value, double low, double high) {
    return std::isnan(value) || (value >= low && value <= high);
  };
  return within(p.latency_s, -most_predicted, most_predicted) && within(p.p_deadline, 0, 1) &&
         within(p.accuracy, 0, 1) && within(p.energy_j, -most_predicted, most_predicted);
}

}  // namespace

const alert_scheduler& load_plugin(const std::string& file, const std::string& where) {
  const auto refuse = [&](const std::string& what) { throw InputError(fmt::format("{}: {}", where, what)); };
  // A name without a slash would be looked up in the folders of the system's libraries.
  void* library = dlopen((file[0] == '/' ? file : "./" + file).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    refuse(
        fmt::format("cannot be loaded as a shared object ({}); build one with `cc -shared -fPIC`, see "
                    "alert_bench/scheduler.h",
                    dlerror()));
  const auto entry = reinterpret_cast<decltype(&alert_bench_scheduler)>(dlsym(library, entry_point));
  if (!entry)
    refuse(
        fmt::format("exports no function {}; define it as alert_bench/scheduler.h declares it", entry_point));
  const alert_scheduler* table = entry();
  if (!table) refuse(fmt::format("{} returned null instead of its table of functions", entry_point));
  if (table->abi != ALERT_SCHEDULER_ABI)
    refuse(
        fmt::format("was built for version {} of the interface, and this program has version {}; build it "
                    "again with the alert_bench/scheduler.h of this program",
                    table->abi, ALERT_SCHEDULER_ABI));
  if (table->struct_size < sizeof *table)
    refuse(
        fmt::format("its table of functions has {} bytes, but version {} has {}; set struct_size to the "
                    "sizeof of the table",
                    table->struct_size, ALERT_SCHEDULER_ABI, sizeof *table));
  const char* missing = !table->create    ? "create"
                        : !table->decide  ? "decide"
                        : !table->observe ? "observe"
                        : !table->destroy ? "destroy"
                                          : nullptr;
  if (missing) refuse(fmt::format("its table of functions has no {}; all four are needed", missing));
  return *table;
}

PluginTables::PluginTables(const Profile& p, const Goals& g)
    : goal_name_(g.name), profile_(sized<alert_profile>()), goals_(sized<alert_goals>()) {
  for (int m = 0; m < static_cast<int>(p.models.size()); ++m) {
    const ModelProfile& model = p.models[static_cast<size_t>(m)];
    alert_network n = sized<alert_network>();
    n.name = model.name.c_str();
    n.stages = model.stages();
    n.first_row = p.first_row(m);
    n.accuracy = model.accuracy.data();
    n.size_growth = model.size_growth;
    networks_.push_back(n);
  }
  for (const alert_network& n : networks_) network_pointers_.push_back(&n);
  for (const auto value : {&LatencyStats::mean_s, &LatencyStats::median_s, &LatencyStats::p95_s,
                           &LatencyStats::p99_s, &LatencyStats::cv})
    for (const LatencyStats& stats : p.latency) latency_.push_back(stats.*value);
  const size_t cells = p.latency.size();
  profile_.workload = p.workload.c_str();
  profile_.accuracy_unit = to_string(p.accuracy_unit);
  profile_.networks = static_cast<int32_t>(networks_.size());
  profile_.rows = p.rows();
  profile_.caps = p.caps();
  profile_.network = network_pointers_.data();
  profile_.cap_w = p.caps_w.data();
  profile_.latency_mean_s = latency_.data();
  profile_.latency_median_s = latency_.data() + cells;
  profile_.latency_p95_s = latency_.data() + 2 * cells;
  profile_.latency_p99_s = latency_.data() + 3 * cells;
  profile_.latency_cv = latency_.data() + 4 * cells;
  profile_.active_power_w = p.active_power_w.data();
  profile_.idle_power_w = p.idle_power_w;
  profile_.fail_accuracy = p.fail_accuracy;

  goals_.name = goal_name_.c_str();
  goals_.task = g.task == Task::min_energy ? ALERT_MIN_ENERGY : ALERT_MIN_ERROR;
  goals_.strict = g.judge == Judge::strict;
  goals_.deadline_s = g.deadline_s;
  goals_.accuracy = g.accuracy.value_or(unpredicted);
  goals_.energy_j = g.energy_j.value_or(unpredicted);
  goals_.accuracy_tolerance = g.tolerance.accuracy;
  goals_.energy_tolerance = g.tolerance.energy;
}

PluginScheduler::PluginScheduler(const ExternalScheduler& spec, const SchedulerInputs& inputs,
                                 const nlohmann::json& settings, const std::string& name,
                                 const std::string& where)
    : profile_(inputs.profile),
      spec_(spec.spec),
      name_(name),
      settings_(settings.dump()),
      tables_(inputs.profile, inputs.goals),
      plugin_(load_plugin(spec.file, spec.spec)),
      host_(sized<alert_host>()),
      decision_(sized<alert_decision>()) {
  host_.profile = &tables_.profile();
  host_.goals = &tables_.goals();
  host_.settings_json = settings_.c_str();
  host_.handle = this;
  host_.log = log;
  host_.fail = fail;
  self_ = plugin_.create(&host_);
  if (!self_)
    throw InputError(fmt::format("{}: {}", where,
                                 reason_.empty() ? "create() returned null and gave no reason" : reason_));
}

PluginScheduler::~PluginScheduler() {
  if (self_) plugin_.destroy(self_);
}

void PluginScheduler::log(void* self, const char* text) {
  try {
    say("{}: {}", static_cast<PluginScheduler*>(self)->name_, text ? text : "");
  } catch (...) {  // no exception may reach the plug-in
  }
}

void PluginScheduler::fail(void* self, const char* reason) {
  try {
    static_cast<PluginScheduler*>(self)->reason_ = reason ? reason : "";
  } catch (...) {
  }
}

void PluginScheduler::refuse(int64_t input, const std::string& what) const {
  throw RunError(fmt::format("{}: input {}: {}", spec_, input, what));
}

Configuration PluginScheduler::decide(const Context& c) {
  const alert_context context = {sizeof context, c.input,         c.deadline_from_start_s,
                                 c.period_s,     c.size,          c.delivered_by_s(),
                                 c.members_left, c.idle_charged_s};
  alert_decision& d = decision_;
  d.network = d.stage = d.cap = -1;
  d.predicted_latency_s = d.predicted_p_deadline = d.predicted_accuracy = d.predicted_energy_j = unpredicted;
  if (const int code = plugin_.decide(self_, &context, &d))
    refuse(c.input, fmt::format("decide() failed with {}{}", code, reason_.empty() ? "" : ": " + reason_));
  const auto models = static_cast<int32_t>(profile_.models.size());
  if (d.network < 0 || d.network >= models)
    refuse(c.input, fmt::format("decided on network {}, but they are 0 to {}", d.network, models - 1));
  const ModelProfile& model = profile_.models[static_cast<size_t>(d.network)];
  if (d.stage < 1 || d.stage > model.stages())
    refuse(c.input, fmt::format("decided on stage {} of {}, but its stages are 1 to {}", d.stage, model.name,
                                model.stages()));
  if (d.cap < 0 || d.cap >= profile_.caps())
    refuse(c.input, fmt::format("decided on cap {}, but they are 0 to {}", d.cap, profile_.caps() - 1));
  prediction_ = {d.predicted_latency_s, d.predicted_p_deadline, d.predicted_accuracy, d.predicted_energy_j};
  if (!may_predict(prediction_))
    refuse(c.input,
           fmt::format("predicted a latency of {} s, a probability of {}, an accuracy of {} and {} J; "
                       "predict NaN for what is not known",
                       d.predicted_latency_s, d.predicted_p_deadline, d.predicted_accuracy,
                       d.predicted_energy_j));
  return {d.network, d.stage, d.cap};
}

std::optional<Prediction> PluginScheduler::prediction() const {
  const Prediction& p = prediction_;
  if (std::isnan(p.latency_s) && std::isnan(p.p_deadline) && std::isnan(p.accuracy) && std::isnan(p.energy_j))
    return {};
  return p;
}

void PluginScheduler::observe(const Observation& o) {
  const alert_observation observation = {sizeof observation,
                                         o.configuration.model,
                                         o.configuration.stage,
                                         o.configuration.cap,
                                         o.stages_finished,
                                         o.stage_delivered,
                                         o.last_stage_end_s,
                                         o.busy_s,
                                         o.deadline_from_start_s,
                                         o.period_s,
                                         o.size,
                                         o.decide_s,
                                         o.accuracy,
                                         o.energy_j.value_or(unpredicted),
                                         o.idle_power_w.value_or(unpredicted)};
  plugin_.observe(self_, &observation);
}

}  // namespace alertbench
