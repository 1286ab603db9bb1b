// The built-in ALERT behind the interface of schedulers in shared objects: whatever it needs must come
// through that interface.
#include <alert_bench/scheduler.h>

#include <cmath>
#include <exception>
#include <memory>
#include <nlohmann/json.hpp>

#include "schedulers/scheduler.h"

using namespace alertbench;

namespace {

struct AlertPlugin {
  Profile profile;
  std::unique_ptr<Scheduler> scheduler;
};

std::optional<double> known(double value) {
  return std::isnan(value) ? std::nullopt : std::optional<double>(value);
}

Profile profile_of(const alert_profile& p) {
  Profile profile;
  profile.workload = p.workload;
  profile.caps_w.assign(p.cap_w, p.cap_w + p.caps);
  profile.fail_accuracy = p.fail_accuracy;
  profile.idle_power_w = p.idle_power_w;
  for (int32_t n = 0; n < p.networks; ++n) {
    const alert_network& network = *p.network[n];
    ModelProfile model;
    model.name = network.name;
    model.accuracy.assign(network.accuracy, network.accuracy + network.stages);
    model.size_growth = network.size_growth;
    profile.models.push_back(model);
  }
  for (int32_t i = 0; i < p.rows * p.caps; ++i)
    profile.latency.push_back({p.latency_mean_s[i], p.latency_median_s[i], p.latency_p95_s[i],
                               p.latency_p99_s[i], p.latency_cv[i]});
  profile.active_power_w.assign(p.active_power_w, p.active_power_w + p.networks * p.caps);
  return profile;
}

Goals goals_of(const alert_goals& g) {
  Goals goals;
  goals.name = g.name;
  goals.task = g.task == ALERT_MIN_ERROR ? Task::min_error : Task::min_energy;
  goals.deadline_s = g.deadline_s;
  goals.accuracy = known(g.accuracy);
  goals.energy_j = known(g.energy_j);
  goals.judge = g.strict ? Judge::strict : Judge::mean;
  goals.tolerance = {g.accuracy_tolerance, g.energy_tolerance};
  return goals;
}

void* create(const alert_host* host) {
  try {
    auto self = std::make_unique<AlertPlugin>();
    self->profile = profile_of(*host->profile);
    self->scheduler = make_scheduler("alert", {self->profile, goals_of(*host->goals)},
                                     nlohmann::json::parse(host->settings_json), "alert as a plug-in");
    return self.release();
  } catch (const std::exception& e) {
    host->fail(host->handle, e.what());
    return nullptr;
  }
}

int decide(void* self, const alert_context* c, alert_decision* d) {
  Scheduler& scheduler = *static_cast<AlertPlugin*>(self)->scheduler;
  Context context;
  context.input = c->input;
  context.deadline_from_start_s = c->deadline_from_start_s;
  context.period_s = c->period_s;
  context.size = c->size;
  context.group_deadline_from_start_s = c->group_deadline_from_start_s;
  context.members_left = c->members_left;
  context.idle_charged_s = c->idle_charged_s;
  const Configuration configuration = scheduler.decide(context);
  d->network = configuration.model;
  d->stage = configuration.stage;
  d->cap = configuration.cap;
  if (const auto predicted = scheduler.prediction()) {
    d->predicted_latency_s = predicted->latency_s;
    d->predicted_p_deadline = predicted->p_deadline;
    d->predicted_accuracy = predicted->accuracy;
    d->predicted_energy_j = predicted->energy_j;
  }
  return 0;
}

void observe(void* self, const alert_observation* seen) {
  Observation o;
  o.configuration = {seen->network, seen->stage, seen->cap};
  o.stages_finished = seen->stages_finished;
  o.stage_delivered = seen->stage_delivered;
  o.last_stage_end_s = seen->last_stage_end_s;
  o.busy_s = seen->busy_s;
  o.deadline_from_start_s = seen->deadline_from_start_s;
  o.period_s = seen->period_s;
  o.size = seen->size;
  o.decide_s = seen->decide_s;
  o.accuracy = seen->accuracy;
  o.energy_j = known(seen->energy_j);
  o.idle_power_w = known(seen->idle_power_w);
  static_cast<AlertPlugin*>(self)->scheduler->observe(o);
}

void destroy(void* self) { delete static_cast<AlertPlugin*>(self); }

}  // namespace

const alert_scheduler* alert_bench_scheduler() {
  static const alert_scheduler table = {sizeof table, ALERT_SCHEDULER_ABI, create, decide, observe, destroy};
  return &table;
}
