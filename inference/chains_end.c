/* What is left of a sampler's chains: draws, statistics, numbers and warnings. */
#include "chains.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is kept ---- */

/* Chains with at least `draws` stored ones; their numbers into `chains`, if not NULL. */
static int chains_with(const urn__chains_run *c, int64_t draws, int *chains)
{
    int n = 0;
    for (int i = 0; i < c->plan.chains; i++)
        if (c->chain[i].stored >= draws) {
            if (chains)
                chains[n] = i;
            n++;
        }
    return n;
}

/* Chains have equal numbers of draws in a posterior. After an interruption they differ: the number
 * is taken with which the most draws are kept. */
static int64_t draws_to_keep(const urn__chains_run *c)
{
    int64_t best = 0, most = 0;
    for (int i = 0; i < c->plan.chains; i++) {
        const int64_t draws = c->chain[i].stored, sum = draws * chains_with(c, draws, NULL);
        if (sum > most || (sum == most && draws < best)) {
            best = draws;
            most = sum;
        }
    }
    return best;
}

/* The last states of chains that had no draw yet, as a draw each. */
static int chains_begun(const urn__chains_run *c, int *chains)
{
    int n = 0;
    for (int i = 0; i < c->plan.chains; i++)
        if (c->chain[i].steps > 0)
            chains[n++] = i;
    return n;
}

static void warn_interrupted(const urn__chains_run *c, int n, int64_t draws, bool drawn)
{
    const urn__chain_plan *s = &c->plan;
    if (!drawn)
        urn__run_warn(
            c->base, "interrupted before the first draw was stored: what is kept is the state each "
                     "chain was in, which is good to start from (--init-from), not to conclude "
                     "from");
    else if (n < s->chains)
        urn__run_warn(c->base,
                      "interrupted: %d of %d chains had %lld draws, the others fewer; those are "
                      "left out",
                      n, s->chains, (long long)draws * (long long)s->stride);
}

/* The step (0-based) behind stored draw d. */
static int64_t step_of(const urn__chains_run *c, const urn__chain *chain, int64_t d)
{
    const urn__chain_plan *s = &c->plan;
    if (chain->stored == 0)
        return chain->steps - 1;
    return s->warmup + (d + 1) * s->stride * s->thin - 1;
}

static urn_status keep_stats(urn__chains_run *c, int n, const int *chains, int64_t draws,
                             urn_error *error)
{
    urn_fit *fit = c->base->fit;
    const urn__chain_plan *s = &c->plan;
    for (int k = 0; k < s->n_stats; k++) {
        const urn__stat_spec *spec = &c->engine->stats[k];
        double *values = urn__arena_alloc(fit->arena, (size_t)(n * draws), sizeof *values);
        if (!values)
            return urn__fail_memory(error, "the numbers of the draws",
                                    (size_t)(n * draws) * sizeof *values);
        for (int i = 0; i < n; i++)
            for (int64_t d = 0; d < draws; d++) {
                const urn__chain *chain = &c->chain[chains[i]];
                values[i * draws + d] = chain->stats[step_of(c, chain, d) * s->n_stats + k];
            }
        fit->stats[fit->n_stats++] = (urn_fit_stat){.name = spec->name,
                                                    .integer = spec->type == URN__STAT_INT,
                                                    .boolean = spec->type == URN__STAT_BOOL,
                                                    .values = values};
    }
    return URN_OK;
}

static urn_status keep_draws(urn__chains_run *c, int *chains, urn_error *error)
{
    int64_t draws = draws_to_keep(c);
    const bool drawn = draws > 0;
    const int n = drawn ? chains_with(c, draws, chains) : chains_begun(c, chains);
    draws = drawn ? draws : 1;
    if (n == 0)
        return urn__fail(error, URN_ERR_INTERNAL, NULL, NULL, NULL, "no chain has made a step");
    if (c->base->interrupted)
        warn_interrupted(c, n, draws, drawn);
    URN_TRY(keep_stats(c, n, chains, draws, error));
    if (n < c->plan.chains || draws < c->plan.stored)
        urn__posterior_keep(c->posterior, n, chains, draws);
    c->base->fit->posterior = c->posterior;
    c->posterior = NULL;
    return URN_OK;
}

/* ---- numbers and warnings ---- */

static bool warned_before(const urn_fit *fit, const char *text)
{
    for (int i = 0; i < fit->n_warnings; i++)
        if (strcmp(fit->warnings[i], text) == 0)
            return true;
    return false;
}

/* Warnings that several chains have are given once. */
static void merge_warnings(urn__chains_run *c)
{
    for (int i = 0; i < c->plan.chains; i++) {
        const urn_fit *notes = c->chain[i].notes;
        for (int k = 0; notes && k < notes->n_warnings; k++)
            if (!warned_before(c->base->fit, notes->warnings[k]))
                urn__run_warn(c->base, "%s", notes->warnings[k]);
    }
}

/* Mean over the chains that noted it. */
static double mean_of(const urn__chains_run *c, const char *name)
{
    double sum = 0.0;
    int n = 0;
    for (int i = 0; i < c->plan.chains; i++) {
        const urn_fit *notes = c->chain[i].notes;
        for (int k = 0; notes && k < notes->n_numbers; k++)
            if (strcmp(notes->numbers[k].name, name) == 0) {
                sum += notes->numbers[k].value;
                n++;
                break;
            }
    }
    return sum / n;
}

static bool noted(const urn_fit *fit, const char *name)
{
    for (int i = 0; i < fit->n_numbers; i++)
        if (strcmp(fit->numbers[i].name, name) == 0)
            return true;
    return false;
}

static void merge_numbers(urn__chains_run *c)
{
    for (int i = 0; i < c->plan.chains; i++) {
        const urn_fit *notes = c->chain[i].notes;
        for (int k = 0; notes && k < notes->n_numbers; k++) {
            const urn_fit_number *number = &notes->numbers[k];
            if (!noted(c->base->fit, number->name))
                urn__run_number(c->base, number->name, mean_of(c, number->name),
                                number->of_the_clock);
        }
    }
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of the chains' medians. */
static double median_step(const urn__chains_run *c)
{
    double medians[64];
    int n = 0;
    for (int i = 0; i < c->plan.chains && n < 64; i++)
        if (!isnan(c->chain[i].median))
            medians[n++] = c->chain[i].median;
    if (n == 0)
        return (double)NAN;
    qsort(medians, (size_t)n, sizeof *medians, compare);
    return 0.5 * (medians[(n - 1) / 2] + medians[n / 2]);
}

static void note_numbers(urn__chains_run *c, double seconds)
{
    urn__run *base = c->base;
    const urn__chain_plan *s = &c->plan;
    const urn_posterior *p = base->fit->posterior;
    const double median = 1e3 * median_step(c);
    urn__run_number(base, "steps", (double)c->done, false);
    urn__run_number(base, "observations", base->target->observations, false);
    urn__run_number(base, "position_size", (double)base->target->size, false);
    urn__run_number(base, "state_size", (double)s->size, false);
    urn__run_number(base, "chains", (double)urn_posterior_chains(p), false);
    urn__run_number(base, "warmup", (double)s->warmup, false);
    urn__run_number(base, "draws", (double)s->draws, false);
    urn__run_number(base, "thin", (double)s->thin, false);
    urn__run_number(base, "draws_stored", (double)urn_posterior_draws(p), false);
    urn__run_number(base, "wall_s", seconds, true);
    urn__run_number(base, c->engine->sweeps ? "sweep_ms_median" : "step_ms_median", median, true);
    urn__run_number(base, "threads_used", (double)c->chain[0].threads * s->workers, true);
    if (s->stride > 1)
        urn__run_warn(base,
                      "the draws do not all fit into the memory for them: one of every %lld is "
                      "stored (--save-budget allows more)",
                      (long long)s->stride);
}

/* The engine looks at the steps after warm-up of all chains. */
static urn_status conclude_engine(urn__chains_run *c, urn_error *error)
{
    const urn__chain_plan *s = &c->plan;
    urn__chain_stats *chains = urn__calloc(c->base->allocator, (size_t)s->chains, sizeof *chains);
    if (!chains)
        return urn__fail_memory(error, "the chains of a fit", (size_t)s->chains);
    for (int i = 0; i < s->chains; i++) {
        const int64_t after = c->chain[i].steps - s->warmup;
        chains[i] = (urn__chain_stats){
            .n = after > 0 ? after : 0,
            .n_stats = s->n_stats,
            .values = after > 0 ? c->chain[i].stats + s->warmup * s->n_stats : NULL};
    }
    const urn_status status = c->engine->conclude(c->base, s->chains, chains, error);
    urn__free(c->base->allocator, chains);
    return status;
}

urn_status urn__chains_conclude(urn__chains_run *c, urn_error *error)
{
    const double seconds = urn__clock_now() - c->start;
    urn__run *base = c->base;
    for (int i = 0; i < c->plan.chains; i++)
        if (c->chain[i].status != URN_OK) {
            if (error)
                *error = c->chain[i].error;
            return c->chain[i].status;
        }
    int *chains = urn__calloc(base->allocator, (size_t)c->plan.chains, sizeof *chains);
    if (!chains)
        return urn__fail_memory(error, "the chains of a fit", (size_t)c->plan.chains);
    const urn_status status = keep_draws(c, chains, error);
    urn__free(base->allocator, chains);
    URN_TRY(status);
    base->step = c->done;
    base->n_steps = c->plan.chains * c->plan.n_steps;
    note_numbers(c, seconds);
    merge_numbers(c);
    merge_warnings(c);
    return c->engine->conclude ? conclude_engine(c, error) : URN_OK;
}
