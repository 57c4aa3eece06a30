/* The driver's side of a fit: what an engine gets, and what it reports through. */
#ifndef URN_INFERENCE_DRIVER_H
#define URN_INFERENCE_DRIVER_H

#include "clock.h"
#include "engine.h"
#include "governor.h"
#include "guide.h"
#include "normal_form.h"
#include "trend.h"

#define URN__MAX_NUMBERS 48
#define URN__MAX_WARNINGS 16
#define URN__MAX_PHASES 8

struct urn__run {
    const urn_allocator *allocator;
    const urn__target *target;
    const urn__settings *settings;
    uint64_t seed;
    uint64_t chain;
    const double *init, *init_scale; /* may be NULL */
    int64_t n_steps;                 /* optimisers: set by the engine's start */
    bool sweeps;                     /* likewise: its steps are called sweeps */
    int64_t n_warmup, n_draws, thin; /* samplers: set before the engine's start */
    int64_t step;                    /* done so far */
    int64_t skipped;
    bool interrupted;
    urn_fit *fit;
    const urn_fit_options *options;
    urn__step_clock clock;
    urn__smoother smoother;
    urn__trend trend;
    urn__governor governor;
    int most_threads;  /* those asked for */
    double phase_mark; /* profiling: when the running phase began */
};

struct urn_fit {
    const urn_allocator *allocator;
    urn__arena *arena;
    urn_posterior *posterior;
    const char *cpu;
    int n_numbers, n_warnings;
    urn_fit_number numbers[URN__MAX_NUMBERS];
    const char *warnings[URN__MAX_WARNINGS];
    int n_phases, n_profile;
    urn_profile_entry phases[URN__MAX_PHASES];
    urn_profile_entry *profile; /* ops of the program */
    bool warning_lost;          /* there was no memory or no room to keep one */
    int n_stats;                /* samplers: of the stored draws */
    urn_fit_stat stats[URN__MAX_STATS];
};

/* An empty fit; *fit is NULL on failure. */
urn_status urn__fit_new(const urn_allocator *allocator, urn_fit **fit, urn_error *error);

/* The state of an engine for one chain, started; NULL on failure. */
urn_status urn__state_new(urn__run *run, const urn_engine *engine, void **state, urn_error *error);
/* Takes NULL. */
void urn__state_free(const urn__run *run, const urn_engine *engine, void *state);

/* The first of n coordinates that is not finite, and its value; -1 if all are. */
int64_t urn__find_not_finite(int64_t n, const double *position, double *value);

/* Notes a number of the finished fit. `name` is a literal. */
void urn__run_number(urn__run *run, const char *name, double value, bool of_the_clock);
/* Notes a warning in words. */
void urn__run_warn(urn__run *run, const char *format, ...) URN_PRINTF(2, 3);
/* After every step: clocks, smoothing, log row, progress, interruption. False: stop now. */
bool urn__run_after_step(urn__run *run, const urn__step_info *info);
/* Under `profile`: the time since the last call belongs to `phase` (a literal; NULL: to nobody). */
void urn__run_phase(urn__run *run, const char *phase);
/* Chooses the threads of the coming evaluations: at the start of a loop of them, and after each. */
void urn__run_govern_start(urn__run *run);
void urn__run_govern(urn__run *run, double seconds);
/* For long work after the steps: progress of phase "evaluating"; false when interrupted. */
bool urn__run_evaluating(urn__run *run, int64_t done, int64_t total);

/* Fits a target that is ready for evaluations. `options` are complete. */
urn_status urn__fit_target(const urn__target *target, const urn_fit_options *options,
                           const urn__settings *settings, urn_fit **fit, urn_error *error);

/* The chains of a sampler (chains.c): from their starts to the posterior, numbers and warnings of
 * run->fit. */
urn_status urn__sample(urn__run *run, const urn_engine *engine, urn_error *error);
/* What the options, or else the engine, say. */
typedef struct urn__chain_plan {
    int chains, workers; /* that run at the same time */
    int64_t warmup, draws, thin;
    int64_t n_steps; /* of a chain */
    int64_t size;    /* of a state */
    int n_stats;
    int64_t stride, stored; /* every so manieth draw is stored, so many a chain */
} urn__chain_plan;
urn_status urn__chain_plan_of(const urn__target *target, const urn_engine *engine,
                              const urn_fit_options *options, urn__chain_plan *plan,
                              urn_error *error);
/* Bytes of a sampler's chains and of what it keeps. */
int64_t urn__chain_plan_bytes(const urn__chain_plan *plan);

/* Where engines begin: the position given, or what `init` ("median", "random", "zero") says, plus
 * normal noise of sd `jitter`. */
urn_status urn__start_position(urn__run *run, const char *init, double jitter, double *position,
                               urn_error *error);
/* Uniform in (-2, 2), attempt number `attempt` (from 1: that of urn__start_position). */
void urn__start_random(const urn__run *run, uint64_t attempt, double *position);
/* Asks `good` whether log density and gradient are finite at `position`, which is where `init` put
 * it. A random start is drawn anew up to 100 times; any other, or the last, is an error that names
 * the site at fault. Addresses the evaluations. */
urn_status urn__start_finite(const urn__run *run, const char *init,
                             bool (*good)(void *context, const double *position), void *context,
                             double *position, urn_error *error);
/* Where chain number `chain` begins among the first positions given; NULL: none are. */
const double *urn__start_given(const urn_fit_options *options, int64_t size, uint64_t chain);
/* As urn__start_position for a guide, with first scales `scale` unless the run has others. */
urn_status urn__start_guide(urn__run *run, const char *init, double jitter, double scale,
                            urn__guide *guide, urn_error *error);
/* The posterior a guide stands for, in doubles. */
urn_status urn__guide_posterior(const urn__run *run, const urn__guide *guide,
                                urn_posterior **posterior, urn_error *error);

/* Memory of a posterior through a hook; the rest as urn_posterior_new. */
urn_status urn__posterior_make(const urn_allocator *allocator, urn_posterior_kind kind,
                               int64_t size, int64_t chains, int64_t draws, const double *loc,
                               const double *scale, uint64_t seed, urn_posterior **posterior,
                               urn_error *error);
/* A posterior to be filled in: zeros of the right sizes in *loc and, for normals, *scale. */
urn_status urn__posterior_room(const urn_allocator *allocator, urn_posterior_kind kind,
                               int64_t size, int64_t chains, int64_t draws, uint64_t seed,
                               const char *cpu, double **loc, double **scale,
                               urn_posterior **posterior, urn_error *error);
/* As urn_posterior_new_normal, memory through a hook. */
urn_status urn__posterior_make_normal(const urn_allocator *allocator, int64_t size,
                                      const double *loc, const urn_normal_form *form, uint64_t seed,
                                      urn_posterior **posterior, urn_error *error);
/* Gives a normal posterior its form, which it owns from then on, whatever is returned. Scales
 * follow. */
urn_status urn__posterior_take_form(urn_posterior *posterior, urn__normal_form *form,
                                    urn_error *error);
/* Leaves `n` chains of a stored posterior, those listed (ascending), with their first `draws`. */
void urn__posterior_keep(urn_posterior *posterior, int n, const int *chains, int64_t draws);
/* URN_ERR_USAGE unless it is of positions of this model, or of the states a sampler stored. */
urn_status urn__posterior_fits(const urn_posterior *posterior, const urn_model *model,
                               urn_error *error);
/* Checks what was filled in: scales that are negative or not finite are URN_ERR_USAGE. */
urn_status urn__posterior_check(const urn_posterior *posterior, urn_error *error);
/* What its draws are made with; what is computed of them should be, too. */
const urn__kernels *urn__posterior_kernels(const urn_posterior *posterior);
/* As urn_posterior_draw, on several threads. */
void urn__posterior_draw(const urn_posterior *posterior, int64_t s, int threads, double *position);
const urn_allocator *urn__posterior_allocator(const urn_posterior *posterior);

#endif
