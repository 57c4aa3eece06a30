/* The engines nuts and hmc: a chain (hmc.h) under the driver. */
#include "health.h"
#include "hmc.h"

#include <float.h>
#include <string.h>

#define SHARED_OPTIONS                                                                             \
    {"delta",                                                                                      \
     URN_OPTION_REAL,                                                                              \
     "0.8",                                                                                        \
     NULL,                                                                                         \
     0.01,                                                                                         \
     0.99999,                                                                                      \
     "acceptance that warm-up adapts the step size to; nearer to 1 means smaller steps"},          \
        {"metric",                                                                                 \
         URN_OPTION_CHOICE,                                                                        \
         "diag",                                                                                   \
         "diag|dense|unit",                                                                        \
         0,                                                                                        \
         0,                                                                                        \
         "what warm-up learns of the posterior's shape: variances, all covariances, or nothing"},  \
        {"init",                                                                                   \
         URN_OPTION_CHOICE,                                                                        \
         "random",                                                                                 \
         "median|random|zero",                                                                     \
         0,                                                                                        \
         0,                                                                                        \
         "where chains start: uniform in (-2, 2) in unconstrained space, prior medians, or 0 "     \
         "there"},                                                                                 \
        {"init-jitter",                                                                            \
         URN_OPTION_REAL,                                                                          \
         "0.1",                                                                                    \
         NULL,                                                                                     \
         0,                                                                                        \
         1e6,                                                                                      \
         "sd of the noise added to medians or zeros, so that chains differ"},                      \
        {"stepsize",                                                                               \
         URN_OPTION_REAL,                                                                          \
         "1",                                                                                      \
         NULL,                                                                                     \
         DBL_MIN,                                                                                  \
         1e7,                                                                                      \
         "first step size; without warm-up the only one"},                                         \
    {                                                                                              \
        "jitter", URN_OPTION_REAL, "0", NULL, 0, 1,                                                \
            "share by which the step size varies at random from draw to draw"                      \
    }

static const urn_option_spec nuts_options[] = {
    {"max-depth", URN_OPTION_INT, "10", NULL, 1, URN__MOST_DEPTH,
     "doublings of a trajectory at most: up to 2^depth - 1 leapfrog steps a draw"},
    SHARED_OPTIONS,
    {0}};

static const urn_option_spec hmc_options[] = {
    {"path", URN_OPTION_REAL, "6.283185307179586", NULL, DBL_MIN, 1e9,
     "length of a trajectory, in standard deviations of the metric"},
    {"leapfrogs", URN_OPTION_INT, NULL, NULL, 1, 1e9, "steps of a trajectory, in place of --path"},
    SHARED_OPTIONS,
    {0}};

#define SHARED_STATS                                                                               \
    [URN__STAT_LP] = {"lp", URN__STAT_REAL},                                                       \
    [URN__STAT_ACCEPTANCE] = {"acceptance_rate", URN__STAT_REAL},                                  \
    [URN__STAT_STEP_SIZE] = {"step_size", URN__STAT_REAL},                                         \
    [URN__STAT_N_STEPS] = {"n_steps", URN__STAT_INT},                                              \
    [URN__STAT_DIVERGING] = {"diverging", URN__STAT_BOOL},                                         \
    [URN__STAT_ENERGY] = {"energy", URN__STAT_REAL}

static const urn__stat_spec hmc_stats[] = {SHARED_STATS, {0}};
static const urn__stat_spec nuts_stats[] = {
    SHARED_STATS, [URN__STAT_DEPTH] = {"tree_depth", URN__STAT_INT}, {0}};

typedef struct hmc_state {
    urn__run *run;
    urn__hmc *hmc;
} hmc_state;

/* ---- what can be sampled ---- */

static urn_status accepts(const urn__target *target, const urn__settings *settings,
                          urn_error *error)
{
    for (int b = 0; b < target->n_blocks; b++) {
        const urn__block *block = &target->blocks[b];
        if (block->discrete)
            return urn__fail(error, URN_ERR_MODEL, block->where, block->name,
                             "use --engine gibbs, or sum the site out of the model",
                             "the latent site is discrete, but engine \"%s\" follows gradients",
                             settings->engine);
    }
    return urn__require_distributions(settings->engine, target, error);
}

static bool is_nuts(const urn__settings *settings)
{
    return strcmp(settings->engine, "nuts") == 0;
}

static urn__hmc_options options_of(const urn__settings *s, uint64_t seed, uint64_t chain,
                                   int64_t n_warmup)
{
    urn__hmc_options o = urn__hmc_defaults("nuts", seed, urn__chain_for(URN__USE_STEPS, chain));
    o.metric = (urn__metric_kind)urn__setting_int(s, "metric");
    o.delta = urn__setting_real(s, "delta");
    o.step_size = urn__setting_real(s, "stepsize");
    o.jitter = urn__setting_real(s, "jitter");
    o.n_warmup = n_warmup;
    if (is_nuts(s)) {
        o.max_depth = (int)urn__setting_int(s, "max-depth");
        return o;
    }
    o.name = "hmc";
    o.fixed_path = true;
    o.path = urn__setting_real(s, "path");
    o.n_steps = urn__setting(s, "leapfrogs")->set ? urn__setting_int(s, "leapfrogs") : 0;
    return o;
}

static int64_t memory(const urn__target *target, const urn__settings *settings)
{
    const urn__hmc_options o = options_of(settings, 0, 0, 1);
    return urn__hmc_memory(target->size, &o);
}

static int64_t posterior_memory(const urn__target *target, const urn__settings *settings)
{
    (void)settings;
    return target->size * (int64_t)sizeof(double);
}

static urn_status check_metric(const urn__run *run, const urn__hmc_options *o, urn_error *error)
{
    const int64_t n = run->target->size;
    const int64_t wanted = o->metric == URN__METRIC_DENSE ? n * n : n;
    if (!run->options->inverse_metric)
        return URN_OK;
    if (o->metric == URN__METRIC_UNIT)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "choose --metric diag or dense",
                         "an inverse metric was given, but a unit metric has none");
    if (run->options->n_inverse_metric == wanted)
        return URN_OK;
    return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                     "the inverse metric has %lld numbers; for %lld coordinates --metric %s takes "
                     "%lld",
                     (long long)run->options->n_inverse_metric, (long long)n,
                     o->metric == URN__METRIC_DENSE ? "dense" : "diag", (long long)wanted);
}

/* ---- starting ---- */

/* Chains that start from a guide start at draws from it, so that they differ. */
static void spread(const urn__run *run, double *position)
{
    const int64_t n = run->target->size;
    const urn__stream stream =
        urn__stream_at(run->seed, urn__chain_for(URN__USE_START, run->chain), "guide", 1);
    double z[URN__NORMAL_BLOCK];
    for (int64_t first = 0; run->init_scale && first < n; first += URN__NORMAL_BLOCK) {
        const int64_t part = n - first < URN__NORMAL_BLOCK ? n - first : URN__NORMAL_BLOCK;
        run->target->kernels->normals(&stream, first, part, z);
        for (int64_t i = 0; i < part; i++)
            position[first + i] += run->init_scale[first + i] * z[i];
    }
}

static bool try_place(void *context, const double *position)
{
    return urn__hmc_place(((hmc_state *)context)->hmc, position);
}

static urn_status place(hmc_state *s, double *position, urn_error *error)
{
    urn__run *run = s->run;
    const char *init = urn__setting(run->settings, "init")->text;
    URN_TRY(urn__start_position(run, init, urn__setting_real(run->settings, "init-jitter"),
                                position, error));
    spread(run, position);
    return urn__start_finite(run, init, try_place, s, position, error);
}

static urn_status start(void *state, urn_error *error)
{
    hmc_state *s = state;
    urn__run *run = s->run;
    urn__hmc_options o = options_of(run->settings, run->seed, run->chain, run->n_warmup);
    const size_t bytes = (size_t)run->target->size * sizeof(double);
    URN_TRY(check_metric(run, &o, error));
    o.inverse_metric = run->options->inverse_metric;
    URN_TRY(urn__hmc_new(run->target, &o, &s->hmc, error));
    double *position = urn__alloc(run->allocator, bytes);
    if (!position)
        return urn__fail_memory(error, "a first position", bytes);
    const urn_status status = place(s, position, error);
    urn__free(run->allocator, position);
    return status;
}

static void release(void *state)
{
    urn__hmc_free(((hmc_state *)state)->hmc);
}

/* ---- running ---- */

static urn_status step(void *state, int64_t number, urn__step_info *info, urn_error *error)
{
    hmc_state *s = state;
    urn__hmc_info t;
    URN_TRY(urn__hmc_step(s->hmc, number, &t, error));
    info->stats[URN__STAT_LP] = t.log_density;
    info->stats[URN__STAT_ACCEPTANCE] = t.acceptance;
    info->stats[URN__STAT_STEP_SIZE] = t.step_size;
    info->stats[URN__STAT_N_STEPS] = (double)t.n_steps;
    info->stats[URN__STAT_DIVERGING] = t.diverging;
    info->stats[URN__STAT_ENERGY] = t.energy;
    info->stats[URN__STAT_DEPTH] = t.depth;
    return URN_OK;
}

static void position(const void *state, double *to)
{
    const hmc_state *s = state;
    memcpy(to, urn__hmc_position(s->hmc), (size_t)s->run->target->size * sizeof *to);
}

static urn_status finish(void *state, urn_error *error)
{
    const hmc_state *s = state;
    const urn_fit_options *options = s->run->options;
    const urn__metric *metric = urn__hmc_metric(s->hmc);
    urn__run_number(s->run, "step_size", urn__hmc_step_size(s->hmc), false);
    if (!options->metric)
        return URN_OK;
    const urn_metric learned = {.chain = (int)s->run->chain,
                                .step_size = urn__hmc_step_size(s->hmc),
                                .dense = metric->kind == URN__METRIC_DENSE,
                                .size = metric->n,
                                .inverse = metric->inverse};
    return options->metric(options->context, &learned, error);
}

const urn_engine urn__engine_nuts = {
    .name = "nuts",
    .summary = "no-U-turn sampler: draws by following gradients, path lengths chosen by itself",
    .kind = URN__SAMPLER,
    .chains = 4,
    .warmup = 1000,
    .draws = 1000,
    .stats = nuts_stats,
    .options = nuts_options,
    .accepts = accepts,
    .memory = memory,
    .posterior_memory = posterior_memory,
    .state_size = sizeof(hmc_state),
    .start = start,
    .step = step,
    .position = position,
    .finish = finish,
    .conclude = urn__hmc_conclude,
    .release = release,
};

const urn_engine urn__engine_hmc = {
    .name = "hmc",
    .summary = "Hamiltonian Monte Carlo: draws by following gradients, along paths of given length",
    .kind = URN__SAMPLER,
    .chains = 4,
    .warmup = 1000,
    .draws = 1000,
    .stats = hmc_stats,
    .options = hmc_options,
    .accepts = accepts,
    .memory = memory,
    .posterior_memory = posterior_memory,
    .state_size = sizeof(hmc_state),
    .start = start,
    .step = step,
    .position = position,
    .finish = finish,
    .conclude = urn__hmc_conclude,
    .release = release,
};
