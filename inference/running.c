/* Predictions of held-out rows while a sampler runs: see running.h. */
#include "running.h"

#include "driver.h"
#include "forward.h"
#include "row_sums.h"

#include <math.h>

struct urn__running {
    const urn_allocator *allocator;
    urn__forward *forward;
    int site, most_threads;
    bool errors_only;
    int64_t n, draws;
    uint64_t seed;
    const double *observed;
    int n_chains;
    urn__owned_prediction *out; /* the arena of all sums */
    urn__row_sums *chain;       /* one a chain */
};

static urn_status open_running(urn__running *r, const urn_model *fitted, const urn_model *target,
                               const urn__running_options *options, urn_error *error)
{
    int number;
    URN_TRY(urn__forward_site(target, options->site, &r->site, &r->n, error));
    URN_TRY(urn__forward_open(fitted, options->cpu, r->allocator, options->threads, &r->forward,
                              error));
    URN_TRY(urn__forward_add(r->forward, target, &number, error));
    URN_TRY(urn__prediction_new(r->allocator, &r->out, error));
    r->observed = urn_model_observed(target, r->site);
    if (r->errors_only)
        return URN_OK;
    r->chain = urn__arena_alloc(r->out->arena, (size_t)r->n_chains, sizeof *r->chain);
    if (!r->chain)
        return urn__fail_memory(error, "predictions", (size_t)r->n_chains * sizeof *r->chain);
    for (int c = 0; c < r->n_chains; c++)
        URN_TRY(urn__row_sums_make(r->out->arena, r->n, &r->chain[c], error));
    return URN_OK;
}

urn_status urn__running_new(const urn_model *fitted, const urn_model *target,
                            const urn__running_options *options, urn__running **running,
                            urn_error *error)
{
    *running = NULL;
    urn__running *r = urn__calloc(options->allocator, 1, sizeof *r);
    if (!r)
        return urn__fail_memory(error, "predictions", sizeof *r);
    *r = (urn__running){.allocator = options->allocator,
                        .draws = options->draws,
                        .errors_only = options->errors_only,
                        .seed = options->seed,
                        .n_chains = options->chains > 0 ? options->chains : 1,
                        .most_threads = urn__thread_count(options->threads)};
    const urn_status status = open_running(r, fitted, target, options, error);
    if (status == URN_OK)
        *running = r;
    else
        urn__running_free(r);
    return status;
}

void urn__running_free(urn__running *r)
{
    if (!r)
        return;
    urn__forward_free(r->forward);
    if (r->out)
        urn_prediction_free(&r->out->prediction);
    urn__free(r->allocator, r);
}

static double rmse(const urn__running *r, const double *predicted)
{
    double squares = 0.0;
    for (int64_t i = 0; i < r->n; i++) {
        const double error = predicted[i] - r->observed[i];
        squares += error * error;
    }
    return sqrt(squares / (double)r->n);
}

urn_status urn__running_add(urn__running *r, const urn_draw *draw, urn__running_errors *errors,
                            urn_error *error)
{
    if (!r->out || draw->chain < 0 || draw->chain >= r->n_chains)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "a draw of chain %d came to predictions of %d chains", draw->chain,
                         r->out ? r->n_chains : 0);
    const int64_t s = draw->chain * r->draws + draw->draw;
    URN_TRY(urn__forward_run(r->forward, draw->state, s, r->seed, error));
    const urn__row_results results = {
        .draw = urn__forward_result(r->forward, 0, r->site, URN_RESULT_DRAW),
        .mean = urn__forward_result(r->forward, 0, r->site, URN_RESULT_MEAN),
        .log_density = urn__forward_result(r->forward, 0, r->site, URN_RESULT_LOG_DENSITY),
        .cdf = urn__forward_result(r->forward, 0, r->site, URN_RESULT_CDF)};
    if (!results.draw)
        return urn__fail(error, URN_ERR_INTERNAL, NULL, NULL, NULL,
                         "the program has no draws of the site to predict");
    *errors = (urn__running_errors){(double)NAN, (double)NAN};
    if (r->observed)
        errors->rmse = rmse(r, results.mean ? results.mean : results.draw);
    if (r->errors_only)
        return URN_OK;
    urn__row_sums *sums = &r->chain[draw->chain];
    urn__row_sums_add(sums, &results, urn__forward_threads(r->forward));
    if (r->observed)
        errors->rmse_of_mean = rmse(r, sums->mean);
    return URN_OK;
}

int64_t urn__running_draws(const urn__running *r)
{
    int64_t n = 0;
    for (int c = 0; r->chain && c < r->n_chains; c++)
        n += r->out ? r->chain[c].n_draws : 0;
    return n;
}

urn_status urn__running_finish(urn__running *r, urn_prediction **prediction, urn_error *error)
{
    *prediction = NULL;
    if (urn__running_draws(r) == 0)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL, "no draw was predicted from");
    for (int c = 1; c < r->n_chains; c++)
        urn__row_sums_merge(&r->chain[0], &r->chain[c], r->most_threads);
    urn__row_sums_conclude(&r->chain[0], r->most_threads, &r->out->prediction);
    *prediction = &r->out->prediction;
    r->out = NULL;
    return URN_OK;
}
