/* Stochastic variational inference: the reparameterised evidence lower bound (Kucukelbir, Tran,
 * Ranganath, Gelman and Blei, Automatic differentiation variational inference, 2017), maximised by
 * stochastic gradients. Loss per observation = -(log joint + entropy of the guide) / observations,
 * the log joint at `particles` draws of the guide, the entropy exact. */
#include "svi.h"
#include "../guides/guides.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* "|normal|delta|...": the words of guides.def */
static const char guide_words[] =
#define URN_GUIDE(name, word) "|" word
#include "../guides/guides.def"
#undef URN_GUIDE
    ;

static const urn_option_spec options[] = {
    {"steps", URN_OPTION_INT, "3000", NULL, 1, 1e12, "optimisation steps"},
    URN__OPTIMISER_OPTIONS("0.001", ""),
    {"particles", URN_OPTION_INT, "1", NULL, 1, 1e6, "draws of the guide a step"},
    {"guide", URN_OPTION_CHOICE, "normal", guide_words + 1, 0, 0,
     "in unconstrained space: independent normals, a point (posterior mode), a normal for each row "
     "of a site, normals with a diagonal and a rank, or one normal with any covariance"},
    {"rank", URN_OPTION_INT, NULL, NULL, 1, 1024,
     "rank of the low-rank guide; by default the root of the number of coordinates"},
    {"init", URN_OPTION_CHOICE, "median", "median|random|zero", 0, 0,
     "where the guide starts: prior medians, uniform in (-2, 2) in unconstrained space, or 0 "
     "there"},
    {"init-scale", URN_OPTION_REAL, "0.1", NULL, 1e-12, 1e6,
     "first sds of coordinates in the guide"},
    {"init-jitter", URN_OPTION_REAL, NULL, NULL, 0, 1e6,
     "sd of the noise added to medians or zeros; by default 0 for the normal guide and 0.1 for "
     "the delta guide, which could not leave a saddle point otherwise"},
    {"evaluations", URN_OPTION_INT, "100", NULL, 1, 1e9,
     "fresh draws that estimate the loss at the end"},
    {"k-hat-draws", URN_OPTION_INT, "1000", NULL, 0, 1e9,
     "draws for the Pareto k-hat of the guide at the end; 0: none"},
    {"batch", URN_OPTION_TEXT, NULL, NULL, 0, 0,
     "mini-batches: PLATE=N takes N rows of a rows plate each step"},
    {"batch-updates", URN_OPTION_CHOICE, "auto", "auto|all|touched", 0, 0,
     "with --batch, of plates such as users or items: update the rows a batch touches, or all "
     "rows; "
     "auto: the touched ones of plates with more rows than a batch can touch"},
    {0}};

static urn__guide_plan plan_of(const urn__settings *settings)
{
    const urn__setting_value *rank = urn__setting(settings, "rank");
    return (urn__guide_plan){.kind = urn__guide_kind_of(settings),
                             .rank = rank->set ? rank->integer : 0};
}

static urn_status accepts(const urn__target *target, const urn__settings *settings,
                          urn_error *error)
{
    const urn__guide_plan plan = plan_of(settings);
    if (!plan.kind->normal)
        URN_TRY(urn__require_mode(settings->engine, target, error));
    if (plan.rank > 0 && plan.kind != &urn__guide_low_rank)
        return urn__fail(
            error, URN_ERR_USAGE, NULL, NULL, NULL,
            "engine \"%s\": option \"rank\" was given, but belongs to --guide low-rank",
            settings->engine);
    URN_TRY(urn__require_continuous(settings->engine, target, error));
    return urn__guide_accepts(&plan, target, error);
}

/* A delta guide seeks the mode of the sites themselves, as the map engine does. */
static bool no_jacobian(const urn__settings *settings)
{
    return !urn__guide_kind_of(settings)->normal;
}

/* Guides whose coordinates are updated one by one. */
static bool touched(const urn__settings *settings)
{
    return !urn__guide_kind_of(settings)->lay_out;
}

static bool is_fused(const urn__settings *settings, const urn__optimiser *optimiser)
{
    const bool one_sweep = optimiser->kind == URN__ADAM || !urn__guide_kind_of(settings)->normal;
    return urn__setting_int(settings, "particles") == 1 && one_sweep && !(optimiser->clip > 0.0);
}

static urn_status read_settings(urn__svi *svi, urn_error *error)
{
    urn__run *run = svi->run;
    const urn__settings *s = run->settings;
    run->n_steps = urn__setting_int(s, "steps");
    svi->normal = urn__guide_kind_of(s)->normal;
    svi->particles = urn__setting_int(s, "particles");
    svi->evaluations = urn__setting_int(s, "evaluations");
    svi->k_hat_draws = svi->normal ? urn__setting_int(s, "k-hat-draws") : 0;
    URN_TRY(urn__optimiser_read(s, run->n_steps, &svi->optimiser, error));
    svi->fused = is_fused(s, &svi->optimiser);
    return URN_OK;
}

static int64_t memory(const urn__target *target, const urn__settings *settings)
{
    urn__optimiser optimiser;
    if (urn__optimiser_read(settings, 1, &optimiser, NULL) != URN_OK)
        return 0; /* start will say so */
    const urn__guide_plan plan = plan_of(settings);
    return urn__guide_memory(target, &optimiser, &plan, !is_fused(settings, &optimiser));
}

static int64_t posterior_memory(const urn__target *target, const urn__settings *settings)
{
    const urn__guide_plan plan = plan_of(settings);
    return urn__guide_posterior_memory(&plan, target);
}

static urn_status prepare(urn__svi *svi, urn_error *error)
{
    urn__run *run = svi->run;
    URN_TRY(read_settings(svi, error));
    urn__guide_plan plan = plan_of(run->settings);
    plan.seed = run->seed;
    URN_TRY(urn__guide_init(&svi->guide, svi->arena, run->target, &plan, error));
    const int64_t draws = svi->evaluations > svi->k_hat_draws ? svi->evaluations : svi->k_hat_draws;
    svi->log_weight = urn__arena_alloc(svi->arena, (size_t)draws, sizeof *svi->log_weight);
    if (!svi->log_weight)
        return urn__fail_memory(error, "evaluations", (size_t)draws * sizeof *svi->log_weight);
    const urn__setting_value *jitter = urn__setting(run->settings, "init-jitter");
    URN_TRY(urn__start_guide(run, urn__setting(run->settings, "init")->text,
                             jitter->set ? jitter->real : (svi->normal ? 0.0 : 0.1),
                             urn__setting_real(run->settings, "init-scale"), &svi->guide, error));
    return urn__guide_ready(&svi->guide, &svi->optimiser, !svi->fused, error);
}

static void release(void *state)
{
    urn__svi *svi = state;
    urn__guide_settle(&svi->guide);
    urn__arena_free(svi->arena);
}

static urn_status start(void *state, urn_error *error)
{
    urn__svi *svi = state;
    svi->arena = urn__arena_new(svi->run->allocator);
    return svi->arena ? prepare(svi, error)
                      : urn__fail_memory(error, "the state of svi", sizeof *svi);
}

static urn__draw draw_of(const urn__svi *svi, int64_t number)
{
    const urn__run *run = svi->run;
    return (urn__draw){run->seed, urn__chain_for(URN__USE_STEPS, run->chain), number};
}

/* Draws the guide and evaluates the density there. */
static urn_status evaluate(urn__svi *svi, int64_t number, double *value, urn_error *error)
{
    urn__run *run = svi->run;
    const urn__draw draw = draw_of(svi, number);
    urn__run_phase(run, NULL);
    URN_TRY(urn__target_address(run->target, draw.seed, draw.chain, number, error));
    urn__guide_sample(&svi->guide, draw);
    urn__run_phase(run, "draw from the guide");
    *value = urn__guide_target_density(&svi->guide, true);
    urn__run_phase(run, "log density and gradient");
    return URN_OK;
}

/* One draw: the update makes the next one too, but for the last step, and while there is trouble
 * (the position is needed to explain it). */
static urn_status step_fused(urn__svi *svi, int64_t step, urn__step_info *info, urn_error *error)
{
    urn__run *run = svi->run;
    const double factor = 1.0 / run->target->observations;
    double value;
    URN_TRY(evaluate(svi, step - 1, &value, error));
    info->loss = -(value + urn__guide_entropy(&svi->guide)) * factor;
    if (!isfinite(value))
        return urn__guide_skip(&svi->guide, step, info, error);
    const urn__draw next = draw_of(svi, step);
    const bool more = step < run->n_steps && svi->guide.bad_in_a_row == 0;
    urn__optimiser_begin(&svi->optimiser, step);
    const urn__sums sums =
        urn__guide_step(&svi->guide, &svi->optimiser, factor, false, more ? &next : NULL);
    urn__run_phase(run, svi->normal ? "update of the guide and next draw" : "update of the guide");
    if (sums.bad > 0.0)
        return urn__guide_skip(&svi->guide, step, info, error);
    svi->guide.bad_in_a_row = 0;
    return URN_OK;
}

static urn_status step_averaged(urn__svi *svi, int64_t step, urn__step_info *info, urn_error *error)
{
    urn__run *run = svi->run;
    const double factor = 1.0 / run->target->observations, share = 1.0 / (double)svi->particles;
    double log_density = 0.0;
    bool good = true;
    urn__guide_zero(&svi->guide);
    for (int64_t p = 0; p < svi->particles && good; p++) {
        double value;
        URN_TRY(evaluate(svi, (step - 1) * svi->particles + p, &value, error));
        log_density += value * share;
        good = isfinite(value) && urn__guide_accumulate(&svi->guide, factor * share);
    }
    info->loss = -(log_density + urn__guide_entropy(&svi->guide)) * factor;
    if (!good)
        return urn__guide_skip(&svi->guide, step, info, error);
    svi->guide.bad_in_a_row = 0;
    urn__optimiser_begin(&svi->optimiser, step);
    urn__guide_update(&svi->guide, &svi->optimiser, factor);
    urn__run_phase(run, "update of the guide");
    return URN_OK;
}

static urn_status take_step(void *state, int64_t step, urn__step_info *info, urn_error *error)
{
    urn__svi *svi = state;
    return svi->fused ? step_fused(svi, step, info, error) : step_averaged(svi, step, info, error);
}

static int64_t find_bad(const void *state, double *value)
{
    return urn__guide_find_bad(&((const urn__svi *)state)->guide, value);
}

static urn_status finish(void *state, urn_error *error)
{
    urn__svi *svi = state;
    urn__guide_settle(&svi->guide);
    return urn__svi_evaluate(svi, error);
}

static urn_status posterior(void *state, urn_posterior **made, urn_error *error)
{
    urn__svi *svi = state;
    urn__guide_settle(&svi->guide);
    return urn__guide_posterior(svi->run, &svi->guide, made, error);
}

const urn_engine urn__engine_svi = {
    .name = "svi",
    .summary = "stochastic variational inference with a normal guide of some form, or a point",
    .kind = URN__OPTIMISER,
    .single = true,
    .options = options,
    .accepts = accepts,
    .no_jacobian = no_jacobian,
    .touched = touched,
    .memory = memory,
    .posterior_memory = posterior_memory,
    .state_size = sizeof(urn__svi),
    .start = start,
    .step = take_step,
    .find_bad = find_bad,
    .finish = finish,
    .posterior = posterior,
    .release = release,
};
