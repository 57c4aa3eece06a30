/* Engine "gibbs": one chain of the sampler derived from the model. */
#include "../driver.h"
#include "gibbs.h"
#include "verify.h"

#include <math.h>
#include <string.h>

static const urn_option_spec options[] = {
    {"init", URN_OPTION_CHOICE, "spread", "spread|median|random|zero", 0, 0,
     "where chains start: prior medians, uniform in (-2, 2) in unconstrained space, or 0 there; "
     "spread: the first at medians, the others at random; discrete sites start at draws from their "
     "priors"},
    {"init-jitter", URN_OPTION_REAL, "0.1", NULL, 0, 1e6,
     "sd of the noise added to medians or zeros"},
    {"settle", URN_OPTION_INT, "200", NULL, 0, 1e9,
     "first sweeps, at most half of warm-up, in which the noise of what is observed stays where it "
     "started, so that the rest fits the data before what it leaves is taken for noise"},
    {"check", URN_OPTION_CHOICE, "auto", "auto|always|never", 0, 0,
     "compare every closed-form block with the joint density before sampling; auto: where that "
     "costs no more than a few sweeps"},
    {0}};

/* `lp` is the log joint density of sites in their natural space, data and factors after a sweep. It
 * costs one pass over the data without gradients. */
static const urn__stat_spec stats[] = {{"lp", URN__STAT_REAL}, {0}};

typedef struct sampler {
    urn__run *run;
    urn__gibbs *g;
    int threads;
} sampler;

static urn_status accepts(const urn__target *target, const urn__settings *settings,
                          urn_error *error)
{
    if (target->precision == URN_PRECISION_SINGLE)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, "leave --precision single out",
                         "engine \"gibbs\" works in double precision only");
    if (!target->model) { /* a density alone has no conditionals */
        URN_TRY(urn__require_continuous(settings->engine, target, error));
        return urn__fail(error, URN_ERR_MODEL, NULL, NULL, "use svi, map or nuts",
                         "engine \"gibbs\" needs a model: a log density alone has no conditionals");
    }
    return urn__gibbs_accepts(target->model, error);
}

/* Values, and what blocks hold beside them: about three times as much. */
static int64_t memory(const urn__target *target, const urn__settings *settings)
{
    (void)settings;
    return 4 * urn_model_state_size(target->model) * (int64_t)sizeof(double);
}

static int64_t posterior_memory(const urn__target *target, const urn__settings *settings)
{
    (void)target, (void)settings;
    return 0; /* the driver's */
}

static void release(void *state)
{
    urn__gibbs_free(((sampler *)state)->g);
}

static urn_status set_start(sampler *s, urn_error *error)
{
    const urn__run *run = s->run;
    const size_t bytes = ((size_t)run->target->size + 1) * sizeof(double);
    double *position = urn__alloc(run->allocator, bytes);
    if (!position)
        return urn__fail_memory(error, "a first position", bytes);
    const char *init = urn__setting(run->settings, "init")->text;
    if (strcmp(init, "spread") == 0)
        init = run->chain == 0 ? "median" : "random";
    urn_status status = urn__start_position(
        s->run, init, urn__setting_real(run->settings, "init-jitter"), position, error);
    if (status == URN_OK)
        status = urn__gibbs_set_position(s->g, position, error);
    urn__free(run->allocator, position);
    return status;
}

/* Only the first chain's blocks are checked: those of the others are the same. */
static urn_status check_blocks(sampler *s, urn_error *error)
{
    const urn__run *run = s->run;
    if (urn__setting_is(run->settings, "check", "never") || run->chain > 0)
        return URN_OK;
    const bool always = urn__setting_is(run->settings, "check", "always");
    return urn__gibbs_check_all(s->g, always ? INT64_MAX : URN__CHECK_AFFORDABLE, error);
}

static urn_status start(void *state, urn_error *error)
{
    sampler *s = state;
    const urn__run *run = s->run;
    const urn__target *target = run->target;
    s->threads = run->most_threads > 0 ? run->most_threads : 1;
    URN_TRY(urn__gibbs_new(target->model, target->kernels->name, s->threads, run->allocator, &s->g,
                           error));
    s->g->seed = run->seed;
    s->g->n_warmup = run->n_warmup;
    const int64_t settle = urn__setting_int(run->settings, "settle");
    s->g->n_settling = settle < run->n_warmup / 2 ? settle : run->n_warmup / 2;
    s->g->chain = urn__chain_for(URN__USE_STEPS, run->chain);
    URN_TRY(urn__gibbs_runnable(s->g, error));
    URN_TRY(urn__gibbs_open(s->g, error));
    URN_TRY(check_blocks(s, error));
    return set_start(s, error);
}

static urn_status step(void *state, int64_t number, urn__step_info *info, urn_error *error)
{
    sampler *s = state;
    if (s->threads != s->run->target->threads) {
        s->threads = s->run->target->threads;
        urn__gibbs_threads(s->g, s->threads);
    }
    URN_TRY(urn__gibbs_sweep(s->g, number, error));
    info->stats[0] = urn__gibbs_log_joint(s->g);
    return URN_OK;
}

static void position(const void *state, double *to)
{
    const sampler *s = state;
    urn__gibbs_state(s->g, to);
}

const urn_engine urn__engine_gibbs = {
    .name = "gibbs",
    .summary = "blocked Gibbs sampling, derived from the model: closed-form conditionals where "
               "there are any, rows in parallel",
    .kind = URN__SAMPLER,
    .chains = 1,
    .warmup = 100,
    .draws = 500,
    .stats = stats,
    .one_chain_at_a_time = true,
    .sweeps = true,
    .own_programs = true,
    .any_form = "its conditionals in closed form are those of centred sites",
    .options = options,
    .accepts = accepts,
    .memory = memory,
    .posterior_memory = posterior_memory,
    .state_size = sizeof(sampler),
    .start = start,
    .step = step,
    .position = position,
    .release = release,
};
