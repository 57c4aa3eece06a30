/* A program with one replay of it, and order statistics. */
#include "replays.h"

#include "../runtime/tensor/tensor.h"
#include "clock.h"

#include <math.h>
#include <stdlib.h>

urn_status urn__runner_open(urn__runner *runner, const urn_model *model,
                            const urn_compile_options *options, int threads, urn_error *error)
{
    *runner = (urn__runner){0};
    URN_TRY(urn_program_compile(model, options, &runner->program, error));
    const int most = urn__thread_count(threads);
    URN_TRY(urn_replay_new(runner->program, most, &runner->replay, error));
    urn_replay_set_threads(runner->replay,
                           urn__governor_start(&runner->governor, most, urn__clock_now()));
    return URN_OK;
}

void urn__runner_run(urn__runner *runner, const double *position)
{
    const double start = urn__clock_now();
    urn_replay_run(runner->replay, position);
    const double end = urn__clock_now();
    if (runner->governor.most > 1)
        urn_replay_set_threads(runner->replay,
                               urn__governor_step(&runner->governor, end - start, end));
}

void urn__runner_close(urn__runner *runner)
{
    urn_replay_free(runner->replay);
    urn_program_free(runner->program);
    *runner = (urn__runner){0};
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

void urn__sort(int64_t n, double *x)
{
    qsort(x, (size_t)n, sizeof *x, compare);
}

double urn__sorted_quantile(int64_t n, const double *sorted, double p)
{
    if (isnan(sorted[n - 1]))
        return (double)NAN;
    const double at = p * (double)(n - 1);
    const int64_t below = (int64_t)at;
    if (below >= n - 1)
        return sorted[n - 1];
    const double low = sorted[below], high = sorted[below + 1];
    const double share = at - (double)below;
    if (share == 0.0 || low == high)
        return low; /* also for infinite ones */
    return low + share * (high - low);
}

int64_t urn__spread(int64_t s, int64_t wanted, int64_t kept)
{
    if (wanted >= kept)
        return s % kept;
    return (int64_t)((double)s * (double)kept / (double)wanted);
}

static int64_t kept_draws(const urn_posterior *posterior)
{
    return urn_posterior_chains(posterior) * urn_posterior_draws(posterior);
}

int64_t urn__draw_count(const urn_posterior *posterior, int64_t wanted, int64_t fallback)
{
    if (wanted > 0)
        return wanted;
    return urn_posterior_kind_of(posterior) == URN_POSTERIOR_DRAWS ? kept_draws(posterior)
                                                                   : fallback;
}

void urn__draw_of(const urn_posterior *posterior, int64_t s, int64_t n, double *position)
{
    if (urn_posterior_kind_of(posterior) == URN_POSTERIOR_DRAWS)
        s = urn__spread(s, n, kept_draws(posterior));
    urn_posterior_draw(posterior, s, position);
}
