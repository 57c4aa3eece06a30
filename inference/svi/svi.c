/* Stochastic variational inference: the reparameterised evidence lower bound (Kucukelbir, Tran,
 * Ranganath, Gelman and Blei, Automatic differentiation variational inference, 2017), maximised by
 * stochastic gradients. Loss per observation = -(log joint + entropy of the guide) / observations,
 * the log joint at `particles` draws of the guide, the entropy exact. */
#include "svi.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_BAD_STEPS 10

static const urn_option_spec options[] = {
    {"steps", URN_OPTION_INT, "3000", NULL, 1, 1e12, "optimisation steps"},
    URN__OPTIMISER_OPTIONS("0.001", ""),
    {"particles", URN_OPTION_INT, "1", NULL, 1, 1e6, "draws of the guide a step"},
    {"guide", URN_OPTION_CHOICE, "normal", "normal|delta", 0, 0,
     "independent normals in unconstrained space, or a point (posterior mode)"},
    {"init", URN_OPTION_CHOICE, "median", "median|random|zero", 0, 0,
     "where the guide starts: prior medians, uniform in (-2, 2) in unconstrained space, or 0 "
     "there"},
    {"init-scale", URN_OPTION_REAL, "0.1", NULL, 1e-12, 1e6, "first scales of the normal guide"},
    {"init-jitter", URN_OPTION_REAL, NULL, NULL, 0, 1e6,
     "sd of the noise added to medians or zeros; by default 0 for the normal guide and 0.1 for "
     "the delta guide, which could not leave a saddle point otherwise"},
    {"evaluations", URN_OPTION_INT, "100", NULL, 1, 1e9,
     "fresh draws that estimate the loss at the end"},
    {"k-hat-draws", URN_OPTION_INT, "1000", NULL, 0, 1e9,
     "draws for the Pareto k-hat of the guide at the end; 0: none"},
    {"batch", URN_OPTION_TEXT, NULL, NULL, 0, 0,
     "mini-batches: PLATE=N takes N rows of a rows plate each step"},
    {0}};

static urn_status accepts(const urn__target *target, const urn__settings *settings,
                          urn_error *error)
{
    return urn__require_continuous(settings->engine, target, error);
}

/* A delta guide seeks the mode of the sites themselves, as the map engine does. */
static bool no_jacobian(const urn__settings *settings)
{
    return urn__setting_is(settings, "guide", "delta");
}

static urn_status read_settings(urn__svi *svi, urn_error *error)
{
    urn__run *run = svi->run;
    const urn__settings *s = run->settings;
    run->n_steps = urn__setting_int(s, "steps");
    svi->normal = urn__setting_is(s, "guide", "normal");
    svi->particles = urn__setting_int(s, "particles");
    svi->evaluations = urn__setting_int(s, "evaluations");
    svi->k_hat_draws = svi->normal ? urn__setting_int(s, "k-hat-draws") : 0;
    URN_TRY(urn__optimiser_read(s, run->n_steps, &svi->optimiser, error));
    svi->fused =
        svi->particles == 1 && svi->optimiser.kind == URN__ADAM && !(svi->optimiser.clip > 0.0);
    return URN_OK;
}

static urn_status first_scales(urn__svi *svi, urn_error *error)
{
    const urn__run *run = svi->run;
    const double log_scale = log(urn__setting_real(run->settings, "init-scale"));
    for (int c = 0; c < svi->guide.n_chunks; c++) {
        const urn__chunk *chunk = &svi->guide.chunks[c];
        for (int64_t i = chunk->offset; chunk->random && i < chunk->offset + chunk->n; i++) {
            const double given = run->init_scale ? run->init_scale[i] : 1.0;
            if (!(given > 0.0) || !isfinite(given))
                return urn__fail(
                    error, URN_ERR_DATA, NULL, run->target->blocks[chunk->block].name, NULL,
                    "element %lld of the guide's first scale is %g; scales must be finite "
                    "and positive",
                    (long long)(chunk->first + i - chunk->offset), given);
            svi->guide.log_scale[i] = run->init_scale ? log(given) : log_scale;
        }
    }
    return URN_OK;
}

static urn_status prepare(urn__svi *svi, urn_error *error)
{
    urn__run *run = svi->run;
    URN_TRY(read_settings(svi, error));
    URN_TRY(urn__guide_init(&svi->guide, svi->arena, run->target, svi->normal, !svi->fused, error));
    const int64_t draws = svi->evaluations > svi->k_hat_draws ? svi->evaluations : svi->k_hat_draws;
    svi->log_weight = urn__arena_alloc(svi->arena, (size_t)draws, sizeof *svi->log_weight);
    if (!svi->log_weight)
        return urn__fail_memory(error, "evaluations", (size_t)draws * sizeof *svi->log_weight);
    const urn__setting_value *jitter = urn__setting(run->settings, "init-jitter");
    URN_TRY(urn__start_position(run, urn__setting(run->settings, "init")->text,
                                jitter->set ? jitter->real : (svi->normal ? 0.0 : 0.1),
                                svi->guide.loc, error));
    return first_scales(svi, error);
}

static void release(void *state)
{
    urn__svi *svi = state;
    if (!svi)
        return;
    const urn_allocator *allocator = svi->run->allocator;
    urn__arena_free(svi->arena);
    urn__free(allocator, svi);
}

static urn_status start(urn__run *run, void **state, urn_error *error)
{
    *state = NULL;
    urn__svi *svi = urn__calloc(run->allocator, 1, sizeof *svi);
    if (!svi)
        return urn__fail_memory(error, "the state of svi", sizeof *svi);
    svi->run = run;
    svi->arena = urn__arena_new(run->allocator);
    const urn_status status =
        svi->arena ? prepare(svi, error) : urn__fail_memory(error, "the state of svi", sizeof *svi);
    if (status != URN_OK) {
        release(svi);
        return status;
    }
    *state = svi;
    return URN_OK;
}

static urn_status skip(urn__svi *svi, int64_t step, urn__step_info *info, urn_error *error)
{
    info->skipped = true;
    if (++svi->bad_in_a_row < MOST_BAD_STEPS)
        return URN_OK;
    char what[96];
    snprintf(what, sizeof what, "at %d steps in a row, the last of them step %lld", MOST_BAD_STEPS,
             (long long)step);
    return urn__target_fail_density(svi->run->target, svi->guide.position, what, error);
}

static urn_status take_step(void *state, int64_t step, urn__step_info *info, urn_error *error)
{
    urn__svi *svi = state;
    urn__guide *guide = &svi->guide;
    urn__run *run = svi->run;
    const urn__target *target = run->target;
    const double factor = 1.0 / target->observations;
    const double share = 1.0 / (double)svi->particles;
    const uint64_t chain = urn__chain_for(URN__USE_STEPS, run->chain);
    double log_density = 0.0, sum_log_scale = 0.0;
    bool good = true;
    if (!svi->fused)
        urn__guide_zero(guide);
    for (int64_t p = 0; p < svi->particles && good; p++) {
        const int64_t number = (step - 1) * svi->particles + p;
        urn__run_phase(run, NULL);
        URN_TRY(urn__target_address(target, run->seed, chain, number, error));
        sum_log_scale = urn__guide_sample(guide, run->seed, chain, number);
        urn__run_phase(run, "draw from the guide");
        const double value = urn__target_log_density(target, guide->position, guide->gradient);
        urn__run_phase(run, "log density and gradient");
        good = isfinite(value) && urn__guide_gradient_finite(guide);
        log_density += value * share;
        if (!svi->fused && good)
            urn__guide_accumulate(guide, factor * share);
    }
    info->loss = -(log_density + urn__guide_entropy(guide, sum_log_scale)) * factor;
    if (!good)
        return skip(svi, step, info, error);
    svi->bad_in_a_row = 0;
    urn__optimiser_begin(&svi->optimiser, step);
    if (svi->fused)
        urn__guide_update_fused(guide, &svi->optimiser, factor);
    else
        urn__guide_update(guide, &svi->optimiser, factor);
    urn__run_phase(run, "update of the guide");
    return URN_OK;
}

static const double *position(const void *state)
{
    return ((const urn__svi *)state)->guide.loc;
}

static urn_status finish(void *state, urn_error *error)
{
    return urn__svi_evaluate(state, error);
}

/* The scales of points are 0: such coordinates do not vary between draws. The gradient, which the
 * next step writes anew, lends its memory. */
static urn_status posterior(const void *state, urn_posterior **made, urn_error *error)
{
    const urn__svi *svi = state;
    const urn__guide *guide = &svi->guide;
    const int64_t size = guide->target->size;
    double *scale = guide->gradient;
    for (int c = 0; c < guide->n_chunks; c++) {
        const urn__chunk *chunk = &guide->chunks[c];
        for (int64_t i = chunk->offset; i < chunk->offset + chunk->n; i++)
            scale[i] = chunk->random ? exp(guide->log_scale[i]) : 0.0;
    }
    return urn__posterior_make(svi->run->allocator,
                               svi->normal ? URN_POSTERIOR_NORMAL : URN_POSTERIOR_POINT, size, 1, 0,
                               guide->loc, svi->normal ? scale : NULL, svi->run->seed, made, error);
}

const urn_engine urn__engine_svi = {
    .name = "svi",
    .summary = "stochastic variational inference with a normal or delta guide",
    .kind = URN__OPTIMISER,
    .options = options,
    .accepts = accepts,
    .no_jacobian = no_jacobian,
    .start = start,
    .step = take_step,
    .position = position,
    .finish = finish,
    .posterior = posterior,
    .release = release,
};
