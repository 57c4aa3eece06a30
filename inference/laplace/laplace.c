/* The Laplace approximation: a normal distribution in unconstrained space at the mode of the
 * density there, with the inverse of minus its Hessian for covariance (Tierney and Kadane, Accurate
 * approximations for posterior moments and marginal densities, 1986). */
#include "laplace.h"
#include "../../runtime/family/family.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const urn_option_spec options[] = {
    {"jacobian", URN_OPTION_CHOICE, "yes", "yes|no", 0, 0,
     "is the mode that of the density in unconstrained space, log-Jacobian terms included, which "
     "the approximation is made in? no: that of the sites themselves, as map finds it; then there "
     "are no k-hat and no evidence"},
    {"steps", URN_OPTION_INT, "3000", NULL, 1, 2e9, "steps of L-BFGS at most"},
    {"tolerance", URN_OPTION_REAL, "1e-6", NULL, 0, 1,
     "L-BFGS stops when the norm of the gradient falls below this times that of the position (or "
     "1); Newton's method goes the rest of the way"},
    {"history", URN_OPTION_INT, "6", NULL, 3, 1000, "corrections L-BFGS keeps"},
    {"resample", URN_OPTION_CHOICE, "none", "none|psis", 0, 0,
     "the draws as they are, or drawn again by their smoothed importance weights, with replacement "
     "(worth it where k-hat is below 0.7)"},
    {"max-size", URN_OPTION_INT, "4000", NULL, 1, 46000,
     "refuse models of more coordinates, whose dense Hessian takes long"},
    {"init", URN_OPTION_CHOICE, "median", "median|random|zero", 0, 0,
     "where the search starts: prior medians, uniform in (-2, 2) in unconstrained space, or 0 "
     "there"},
    {"init-jitter", URN_OPTION_REAL, "0.1", NULL, 0, 1e6,
     "sd of the noise added to medians or zeros, so that a saddle point is left"},
    {0}};

/* ---- what can be approximated ---- */

static urn_status refuse_size(const urn__target *target, urn_error *error)
{
    const double n = (double)target->size;
    return urn__fail(error, URN_ERR_USAGE, NULL, NULL,
                     "use pathfinder, svi or nuts, which need no Hessian; or raise --max-size",
                     "engine \"laplace\": the model has %lld coordinates. A dense Hessian of them "
                     "takes 2 x %.1f GiB, at least %.0f gradients and about %.0f s for its "
                     "Cholesky factor",
                     (long long)target->size, 8.0 * n * n / 1073741824.0, 2.0 * n,
                     ceil(n * n * n / 3.0 / 3e9));
}

static urn_status accepts(const urn__target *target, const urn__settings *settings,
                          urn_error *error)
{
    URN_TRY(urn__require_distributions(settings->engine, target, error));
    URN_TRY(urn__require_mode(settings->engine, target, error));
    if (target->size > urn__setting_int(settings, "max-size"))
        return refuse_size(target, error);
    return URN_OK;
}

static bool no_jacobian(const urn__settings *settings)
{
    return urn__setting_is(settings, "jacobian", "no");
}

static int64_t memory(const urn__target *target, const urn__settings *settings)
{
    const int64_t n = target->size;
    const int64_t vectors = 7 + urn__lbfgs_doubles(urn__setting_int(settings, "history"));
    return n * (2 * n + vectors) * (int64_t)sizeof(double);
}

/* ---- starting ---- */

static bool is_finite(void *context, const double *position)
{
    urn__laplace *l = context;
    const urn__target *target = l->run->target;
    l->search.log_density = urn__target_log_density(target, position, l->search.gradient);
    return isfinite(l->search.log_density) &&
           isfinite(target->kernels->dot(target->size, l->search.gradient, l->search.gradient));
}

static bool after_step(void *context)
{
    const urn__laplace *l = context;
    const urn__step_info info = {.loss = -l->search.log_density / l->run->target->observations};
    return urn__run_after_step(l->run, &info);
}

static urn_status make_room(urn__laplace *l, urn_error *error)
{
    const size_t n = (size_t)l->run->target->size;
    double **const vectors[] = {&l->search.position,
                                &l->search.gradient,
                                &l->search.scratch,
                                &l->step,
                                &l->trial,
                                &l->up,
                                &l->down};
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        *vectors[i] = urn__arena_alloc(l->arena, n, sizeof(double));
    l->curvature = urn__arena_alloc(l->arena, n, n * sizeof(double));
    l->factor = urn__arena_alloc(l->arena, n, n * sizeof(double));
    if (urn__arena_failed(l->arena))
        return urn__fail_memory(error, "a dense Hessian", 2 * n * n * sizeof(double));
    return URN_OK;
}

static urn_status prepare(urn__laplace *l, urn_error *error)
{
    urn__run *run = l->run;
    const urn__settings *s = run->settings;
    const char *init = urn__setting(s, "init")->text;
    run->n_steps = urn__setting_int(s, "steps");
    l->jacobian = !no_jacobian(s);
    l->search = (urn__lbfgs){.target = run->target,
                             .history = (int)urn__setting_int(s, "history"),
                             .most_steps = run->n_steps,
                             .tolerance = urn__setting_real(s, "tolerance"),
                             .iterate = after_step,
                             .context = l};
    URN_TRY(make_room(l, error));
    URN_TRY(urn__start_position(run, init, urn__setting_real(s, "init-jitter"), l->search.position,
                                error));
    URN_TRY(urn__start_finite(run, init, is_finite, l, l->search.position, error));
    return urn__lbfgs_check(run, l->search.position, NULL, error);
}

static void release(void *state)
{
    urn__laplace *l = state;
    urn_posterior_free(l->final.posterior);
    urn__arena_free(l->arena);
}

static urn_status start(void *state, urn_error *error)
{
    urn__laplace *l = state;
    l->arena = urn__arena_new(l->run->allocator);
    return l->arena ? prepare(l, error)
                    : urn__fail_memory(error, "the state of laplace", sizeof *l);
}

static urn_status search(void *state, urn_error *error)
{
    urn__laplace *l = state;
    return urn__lbfgs_run(&l->search, error);
}

static int64_t find_bad(const void *state, double *value)
{
    const urn__laplace *l = state;
    return urn__find_not_finite(l->run->target->size, l->search.position, value);
}

/* ---- draws ---- */

/* Draw number s into `position`; returns its log density under the approximation. */
static double draw(const urn__laplace *l, int64_t s, double *position)
{
    const urn__run *run = l->run;
    const int64_t n = run->target->size;
    const urn__stream stream = urn__stream_at(
        run->seed, urn__chain_for(URN__USE_POSTERIOR, run->chain), "laplace", (uint64_t)s);
    run->target->kernels->normals(&stream, 0, n, position);
    const double squares = run->target->kernels->dot(n, position, position);
    urn__tri_solve(n, 1, l->factor, true, position);
    for (int64_t i = 0; i < n; i++)
        position[i] += l->search.position[i];
    return 0.5 * (l->log_determinant - squares - (double)n * URN__LOG_2PI);
}

static void draw_all(urn__laplace *l, int64_t n)
{
    urn__run *run = l->run;
    urn__run_govern_start(run);
    for (bool go_on = true; go_on && l->made < n;) {
        const int64_t s = l->made;
        double *position = l->final.draws + s * run->target->size;
        const double began = urn__clock_now();
        l->final.lp_approx[s] = draw(l, s, position);
        l->final.lp[s] = urn__target_log_density(run->target, position, NULL);
        urn__run_govern(run, urn__clock_now() - began);
        l->made++;
        go_on = urn__run_evaluating(run, l->made, n);
    }
}

/* Draws chosen by their weights in place of those made: they are made again by number. */
static urn_status choose(urn__laplace *l, int64_t n, const double *weight, double *numbers,
                         int64_t *pick, urn_error *error)
{
    const urn__run *run = l->run;
    const size_t bytes = (size_t)n * sizeof(double);
    URN_TRY(urn__importance_pick(run->allocator, n, weight, run->seed, "laplace", n, pick, error));
    memcpy(numbers, l->final.lp, bytes);
    memcpy(numbers + n, l->final.lp_approx, bytes);
    for (int64_t k = 0; k < n; k++) {
        draw(l, pick[k], l->final.draws + k * run->target->size);
        l->final.lp[k] = numbers[pick[k]];
        l->final.lp_approx[k] = numbers[n + pick[k]];
    }
    return URN_OK;
}

static urn_status weigh(urn__laplace *l, int64_t n, urn_error *error)
{
    urn__run *run = l->run;
    double *numbers = urn__arena_alloc(l->arena, 3 * (size_t)n, sizeof *numbers);
    int64_t *pick = urn__arena_alloc(l->arena, (size_t)n, sizeof *pick);
    if (urn__arena_failed(l->arena))
        return urn__fail_memory(error, "importance weights", 4 * (size_t)n * sizeof *numbers);
    urn__importance weights = {.weight = numbers};
    URN_TRY(
        urn__importance_weigh(run->allocator, n, l->final.lp, l->final.lp_approx, &weights, error));
    urn__importance_note(run, "Laplace approximation", n, &weights);
    if (!urn__setting_is(run->settings, "resample", "psis"))
        return URN_OK;
    return choose(l, n, weights.weight, numbers + n, pick, error);
}

static void note_mode(urn__laplace *l)
{
    urn__run *run = l->run;
    const urn__target *target = run->target;
    const double *g = l->search.gradient;
    urn__run_number(run, "log_density", l->search.log_density, false);
    urn__run_number(run, "gradient_norm", sqrt(target->kernels->dot(target->size, g, g)), false);
    urn__run_number(run, "hessian_gradients", (double)l->n_gradients, false);
    if (l->jacobian)
        urn__run_number(run, "log_evidence",
                        l->search.log_density +
                            0.5 * ((double)target->size * URN__LOG_2PI - l->log_determinant),
                        false);
}

static urn_status finish(void *state, urn_error *error)
{
    urn__laplace *l = state;
    urn__run *run = l->run;
    bool whole;
    URN_TRY(urn__laplace_settle(l, &whole, error));
    if (!whole)
        return URN_OK;
    const int64_t n = urn__final_draws(run->options, run->target->size, NULL);
    note_mode(l);
    URN_TRY(urn__final_room(run, n, &l->final, error));
    draw_all(l, n);
    urn__final_end(run, l->made, &l->final);
    return l->made == n && l->jacobian && !run->interrupted ? weigh(l, n, error) : URN_OK;
}

/* ---- after the fit ---- */

static urn_status posterior(void *state, urn_posterior **made, urn_error *error)
{
    urn__laplace *l = state;
    *made = l->final.posterior;
    l->final.posterior = NULL;
    if (*made)
        return URN_OK;
    urn__run_warn(l->run,
                  "interrupted before there was an approximation: what is kept is the point "
                  "the search had reached");
    return urn__final_point(l->run, l->search.position, made, error);
}

const urn_engine urn__engine_laplace = {
    .name = "laplace",
    .summary = "normal approximation at the mode in unconstrained space, and draws from it",
    .kind = URN__OPTIMISER,
    .draws = 1000,
    .options = options,
    .accepts = accepts,
    .no_jacobian = no_jacobian,
    .memory = memory,
    .state_size = sizeof(urn__laplace),
    .start = start,
    .loop = search,
    .find_bad = find_bad,
    .finish = finish,
    .posterior = posterior,
    .release = release,
};
