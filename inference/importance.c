/* Importance weights of independent draws, and the posterior of them. */
#include "importance.h"
#include "psis.h"

#include <math.h>
#include <string.h>

#define KEEP_BYTES ((int64_t)1 << 30)

/* ---- weights ---- */

/* Log weights, shifted so that the largest is 0; returns the shift, -infinity without any. */
static double shifted(int64_t n, const double *log_p, const double *log_q, urn__importance *result)
{
    double largest = -HUGE_VAL;
    result->n_bad = 0;
    for (int64_t i = 0; i < n; i++) {
        const double w = log_p[i] - log_q[i];
        result->n_bad += !isfinite(w);
        result->weight[i] = isfinite(w) ? w : -HUGE_VAL;
        largest = fmax(largest, result->weight[i]);
    }
    for (int64_t i = 0; i < n && isfinite(largest); i++)
        result->weight[i] -= largest;
    return largest;
}

urn_status urn__importance_weigh(const urn_allocator *allocator, int64_t n, const double *log_p,
                                 const double *log_q, urn__importance *result, urn_error *error)
{
    double *weight = result->weight, sum = 0.0, squares = 0.0;
    const double shift = shifted(n, log_p, log_q, result);
    if (!isfinite(shift))
        return urn__fail(error, URN_ERR_RUNTIME, NULL, NULL,
                         "use nuts, or write the model so that its posterior is nearer a normal",
                         "the log density is not finite at any of %lld draws of the approximation",
                         (long long)n);
    for (int64_t i = 0; i < n; i++)
        sum += exp(weight[i]);
    result->log_mean = shift + log(sum / (double)n);
    result->k_hat = 0.0;
    if (!urn__weights_agree(n, weight))
        URN_TRY(urn__psis(allocator, n, weight, 1.0, &result->k_hat, error));
    sum = 0.0;
    for (int64_t i = 0; i < n; i++)
        sum += weight[i] = exp(weight[i]);
    for (int64_t i = 0; i < n; i++) {
        weight[i] /= sum;
        squares += weight[i] * weight[i];
    }
    result->size = 1.0 / squares;
    return URN_OK;
}

urn_status urn__importance_pick(const urn_allocator *allocator, int64_t n, const double *weight,
                                uint64_t seed, const char *name, int64_t n_picks, int64_t *pick,
                                urn_error *error)
{
    double *below = urn__alloc(allocator, (size_t)n * sizeof *below), sum = 0.0;
    if (!below)
        return urn__fail_memory(error, "importance weights", (size_t)n * sizeof *below);
    for (int64_t i = 0; i < n; i++)
        below[i] = sum += weight[i];
    const urn__stream stream =
        urn__stream_at(seed, urn__chain_for(URN__USE_POSTERIOR, 0), name, UINT64_MAX);
    for (int64_t k = 0; k < n_picks; k++) {
        urn_rng rng;
        urn__rng_at_row(&rng, &stream, k);
        const double u = urn_rng_uniform(&rng) * sum;
        int64_t low = 0, high = n - 1;
        while (low < high) { /* the first with u < below */
            const int64_t middle = low + (high - low) / 2;
            if (u < below[middle])
                high = middle;
            else
                low = middle + 1;
        }
        pick[k] = low;
    }
    urn__free(allocator, below);
    return URN_OK;
}

void urn__importance_note(urn__run *run, const char *what, int64_t n, const urn__importance *result)
{
    const double k = result->k_hat;
    urn__run_number(run, "k_hat", k, false);
    urn__run_number(run, "importance_log_evidence", result->log_mean, false);
    urn__run_number(run, "importance_draws", (double)n, false);
    urn__run_number(run, "importance_size", result->size, false);
    if (result->n_bad > 0)
        urn__run_warn(run, "the log density is not finite at %lld draws of the approximation",
                      (long long)result->n_bad);
    if (k > 0.7 && result->size < URN__IMPORTANCE_EVEN * (double)n)
        urn__run_warn(run,
                      "Pareto k-hat of the %s is %.2f, above 0.7: the posterior is not near a "
                      "normal in unconstrained space, so draws reweight poorly and means, sds and "
                      "the evidence may be off; write the model with standard normal sites, or use "
                      "nuts (--init-from this run starts its chains at draws of it)",
                      what, k);
}

/* ---- draws ---- */

int64_t urn__final_draws(const urn_fit_options *options, int64_t size, int64_t *wanted)
{
    const int64_t bytes = options->keep_bytes > 0 ? options->keep_bytes : KEEP_BYTES;
    const int64_t draws = options->draws > 0 ? options->draws : options->engine->draws;
    const int64_t most = bytes / ((size + 2) * (int64_t)sizeof(double));
    if (wanted)
        *wanted = draws;
    return draws <= most ? draws : most > 1 ? most : 1;
}

static double *stat(urn_fit *fit, const char *name, int64_t n)
{
    double *values = urn__arena_alloc(fit->arena, (size_t)n, sizeof *values);
    if (values)
        fit->stats[fit->n_stats++] = (urn_fit_stat){.name = name, .values = values};
    return values;
}

urn_status urn__final_room(urn__run *run, int64_t n, urn__final *final, urn_error *error)
{
    const urn__target *target = run->target;
    double *none;
    URN_TRY(urn__posterior_room(run->allocator, URN_POSTERIOR_INDEPENDENT, target->size, 1, n,
                                run->seed, target->kernels->name, &final->draws, &none,
                                &final->posterior, error));
    final->lp = stat(run->fit, "lp", n);
    final->lp_approx = stat(run->fit, "lp_approx", n);
    if (final->lp && final->lp_approx)
        return URN_OK;
    urn_posterior_free(final->posterior);
    final->posterior = NULL;
    return urn__fail_memory(error, "the numbers of the draws", (size_t)n * sizeof(double));
}

void urn__final_end(urn__run *run, int64_t n, urn__final *final)
{
    int64_t wanted;
    const int64_t room = urn__final_draws(run->options, run->target->size, &wanted);
    const int first = 0;
    if (room < wanted)
        urn__run_warn(run,
                      "%lld of the %lld draws are stored: there is no room for more "
                      "(--save-budget allows more)",
                      (long long)n, (long long)wanted);
    urn__run_number(run, "draws", (double)wanted, false);
    urn__run_number(run, "draws_stored", (double)n, false);
    if (n > 0) {
        urn__posterior_keep(final->posterior, 1, &first, n);
        return;
    }
    urn_posterior_free(final->posterior);
    *final = (urn__final){0};
    run->fit->n_stats = 0;
}

urn_status urn__final_point(const urn__run *run, const double *position, urn_posterior **posterior,
                            urn_error *error)
{
    double *loc, *none;
    const int64_t size = run->target->size;
    URN_TRY(urn__posterior_room(run->allocator, URN_POSTERIOR_POINT, size, 1, 0, run->seed,
                                run->target->kernels->name, &loc, &none, posterior, error));
    memcpy(loc, position, (size_t)size * sizeof *loc);
    return URN_OK;
}
