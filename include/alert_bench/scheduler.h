/* The interface of a scheduler that alert-bench loads from a shared object: `--scheduler lib:FILE.so`.
 *
 * The shared object exports one function, alert_bench_scheduler(), which returns a table of functions. The
 * program creates a scheduler for every run: one goal setting on one recording, or live. For each input, in
 * order, it calls decide() and, after the execution, observe(). In the end it calls destroy().
 *
 *     cc -std=c99 -shared -fPIC -fvisibility=hidden -O2 -I PREFIX/include mine.c -o mine.so
 *     alert-bench replay RECORDING --scheduler lib:mine.so --allow-commands
 *
 * Units are SI and part of names: seconds (_s), joules (_j), watts (_w). Accuracies are 0 to 1. A value that
 * is not known is NaN. Stages count from 1, everything else from 0. Texts are UTF-8, ended by a zero byte.
 *
 * Growth: every structure begins with its size in bytes, which whoever makes it sets to its own `sizeof`.
 * Later versions only append members, and read one only if the size says that it is there. Whatever else
 * changes also changes ALERT_SCHEDULER_ABI, and a program refuses tables of another ABI.
 *
 * Threads: a scheduler is used by one thread at a time, but several schedulers may exist at once, in several
 * threads. What they share (static variables) they must protect. No C++ exception may leave a function.
 */
#ifndef ALERT_BENCH_SCHEDULER_H
#define ALERT_BENCH_SCHEDULER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ALERT_SCHEDULER_ABI 1

/* Makes a function visible although the rest is compiled with -fvisibility=hidden. */
#if defined(__GNUC__)
#define ALERT_SCHEDULER_EXPORT __attribute__((visibility("default")))
#else
#define ALERT_SCHEDULER_EXPORT
#endif

/* A candidate network. A traditional one has one stage, an anytime network more. */
typedef struct alert_network {
  size_t struct_size;
  const char* name;
  int32_t stages;
  int32_t first_row;      /* of this network in the profile's arrays by row */
  const double* accuracy; /* [stage - 1]: of the output of each stage; never decreasing */
  /* Share of the latency at the mean size that grows with the size of the input: an input of `size` times the
     mean size takes max(0.05, 1 + size_growth * (size - 1)) times as long. */
  double size_growth;
} alert_network;

/* What is known of every configuration without contention. A row is one stage of one network. */
typedef struct alert_profile {
  size_t struct_size;
  const char* workload;      /* such as "fashion-mnist" */
  const char* accuracy_unit; /* "top1", "f1" or "language_quality" */
  int32_t networks;
  int32_t rows; /* the stages of all networks together */
  int32_t caps;
  const alert_network* const* network; /* [network] */
  const double* cap_w;                 /* [cap], increasing; the last one is the default, uncapped */
  /* [row * caps + cap]: from the start of the execution to the end of the stage, for inputs of mean size. */
  const double* latency_mean_s;
  const double* latency_median_s;
  const double* latency_p95_s;
  const double* latency_p99_s;
  const double* latency_cv;     /* standard deviation over mean */
  const double* active_power_w; /* [network * caps + cap]: while the network runs */
  double idle_power_w;
  double fail_accuracy; /* of an input that nothing is delivered for */
} alert_profile;

#define ALERT_MIN_ENERGY 0 /* the least energy that meets the deadline and the accuracy goal */
#define ALERT_MIN_ERROR 1  /* the highest accuracy that meets the deadline and the energy budget */

typedef struct alert_goals {
  size_t struct_size;
  const char* name; /* of the goal setting */
  int32_t task;     /* ALERT_MIN_ENERGY or ALERT_MIN_ERROR */
  int32_t strict;   /* 0: accuracy and energy are judged by their means over the run; 1: input by input */
  double deadline_s;
  double accuracy;           /* goal of ALERT_MIN_ENERGY; otherwise NaN */
  double energy_j;           /* budget of one period, of ALERT_MIN_ERROR; otherwise NaN */
  double accuracy_tolerance; /* by how much the mean may miss its goal: absolute */
  double energy_tolerance;   /* the same, as a share of the budget */
} alert_goals;

/* What the program gives to create(). It stays valid and unchanged until destroy() has returned. */
typedef struct alert_host {
  size_t struct_size;
  const alert_profile* profile;
  const alert_goals* goals;
  const char* settings_json; /* the object under scheduler_settings of the scenario; "{}" if there is none */
  void* handle;              /* for the functions below */
  /* Prints a line on standard error, with the name of the scheduler in front. */
  void (*log)(void* handle, const char* text);
  /* Says why create() or decide() fails; the message of the program contains it. */
  void (*fail)(void* handle, const char* reason);
} alert_host;

/* What is known when a decision is made. Times count from the start of the execution, which is now. */
typedef struct alert_context {
  size_t struct_size;
  int64_t input;
  /* To plan with, and when an anytime network is stopped: the input's deadline, or its share of the time that
     is left to its group. 0 or less: the time has passed. */
  double deadline_from_start_s;
  double period_s; /* to the end of the input's period; the machine idles for the rest of it */
  double size;     /* of the input, over the mean size */
  /* When the group (the words of a sentence) is due: what is finished by then is delivered. Not below
     deadline_from_start_s. */
  double group_deadline_from_start_s;
  int64_t members_left;  /* of the group, including this input; 1 if it is alone */
  double idle_charged_s; /* part of period_s that earlier members of the group were charged for as idle */
} alert_context;

/* The program fills in the predictions as NaN; they are optional, and go into the trace. */
typedef struct alert_decision {
  size_t struct_size;
  int32_t network;
  int32_t stage; /* the last one to run, 1 to the network's stages */
  int32_t cap;
  double predicted_latency_s;
  double predicted_p_deadline; /* probability that something is delivered in time */
  double predicted_accuracy;
  double predicted_energy_j;
} alert_decision;

/* What the execution came to. Times count from its start. */
typedef struct alert_observation {
  size_t struct_size;
  int32_t network, stage, cap; /* as decided */
  int32_t stages_finished;     /* at most `stage` */
  int32_t stage_delivered;     /* the last one in time; 0: none */
  double last_stage_end_s;     /* when stage `stages_finished` ended; 0 if none did */
  double busy_s;
  double deadline_from_start_s; /* as in the context of the decision, like the next two */
  double period_s;
  double size;
  double decide_s; /* how long the decision took; 0 in replay, where decisions take no time */
  double accuracy; /* delivered, by the profile */
  double energy_j; /* of the period; NaN if it is not known */
  double idle_power_w;
} alert_observation;

/* What the shared object gives. No function may be null. */
typedef struct alert_scheduler {
  size_t struct_size;
  uint32_t abi; /* ALERT_SCHEDULER_ABI */
  /* Returns the scheduler (any pointer but null), which the other functions get as `self`. Returns null if it
     cannot work with this profile, these goals or these settings, after a call of host->fail. */
  void* (*create)(const alert_host* host);
  /* Fills in network, stage and cap, and returns 0. Returns another number to end the run. */
  int (*decide)(void* self, const alert_context* context, alert_decision* decision);
  void (*observe)(void* self, const alert_observation* observation);
  void (*destroy)(void* self);
} alert_scheduler;

/* The only symbol that the shared object must export. The table must stay valid. */
ALERT_SCHEDULER_EXPORT const alert_scheduler* alert_bench_scheduler(void);

#ifdef __cplusplus
}
#endif

#endif
