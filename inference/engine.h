/* What an engine is, what it works on (a target) and what drives it (a run). Private to the
 * inference layer. An engine owns the state of one chain and differs from the others in `step`
 * only; the driver owns the loop, progress, log rows, interruption, clocks, warnings and numbers.
 */
#ifndef URN_INFERENCE_ENGINE_H
#define URN_INFERENCE_ENGINE_H

#include "../runtime/base/base.h"
#include "../runtime/base/rng.h"
#include "../runtime/tensor/tensor.h"
#include <urn/fit.h>

/* ---- addresses of random numbers ---- */

/* What a stream is drawn for. Each use has chain numbers of its own, so no two share a stream. */
typedef enum urn__use {
    URN__USE_STEPS,
    URN__USE_EVALUATION,
    URN__USE_START,
    URN__USE_POSTERIOR,
    URN__USE_PREDICTION,
    URN__USE_PRIOR
} urn__use;

static inline uint64_t urn__chain_for(urn__use use, uint64_t chain)
{
    return (uint64_t)use << 32 | chain;
}

/* ---- settings: engine options as given, checked against the engine's table ---- */

typedef struct urn__setting_value {
    bool given; /* not the default */
    bool set;   /* has a value at all */
    double real;
    int64_t integer; /* also: the position of a choice, 0 or 1 of a flag */
    const char *text;
} urn__setting_value;

typedef struct urn__settings {
    const char *engine;
    const urn_option_spec *table;
    urn__setting_value *values; /* one a row of the table */
} urn__settings;

/* Checks names, types and ranges; values live in `arena`, texts are borrowed. An unknown name is
 * URN_ERR_USAGE, lists the known ones and suggests the nearest. */
urn_status urn__settings_read(const urn_engine *engine, const urn_setting *given, size_t n,
                              urn__arena *arena, urn__settings *settings, urn_error *error);
/* The value of an option of the table; asking for another one is a defect (asserted). */
const urn__setting_value *urn__setting(const urn__settings *settings, const char *name);
int64_t urn__setting_int(const urn__settings *settings, const char *name);
double urn__setting_real(const urn__settings *settings, const char *name);
/* Is this the chosen one of a URN_OPTION_CHOICE? */
bool urn__setting_is(const urn__settings *settings, const char *name, const char *choice);

/* ---- targets ---- */

/* One free site of a target: a slice of the position. Discrete sites have no coordinates (size 0).
 */
typedef struct urn__block {
    const char *name, *where;
    int site; /* in the model, -1 without one */
    int64_t offset, size;
    int64_t row;         /* coordinates of one row of the site; 0: not known to have rows */
    bool discrete;       /* see urn_model_state_size for where its values are */
    bool point;          /* a parameter: optimised, has no distribution */
    bool noncentred;     /* its prior median has coordinates 0 */
    const char *no_mode; /* as of urn_site_info */
} urn__block;

/* What a density of mini-batches sees of a block: all of it, or the rows a batch touches. */
typedef struct urn__seen {
    int64_t offset, size; /* in the positions it takes; rows that no batch fills included */
    int64_t row;          /* coordinates of a row; 0: the whole block is seen, and the rest unset */
    int64_t n;            /* rows the batch at hand touches: */
    const int32_t *rows;  /* ascending */
    const double *weight; /* of their own terms, which stand for those of all rows */
} urn__seen;

/* A log density over an unconstrained position, with what else an engine asks of it. It usually
 * wraps the replay of a model; sites that somebody else updates are simply not among its blocks. */
typedef struct urn__target {
    const urn_allocator *allocator;
    const urn_model *model; /* what it was made of; NULL for other targets */
    int64_t size;           /* of a position */
    double observations;    /* divisor of "loss per observation", at least 1 */
    int n_blocks;
    const urn__block *blocks; /* in order of their offsets */
    const urn__kernels *kernels;
    const urn__kernels_single *kernels_single;
    int threads;
    void *context;
    /* Not NULL: the density takes positions of seen_size coordinates, of which each block has what
     * `seen` says; `address` changes that. Such a target is for engines that ask for it. */
    const urn__seen *seen;
    int64_t seen_size;
    urn_precision precision; /* which of the two there is: */
    /* As urn_replay_log_density: never allocates; `gradient` may be NULL. */
    double (*log_density)(void *context, const double *position, double *gradient);
    double (*log_density_single)(void *context, const float *position, float *gradient);
    /* Addresses the random numbers (mini-batch included) of the coming evaluations. May be NULL. */
    urn_status (*address)(void *context, uint64_t seed, uint64_t chain, int64_t step);
    /* As urn_model_explain. May be NULL. */
    urn_status (*explain)(void *context, const double *position, char *text, size_t size,
                          urn_error *error);
    /* Threads of the coming evaluations, at most as many as the target was made with; `threads`
     * above follows. May be NULL. The value does not depend on it. */
    void (*set_threads)(void *context, int threads);
    /* As urn_replay_profile and urn_replay_profile_at. May be NULL. */
    urn_status (*profile)(void *context, urn_error *error);
    bool (*profile_at)(void *context, int i, urn_profile_entry *entry);
    /* Prior medians, all blocks; false in usable[b] where block b has none. NULL: zeros. */
    urn_status (*centre)(void *context, uint64_t seed, double *position, bool *usable,
                         urn_error *error);
    /* The same target with buffers of its own, for a chain on another thread, and its end. NULL:
     * there is only this one, and chains take turns. */
    urn_status (*fork)(void *context, int threads, struct urn__target **own, urn_error *error);
    void (*join)(struct urn__target *own);
} urn__target;

/* Arrays of the target's precision. */
double urn__target_log_density(const urn__target *target, const void *position, void *gradient);
urn_status urn__target_address(const urn__target *target, uint64_t seed, uint64_t chain,
                               int64_t step, urn_error *error);
/* Does the density at one position change with the address (mini-batches, sites drawn from their
 * priors)? Costs two evaluations. */
urn_status urn__target_varies(const urn__target *target, uint64_t seed, const void *position,
                              bool *varies, urn_error *error);
/* The error of a density that is not finite at `position`; `what` says when it happened. */
urn_status urn__target_fail_density(const urn__target *target, const double *position,
                                    const char *what, urn_error *error);
/* URN_ERR_MODEL, naming the site, when one of the blocks is discrete. */
urn_status urn__require_continuous(const char *engine, const urn__target *target, urn_error *error);
/* The same, and when one of them is a parameter: for engines that draw from distributions. */
urn_status urn__require_distributions(const char *engine, const urn__target *target,
                                      urn_error *error);
/* URN_ERR_MODEL with the model's own reason, when it says that a mode is not worth finding. */
urn_status urn__require_mode(const char *engine, const urn__target *target, urn_error *error);

/* A target made of a model. _describe finds the blocks (enough for `accepts`), _compile finds what
 * is to be computed, _open makes it ready for evaluations, _close frees; _close is right after any
 * failure too. */
typedef struct urn__model_target {
    urn__target target;
    const urn_model *model;
    const bool *held;    /* by site; NULL: none */
    const double *state; /* what the held sites are held at; borrowed */
    const char *cpu;
    urn__arena *arena;
    urn_program *program;
    urn_replay *replay;
    urn__seen *seen; /* behind target.seen */
} urn__model_target;
urn_status urn__model_target_describe(urn__model_target *mt, const urn_model *model,
                                      urn_precision precision, const urn_allocator *allocator,
                                      urn_error *error);
urn_status urn__model_target_compile(urn__model_target *mt, bool no_jacobian, const char *cpu,
                                     int threads, urn_error *error);
/* _compile for an engine that works on the rows a mini-batch touches, where the model's batches
 * update only these. */
urn_status urn__model_target_compile_touched(urn__model_target *mt, bool no_jacobian,
                                             const char *cpu, int threads, urn_error *error);
/* The same over some of the sites: those with held[site] (copied) keep the values of the state
 * given to _hold, which is to be called before the first evaluation and whenever these values
 * change. A position is the coordinates of the other blocks, without gaps; the log density is that
 * of the model up to a constant. Engine blocks that update a site of a larger whole are built on
 * this. */
urn_status urn__model_target_describe_held(urn__model_target *mt, const urn_model *model,
                                           const bool *held, urn_precision precision,
                                           const urn_allocator *allocator, urn_error *error);
/* Copies what the density reads of `state` (urn_model_state_size numbers); `state` itself is kept
 * for messages. Never allocates. */
void urn__model_target_hold(urn__model_target *mt, const double *state);
/* The free coordinates out of a state, and into it. */
void urn__model_target_gather(const urn__model_target *mt, const double *state, double *position);
void urn__model_target_scatter(const urn__model_target *mt, const double *position, double *state);
/* In place of _compile for engines with programs of their own: no density. */
urn_status urn__model_target_bare(urn__model_target *mt, const char *cpu, int threads,
                                  urn_error *error);
/* Bytes that _open takes. */
int64_t urn__model_target_memory(const urn__model_target *mt);
urn_status urn__model_target_open(urn__model_target *mt, urn_error *error);
void urn__model_target_close(urn__model_target *mt);

/* ---- runs ---- */

typedef struct urn__run urn__run; /* driver.h */

enum { URN__MAX_STATS = 12 };

/* A number a sampler reports of each of its steps, under the name ArviZ has for it: "lp",
 * "acceptance_rate", "step_size", "tree_depth", "n_steps", "diverging", "energy". */
typedef enum urn__stat_type { URN__STAT_REAL, URN__STAT_INT, URN__STAT_BOOL } urn__stat_type;
typedef struct urn__stat_spec {
    const char *name; /* NULL ends a list */
    urn__stat_type type;
} urn__stat_spec;

typedef struct urn__step_info {
    double loss;                  /* per observation; optimisers */
    bool skipped;                 /* not finite: nothing was updated */
    bool done;                    /* converged: no further steps needed */
    double stats[URN__MAX_STATS]; /* samplers: in the order of the engine's `stats` */
} urn__step_info;

/* What a chain reported of its steps after warm-up, all of them: n rows of n_stats numbers. */
typedef struct urn__chain_stats {
    int64_t n;
    int n_stats;
    const double *values;
} urn__chain_stats;

/* ---- engines ---- */

typedef enum urn__engine_kind {
    URN__OPTIMISER, /* one chain, a loss */
    URN__SAMPLER    /* several chains, draws */
} urn__engine_kind;

struct urn_engine {
    const char *name, *summary;
    urn__engine_kind kind;
    bool single; /* works in single precision, too */
    /* Samplers: what is done unless asked otherwise, and what each step reports. Steps 1 ..
     * run->n_warmup are warm-up; of the n_draws * thin that follow every thin-th is kept. */
    int chains;
    int64_t warmup, draws; /* optimisers with draws at their end: how many */
    const urn__stat_spec *stats;
    bool one_chain_at_a_time; /* chains take turns on all threads; else each has its share */
    bool sweeps;              /* its steps are called sweeps */
    /* Compiles what it needs from target->model itself: the target comes without a density. */
    bool own_programs;
    const urn_option_spec *options;
    /* Why its results are no better in other coordinates (urn_forms_why), or NULL. */
    const char *any_form;
    /* Can this engine fit this target? If not, the error names the site and the reason. */
    urn_status (*accepts)(const urn__target *target, const urn__settings *settings,
                          urn_error *error);
    /* Is the density wanted without log-Jacobian terms? NULL: never. */
    bool (*no_jacobian)(const urn__settings *settings);
    /* Optimisers that work on several copies of the target at a time: how many, at most `threads`.
     * NULL: one. */
    int (*workers)(const urn__settings *settings, int threads);
    /* Does it work on the rows a mini-batch touches (target->seen)? NULL: never. */
    bool (*touched)(const urn__settings *settings);
    /* Bytes of the state of one chain, and of the posterior. */
    int64_t (*memory)(const urn__target *target, const urn__settings *settings);
    int64_t (*posterior_memory)(const urn__target *target, const urn__settings *settings);
    size_t state_size; /* of the state of one chain, whose first member is its urn__run * */
    /* Fills a state that is zeroed but for its run; sets the run's number of steps. */
    urn_status (*start)(void *state, urn_error *error);
    /* Step number `step` (from 1). Never allocates. */
    urn_status (*step)(void *state, int64_t step, urn__step_info *info, urn_error *error);
    /* In place of `step`, for a library that owns its loop: calls urn__run_after_step after each of
     * its steps and stops when told to. NULL: the driver loops over `step`. */
    urn_status (*loop)(void *state, urn_error *error);
    /* Samplers: the state of the chain after a step, urn_model_state_size numbers. */
    void (*position)(const void *state, double *position);
    /* Optimisers: the first coordinate that is not finite and its value; -1 if all are. */
    int64_t (*find_bad)(const void *state, double *value);
    /* After the last step: evaluations, numbers and warnings. Left out after an interruption. Of
     * the numbers that several chains note under one name the fit has the mean. Samplers: may be
     * NULL. */
    urn_status (*finish)(void *state, urn_error *error);
    /* Samplers: numbers and warnings of all chains together, after the last of them; NULL: none. */
    urn_status (*conclude)(urn__run *run, int n_chains, const urn__chain_stats *chains,
                           urn_error *error);
    /* Optimisers: what was fitted. The draws of samplers are the driver's. */
    urn_status (*posterior)(void *state, urn_posterior **posterior, urn_error *error);
    /* Gives back what the state holds, also after a start that failed; the state itself is freed by
     * who made it. */
    void (*release)(void *state);
};

#define URN_ENGINE(name) extern const urn_engine urn__engine_##name;
#include "engines.def"
#undef URN_ENGINE

#endif
