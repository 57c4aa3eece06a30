/* A program with one replay of it, and order statistics. */
#include "replays.h"

#include "clock.h"
#include "driver.h"

#include <math.h>
#include <stdlib.h>

urn_status urn__runner_open(urn__runner *runner, const urn_model *model,
                            const urn_compile_options *options, int threads, urn_error *error)
{
    *runner = (urn__runner){0};
    URN_TRY(urn_program_compile(model, options, &runner->program, error));
    return urn_replay_new(runner->program, threads, &runner->replay, error);
}

void urn__runner_close(urn__runner *runner)
{
    urn_replay_free(runner->replay);
    urn_program_free(runner->program);
    *runner = (urn__runner){0};
}

void urn__pace_start(urn__pace *pace, int threads)
{
    pace->start = urn__clock_now();
    pace->threads = urn__governor_start(&pace->governor, urn__thread_count(threads), pace->start);
}

void urn__pace_step(urn__pace *pace)
{
    const double now = urn__clock_now();
    pace->threads = urn__governor_step(&pace->governor, now - pace->start, now);
    pace->start = now;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void swap(double *a, double *b)
{
    const double t = *a;
    *a = *b;
    *b = t;
}

static double middle_of(double a, double b, double c)
{
    const double low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

/* Puts the k-th smallest of n numbers into its place, smaller ones before it (Hoare's selection).
 * Unlucky orders end in a sort. */
static double select_kth(int64_t n, double *x, int64_t k)
{
    int64_t low = 0, high = n - 1;
    for (int round = 0; low < high; round++) {
        if (round == 64) {
            qsort(x + low, (size_t)(high - low + 1), sizeof *x, compare);
            break;
        }
        const double pivot = middle_of(x[low], x[low + (high - low) / 2], x[high]);
        int64_t i = low, j = high;
        while (i <= j) {
            while (x[i] < pivot)
                i++;
            while (x[j] > pivot)
                j--;
            if (i <= j)
                swap(&x[i++], &x[j--]);
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return x[k];
}

/* The order statistic at or below quantile p, and the share of the way to the next. */
static int64_t rank_of(int64_t n, double p, double *share)
{
    const double at = p * (double)(n - 1);
    const int64_t below = (int64_t)at;
    *share = below < n - 1 ? at - (double)below : 0.0;
    return below < n ? below : n - 1;
}

static double between(double low, double high, double share)
{
    return low == high ? low : low + share * (high - low); /* also for infinite ones */
}

double urn__quantile(int64_t n, double *x, double p)
{
    for (int64_t i = 0; i < n; i++)
        if (isnan(x[i]))
            return (double)NAN;
    double share;
    const int64_t below = rank_of(n, p, &share);
    const double low = select_kth(n, x, below);
    if (share == 0.0)
        return low;
    double high = x[below + 1];
    for (int64_t i = below + 2; i < n; i++)
        high = x[i] < high ? x[i] : high;
    return between(low, high, share);
}

double urn__sorted_quantile(int64_t n, const double *x, int64_t stride, double p)
{
    double share;
    const int64_t below = rank_of(n, p, &share);
    const double low = x[below * stride];
    return share == 0.0 ? low : between(low, x[(below + 1) * stride], share);
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
    return urn_posterior_stored(posterior) ? kept_draws(posterior) : fallback;
}

void urn__draw_of(const urn_posterior *posterior, int64_t s, int64_t n, int threads,
                  double *position)
{
    if (urn_posterior_stored(posterior))
        s = urn__spread(s, n, kept_draws(posterior));
    urn__posterior_draw(posterior, s, threads, position);
}
