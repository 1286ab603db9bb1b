/* A scheduler in C: always the network with the fastest first stage, at the least cap under which it is
 * profiled to finish in time. The setting "slack" (default 1.2) is how much slower than profiled it may turn
 * out to be.
 *
 *     cc -std=c99 -shared -fPIC -fvisibility=hidden -O2 -I include examples/scheduler/fastest.c -o fastest.so
 *     alert-bench replay results/quickstart/recording --scheduler lib:fastest.so --allow-commands
 */
#include <alert_bench/scheduler.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const alert_profile *profile;
  int32_t network;
  double slack;
} fastest;

static void *create(const alert_host *host) {
  const alert_profile *p = host->profile;
  const char *slack = strstr(host->settings_json, "\"slack\":");
  fastest *self = malloc(sizeof *self);
  if (!self) return NULL;
  self->profile = p;
  self->network = 0;
  self->slack = slack ? strtod(slack + strlen("\"slack\":"), NULL) : 1.2;
  if (!(self->slack > 0)) {
    host->fail(host->handle, "slack must be above 0");
    free(self);
    return NULL;
  }
  for (int32_t n = 1; n < p->networks; ++n)
    if (p->latency_mean_s[p->network[n]->first_row * p->caps + p->caps - 1] <
        p->latency_mean_s[p->network[self->network]->first_row * p->caps + p->caps - 1])
      self->network = n;
  return self;
}

static int decide(void *instance, const alert_context *context, alert_decision *decision) {
  const fastest *self = instance;
  const alert_profile *p = self->profile;
  const alert_network *network = p->network[self->network];
  const double *latency_s = p->latency_mean_s + network->first_row * p->caps;
  const double size = 1 + network->size_growth * (context->size - 1);
  decision->network = self->network;
  decision->stage = 1;
  decision->cap = 0;
  while (decision->cap < p->caps - 1 &&
         self->slack * size * latency_s[decision->cap] > context->deadline_from_start_s)
    ++decision->cap;
  return 0;
}

static void observe(void *instance, const alert_observation *observation) {
  (void)instance;
  (void)observation;
}

const alert_scheduler *alert_bench_scheduler(void) {
  static const alert_scheduler table = {sizeof table, ALERT_SCHEDULER_ABI, create, decide, observe, free};
  return &table;
}
