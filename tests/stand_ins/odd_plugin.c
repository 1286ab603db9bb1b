/* A scheduler that does what its setting "do" says. Compiled with ODD_TABLE, its table is what that says. */
#include <alert_bench/scheduler.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int alive;

typedef struct {
  char what[32];
  int32_t caps;
} odd;

static void *create(const alert_host *host) {
  const char *what = strstr(host->settings_json, "\"do\":\"");
  char line[200];
  odd *self = calloc(1, sizeof *self);
  if (!self) return NULL;
  if (what) sscanf(what, "\"do\":\"%31[a-z-]", self->what);
  self->caps = host->profile->caps;
  sprintf(line, "%d alive, %s for %s at %g W", ++alive, self->what, host->profile->network[0]->name,
          host->profile->cap_w[self->caps - 1]);
  if (strcmp(self->what, "log") == 0) host->log(host->handle, line);
  if (strcmp(self->what, "refuse") == 0) {
    host->fail(host->handle, "these goals are not for me");
    free(self);
    return NULL;
  }
  return self;
}

static int decide(void *instance, const alert_context *context, alert_decision *decision) {
  const odd *self = instance;
  decision->network = 0;
  decision->stage = 1;
  decision->cap = self->caps - 1;
  if (context->input < 2) return 0;
  if (strcmp(self->what, "network") == 0) decision->network = 1000;
  if (strcmp(self->what, "stage") == 0) decision->stage = 0;
  if (strcmp(self->what, "cap") == 0) decision->cap = -1;
  if (strcmp(self->what, "predict") == 0) decision->predicted_latency_s = 0.25;
  if (strcmp(self->what, "oracle") == 0) decision->predicted_accuracy = 2;
  return strcmp(self->what, "fail") == 0 ? 7 : 0;
}

static void observe(void *instance, const alert_observation *observation) {
  (void)instance;
  (void)observation;
}

static void destroy(void *instance) {
  --alive;
  free(instance);
}

#ifndef ODD_TABLE
#define ODD_TABLE {sizeof table, ALERT_SCHEDULER_ABI, create, decide, observe, destroy}
#endif

#ifdef ODD_NAME
const alert_scheduler *ODD_NAME(void);
const alert_scheduler *ODD_NAME(void) {
#else
const alert_scheduler *alert_bench_scheduler(void) {
#endif
  static const alert_scheduler table = ODD_TABLE;
  (void)decide; /* not in every table */
  return &table;
}
