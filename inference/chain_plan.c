/* How many chains, steps and draws a sampler makes, and how many of the draws are stored. */
#include "driver.h"

#define KEEP_BYTES ((int64_t)1 << 30)
#define MOST_STEPS ((int64_t)1 << 40)

static urn_status check_counts(const urn_engine *engine, const urn__chain_plan *s, urn_error *error)
{
    if (s->chains >= 1 && s->draws >= 1 && s->thin >= 1 && s->warmup >= 0 &&
        s->warmup <= MOST_STEPS && s->draws <= MOST_STEPS / s->thin)
        return URN_OK;
    return urn__fail(
        error, URN_ERR_USAGE, NULL, NULL, NULL,
        "engine \"%s\" was asked for %d chains of %lld steps of warm-up and %lld draws "
        "with thinning %lld; chains, draws and thinning are at least 1",
        engine->name, s->chains, (long long)s->warmup, (long long)s->draws, (long long)s->thin);
}

/* Chains on threads of their own, as far as there are threads. Times of ops are taken of one chain
 * at a time. */
static int count_workers(const urn__target *target, const urn_engine *engine,
                         const urn_fit_options *options, int chains)
{
    if (engine->one_chain_at_a_time || options->profile || !target->fork)
        return 1;
    return chains < target->threads ? chains : target->threads;
}

static void choose_stored(urn__chain_plan *s, int64_t keep_bytes)
{
    const int64_t bytes = keep_bytes > 0 ? keep_bytes : KEEP_BYTES;
    const double fit = (double)bytes / (8.0 * (double)s->size * (double)s->chains);
    const int64_t most = fit >= (double)s->draws ? s->draws : fit < 1.0 ? 1 : (int64_t)fit;
    s->stride = (s->draws + most - 1) / most;
    s->stored = s->draws / s->stride;
}

urn_status urn__chain_plan_of(const urn__target *target, const urn_engine *engine,
                              const urn_fit_options *options, urn__chain_plan *plan,
                              urn_error *error)
{
    urn__chain_plan s = {.chains = options->chains != 0  ? options->chains
                                   : engine->chains != 0 ? engine->chains
                                                         : 1,
                         .warmup = options->warmup < 0    ? 0
                                   : options->warmup != 0 ? options->warmup
                                                          : engine->warmup,
                         .draws = options->draws != 0 ? options->draws : engine->draws,
                         .thin = options->thin != 0 ? options->thin : 1,
                         .size =
                             target->model ? urn_model_state_size(target->model) : target->size};
    URN_TRY(check_counts(engine, &s, error));
    if (s.size < 1)
        return urn__fail(error, URN_ERR_MODEL, NULL, NULL, NULL,
                         "the model has no latent site: engine \"%s\" has nothing to draw",
                         engine->name);
    while (engine->stats && engine->stats[s.n_stats].name && s.n_stats < URN__MAX_STATS)
        s.n_stats++;
    s.n_steps = s.warmup + s.draws * s.thin;
    s.workers = count_workers(target, engine, options, s.chains);
    choose_stored(&s, options->keep_bytes);
    *plan = s;
    return URN_OK;
}

int64_t urn__chain_plan_bytes(const urn__chain_plan *plan)
{
    const double number = sizeof(double), chains = (double)plan->chains;
    const double bytes = number * chains *
                         ((double)plan->stored * (double)(plan->size + plan->n_stats) +
                          (double)plan->n_steps * (double)plan->n_stats);
    return bytes < 9e18 ? (int64_t)bytes : INT64_MAX;
}
