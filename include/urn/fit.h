/* Engines and fits: from a traced model to posterior draws and predictions. */
#ifndef URN_FIT_H
#define URN_FIT_H

#include <urn/run.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- engines ---- */

typedef struct urn_engine urn_engine;

typedef enum urn_option_type {
    URN_OPTION_INT,
    URN_OPTION_REAL,
    URN_OPTION_CHOICE, /* `choices` lists them as "a|b|c" */
    URN_OPTION_FLAG,
    URN_OPTION_TEXT
} urn_option_type;

/* A row of an option table: --help, the man page and the checks are all made from it. */
typedef struct urn_option_spec {
    const char *name; /* "lr"; NULL ends a table */
    urn_option_type type;
    const char *fallback; /* default as text; NULL: none */
    const char *choices;  /* for URN_OPTION_CHOICE */
    double low, high;     /* inclusive range of a number; both 0: any */
    const char *help;
} urn_option_spec;

URN_API int urn_engine_count(void);
URN_API const urn_engine *urn_engine_at(int i);
URN_API const urn_engine *urn_engine_find(const char *name); /* NULL: unknown */
URN_API const char *urn_engine_name(const urn_engine *engine);
URN_API const char *urn_engine_summary(const urn_engine *engine);
/* ended by a NULL name */
URN_API const urn_option_spec *urn_engine_options(const urn_engine *engine);

/* ---- a fit ---- */

/* Where a fit stands; given to the progress hook after each step. */
typedef struct urn_progress {
    const char *phase; /* "steps", "warm-up", "sampling", "evaluating" */
    int chain;
    int64_t step, n_steps; /* 1-based */
    double loss;           /* optimisers: loss per observation of this step */
    double smoothed_loss;  /* exponentially weighted over about 100 steps */
    double seconds;        /* since the first step */
    int n_chains;
    int64_t all_done, all_steps; /* steps of all chains together */
    bool sweeps;                 /* a step is a sweep over all sites */
} urn_progress;

/* Bytes a fit is about to take, beside the memory in use when it asks. */
typedef struct urn_fit_memory {
    int64_t program;   /* buffers of the compiled model */
    int64_t engine;    /* parameters, gradients, the optimiser's memory */
    int64_t posterior; /* what comes out; by then the two above are given back */
} urn_fit_memory;

/* A draw of a sampler, given to the draw hook as it is made; everything is borrowed for the call.
 * Block coordinate ascent gives its point after each sweep: chain 0, no stats. */
typedef struct urn_draw {
    int chain;
    int64_t draw, n_draws; /* 0-based; of this chain */
    const double *state;   /* urn_model_state_size numbers */
    int n_stats;           /* "lp", "acceptance_rate", ... of the step, as in log.csv */
    const char *const *stat_names;
    const double *stats;
} urn_draw;

/* What a chain learned in warm-up, given to the metric hook; everything is borrowed for the call.
 */
typedef struct urn_metric {
    int chain;
    double step_size;
    bool dense;
    int64_t size;          /* of a position */
    const double *inverse; /* size numbers (variances), or size x size; NULL: a unit metric */
} urn_metric;

/* Zeros are defaults; set `bytes`. */
typedef struct urn_fit_options {
    size_t bytes;
    const urn_allocator *allocator;
    const urn_engine *engine;
    const urn_setting *settings; /* engine options by name; unknown ones are URN_ERR_USAGE */
    size_t n_settings;
    uint64_t seed;
    int chains;               /* samplers; 0: the engine's default */
    int threads;              /* 0: all the machine has */
    const double *init;       /* a first position (urn_model_position_size), or several: n_init */
    const double *init_scale; /* guide scales belonging to `init`, or NULL */
    const char *cpu;          /* see urn_compile_options */
    void *context;            /* for the hooks */
    void (*progress)(void *context, const urn_progress *progress); /* may be NULL */
    /* asked between steps: true ends the fit early; may be NULL */
    bool (*interrupted)(void *context);
    /* One row of log.csv: the names once, then a row a step. Values do not depend on clock, machine
     * or threads. May be NULL. */
    void (*log_row)(void *context, int n, const char *const *names, const double *values);
    bool profile; /* time ops and phases: see urn_fit_profile_at */
    /* The type the fit computes in: engines that cannot use single precision refuse it. What comes
     * out (the posterior, losses) is in doubles either way. */
    urn_precision precision;
    /* Asked before large memory is taken: anything but URN_OK (with *error filled) ends the fit
     * with it. Asked twice: when the model is compiled, and when its buffers are there. May be
     * NULL. */
    urn_status (*admit)(void *context, const urn_fit_memory *memory, urn_error *error);
    /* Samplers. 0: the engine's default; warm-up of no steps is -1. */
    int64_t warmup, draws, thin;
    /* Every draw after warm-up, also those that are not stored. Of one chain they come in order;
     * chains may come in any order between each other, but one call at a time. An error ends the
     * fit. May be NULL. */
    urn_status (*draw)(void *context, const urn_draw *draw, urn_error *error);
    /* Bytes of draws stored in the posterior (0: 1 GiB); where they do not fit, evenly spaced ones
     * are. */
    int64_t keep_bytes;
    /* Engines with a metric: its inverse to begin with, n numbers for the n of a position
     * (variances) or n x n; NULL: ones. */
    const double *inverse_metric;
    int64_t n_inverse_metric;
    /* Engines with a metric: called at the end of each chain that was not interrupted, one call at
     * a time. An error ends the fit. May be NULL. */
    urn_status (*metric)(void *context, const urn_metric *metric, urn_error *error);
    /* How many positions `init` holds, one after another (0: one): chain or path c begins at number
     * c modulo that. `init_scale` belongs to one alone. */
    int64_t n_init;
    /* The form of the normal that `init` and `init_scale` belong to (see urn_posterior_form), or
     * NULL. A guide of another form starts from the scales alone. */
    const struct urn_normal_form *init_form;
} urn_fit_options;

typedef struct urn_fit urn_fit;

/* Fits `model` (borrowed for the fit's life). Returns URN_INTERRUPTED, with a usable *fit, when the
 * hook said so. A sampler's then has the draws made so far, an equal number a chain (chains that
 * were far behind are left out); after an interruption in warm-up, the last state of each chain. */
URN_API urn_status urn_fit_run(urn_model *model, const urn_fit_options *options, urn_fit **fit,
                               urn_error *error);
URN_API void urn_fit_free(urn_fit *fit);

/* Numbers of a finished fit by name, for fit.json and the summary: "steps", "loss_per_observation",
 * "k_hat", ...; those of the clock ("wall_s", "step_ms_median") are marked. Returns false past the
 * last. */
typedef struct urn_fit_number {
    const char *name;
    double value;
    bool of_the_clock;
} urn_fit_number;
URN_API bool urn_fit_number_at(const urn_fit *fit, int i, urn_fit_number *number);

/* The CPU path it ran on: "base", "v3" or "v4". */
URN_API const char *urn_fit_cpu(const urn_fit *fit);

/* What a sampler reported of the steps behind the draws it stored, under ArviZ's names ("lp",
 * "acceptance_rate", "diverging", ...): `values` is chains x draws, like the posterior. False past
 * the last. */
typedef struct urn_fit_stat {
    const char *name;
    bool integer, boolean;
    const double *values;
} urn_fit_stat;
URN_API bool urn_fit_stat_at(const urn_fit *fit, int i, urn_fit_stat *stat);

/* Warnings in words ("the loss still falls: ..."), NULL past the last. */
URN_API const char *urn_fit_warning_at(const urn_fit *fit, int i);

/* Where the time of the steps went, for fits with `profile`: phases of the engine, then ops of the
 * program in the order of execution. False past the last. */
URN_API bool urn_fit_profile_at(const urn_fit *fit, int i, urn_profile_entry *entry);

/* ---- a posterior: what predictions are made from ---- */

/* Draws of the unconstrained position, by number. Same number, same bits on one CPU path (that of
 * the fit, or the best of the machine); on others the same up to rounding. Made from a fit, or from
 * the arrays of a saved one. */
typedef struct urn_posterior urn_posterior;

typedef enum urn_posterior_kind {
    URN_POSTERIOR_DRAWS,      /* n_draws stored positions */
    URN_POSTERIOR_NORMAL,     /* normal: loc, scale; independent unless it has a form */
    URN_POSTERIOR_POINT,      /* one position (delta guide, MAP) */
    URN_POSTERIOR_INDEPENDENT /* n_draws stored positions, drawn independently of each other
                                 (Laplace, Pathfinder): one chain, and no convergence to judge */
} urn_posterior_kind;

/* Copies the arrays. DRAWS: `loc` is chains x draws x size; INDEPENDENT: the same with one chain.
 * NORMAL: loc and scale, `size` each. */
URN_API urn_status urn_posterior_new(urn_posterior_kind kind, int64_t size, int64_t chains,
                                     int64_t draws, const double *loc, const double *scale,
                                     uint64_t seed, urn_posterior **posterior, urn_error *error);
/* Normals that depend on each other: position = loc + own * e + F e', e and e' standard normal.
 * Either a `rank`: e' is that many further normals, F is size x rank, the covariance own^2 + F F'.
 * Or blocks of coordinates that follow each other, whose rows each have a Cholesky factor, `own`
 * its diagonal and F the rest: e' is e, and F has the rows of the strict lower triangles, one after
 * another. Coordinates outside the blocks are independent. A block of one row over all coordinates
 * is a normal with any covariance. */
typedef struct urn_normal_block {
    int64_t first, rows, width;
} urn_normal_block;
typedef struct urn_normal_form {
    size_t bytes; /* sizeof (urn_normal_form) */
    int64_t rank;
    int n_blocks;
    const urn_normal_block *blocks;
    int64_t n_factor;
    const double *own, *factor; /* size, n_factor */
} urn_normal_form;
/* Copies the arrays; scales are those of the coordinates by themselves. */
URN_API urn_status urn_posterior_new_normal(int64_t size, const double *loc,
                                            const urn_normal_form *form, uint64_t seed,
                                            urn_posterior **posterior, urn_error *error);
/* False for posteriors of other kinds and for independent normals. Set `bytes`; the rest is
 * borrowed. */
URN_API bool urn_posterior_form(const urn_posterior *posterior, urn_normal_form *form);
URN_API void urn_posterior_free(urn_posterior *posterior);
/* The posterior of a fit; borrowed, lives as long as the fit. */
URN_API const urn_posterior *urn_fit_posterior(const urn_fit *fit);
URN_API urn_posterior_kind urn_posterior_kind_of(const urn_posterior *posterior);
URN_API int64_t urn_posterior_size(const urn_posterior *posterior);
URN_API int64_t urn_posterior_chains(const urn_posterior *posterior); /* 1 for guides */
URN_API int64_t urn_posterior_draws(const urn_posterior *posterior);  /* a chain; 0: any number */
/* Are its draws stored ones (DRAWS, INDEPENDENT)? */
URN_API bool urn_posterior_stored(const urn_posterior *posterior);
URN_API const double *urn_posterior_loc(const urn_posterior *posterior);
URN_API const double *urn_posterior_scale(const urn_posterior *posterior);
/* Writes draw s (0-based, chains one after another) into `position`. */
URN_API void urn_posterior_draw(const urn_posterior *posterior, int64_t s, double *position);
/* The same for elements first .. first + n - 1 alone; the others are left as they are. */
URN_API void urn_posterior_draw_part(const urn_posterior *posterior, int64_t s, int64_t first,
                                     int64_t n, double *position);

/* Mean, sd and quantiles of every element of a latent or recorded site, in its natural space.
 * Guides: exact where the transformation allows, else from 1,000 draws. Arrays of the site's size;
 * NULL where not wanted. `quantiles` is n_probs x size. */
URN_API urn_status urn_summarise_site(const urn_model *model, const urn_posterior *posterior,
                                      int site, int threads, double *mean, double *sd, int n_probs,
                                      const double *probs, double *quantiles, urn_error *error);

/* ---- forms of sites ---- */

/* What a pilot fit says of a hierarchical site (see urn_site_info). */
typedef struct urn_form {
    const char *site; /* borrowed from the urn_forms */
    double variance;  /* posterior variance of (value - loc) / scale, that of the prior being 1: the
                         median over the site's elements. 1 / (1 + r) in a normal model, r the Fisher
                         information of the data on an element times scale^2 */
    bool noncentred;  /* variance > 1/2: the data say less than the prior */
} urn_form;

typedef struct urn_forms urn_forms;

/* Decides which hierarchical sites of a model are better non-centred (URN_HANDLER_NONCENTRED), by
 * the rates at which a sampler in either form mixes: 1 / (1 + r) and r / (1 + r), equal where the
 * data say as much as the prior (Papaspiliopoulos, Roberts and Skoeld 2007; Gorinova, Moore and
 * Hoffman 2020 choose by a pilot, too). The pilot fits the model with all of them non-centred: with
 * svi, 1,000 steps of it with learning rates from 0.05 down; else one chain of 150 + 150 steps of
 * nuts, at most 63 gradients each. `trace` and `fit` are as for the fit to come; settings and hooks
 * other than `interrupted` are not used. Sites that `trace` has handlers for are
 * left alone. *forms has an entry a site, in the order of declaration, and is the caller's; it has
 * none for an engine that has no use for another form, see urn_forms_why. */
URN_API urn_status urn_forms_choose(const urn_model_def *def, const urn_trace_options *trace,
                                    const urn_fit_options *fit, urn_forms **forms,
                                    urn_error *error);
/* Why no site was looked at, or NULL: the engine's results do not depend on coordinates, or it
 * needs the form that is written. */
URN_API const char *urn_forms_why(const urn_forms *forms);
URN_API int urn_forms_count(const urn_forms *forms);
URN_API const urn_form *urn_forms_at(const urn_forms *forms, int i);
URN_API void urn_forms_free(urn_forms *forms); /* takes NULL */

/* ---- predictions and scores ---- */

/* Predictions of one observed site of `target`: the same model traced on the rows to predict. Sites
 * are matched by name; plates may have more ids than the fit knew. Arrays of n_rows. */
typedef struct urn_prediction {
    int64_t n_rows;
    double *mean;        /* of the predictive distribution */
    double *sd;          /* of the predictive distribution, noise included */
    double *mean_sd;     /* sd over draws of the conditional mean */
    double *low, *high;  /* equal-tailed predictive interval, see `level`; NULL: not wanted */
    double *log_density; /* log (1/S) sum p(y | draw); NULL without observed values */
    double *cdf;         /* predictive probability of at most y; NULL where there is none */
} urn_prediction;

typedef struct urn_predict_options {
    size_t bytes;
    int64_t draws; /* 0: 400 from a guide, else all */
    double level;  /* of the interval; 0: 0.9 */
    int threads;
    uint64_t seed;
    const char *site;   /* the observed site; NULL: the only one */
    bool plug_in;       /* use the posterior's centre instead of draws */
    bool mean_interval; /* low and high are of the conditional mean over draws, without noise */
    bool no_interval;   /* leave low and high out: needs no memory for draws of rows */
} urn_predict_options;

/* `fitted` is the model the posterior belongs to. Free the result with urn_prediction_free. */
URN_API urn_status urn_predict(const urn_model *fitted, const urn_posterior *posterior,
                               const urn_model *target, const urn_predict_options *options,
                               urn_prediction **prediction, urn_error *error);
URN_API void urn_prediction_free(urn_prediction *prediction);

/* Scores of predictions against the values observed (DESIGN: RMSE and MAE of the predictive mean,
 * mean log predictive density, share of rows inside the equal-tailed 50, 80 and 95 % intervals). */
typedef struct urn_scores {
    int64_t n;
    double rmse, mae, mean_log_predictive_density;
    double coverage_50, coverage_80, coverage_95; /* NaN where the family has no cdf */
} urn_scores;
URN_API void urn_score(const urn_prediction *prediction, const double *observed,
                       urn_scores *scores);

#ifdef __cplusplus
}
#endif
#endif
