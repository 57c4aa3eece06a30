/* Draws of one number: reading, order, ranks, moments; R-hat. */
#include "work.h"

#include "../../runtime/family/special.h"

#include <math.h>
#include <string.h>

static int64_t power_of_two_from(int64_t n)
{
    int64_t size = 1;
    while (size < n)
        size *= 2;
    return size;
}

static bool make_room(urn__chains *c)
{
    const size_t m = (size_t)c->n_chains, n = (size_t)c->n_draws;
    const size_t padded = m * (n + 2 * URN__LAGS_AT_ONCE);
    c->x = urn__calloc(c->allocator, m * n, sizeof *c->x);
    c->order = urn__calloc(c->allocator, m * n, sizeof *c->order);
    c->folded = urn__calloc(c->allocator, m * n, sizeof *c->folded);
    c->merged = urn__calloc(c->allocator, m * n, sizeof *c->merged);
    c->split = urn__calloc(c->allocator, m * n, sizeof *c->split);
    c->centred = urn__calloc(c->allocator, padded, sizeof *c->centred);
    c->chain_mean = urn__calloc(c->allocator, 2 * m, sizeof *c->chain_mean);
    c->fft = urn__calloc(c->allocator, (size_t)c->fft_size, sizeof *c->fft);
    c->power = urn__calloc(c->allocator, (size_t)c->fft_size, sizeof *c->power);
    c->autocovariance = urn__calloc(c->allocator, n, sizeof *c->autocovariance);
    return c->x && c->order && c->folded && c->merged && c->split && c->centred && c->chain_mean &&
           c->fft && c->power && c->autocovariance;
}

urn_status urn__chains_new(const urn_allocator *allocator, int64_t n_chains, int64_t n_draws,
                           urn__chains **chains, urn_error *error)
{
    *chains = NULL;
    const int64_t most = INT64_MAX / 1024;
    if (n_chains < 1 || n_draws < 1 || n_draws > most / n_chains)
        return urn__fail(error, URN_ERR_USAGE, NULL, NULL, NULL,
                         "%lld chains of %lld draws; diagnostics need one of each at least",
                         (long long)n_chains, (long long)n_draws);
    urn__chains *c = urn__calloc(allocator, 1, sizeof *c);
    if (!c)
        return urn__fail_memory(error, "diagnostics of chains", sizeof *c);
    c->allocator = allocator;
    c->n_chains = n_chains;
    c->n_draws = n_draws;
    c->half = n_draws / 2;
    c->fft_size = power_of_two_from(2 * n_draws);
    c->any_nan = true;
    if (!make_room(c)) {
        urn__chains_free(c);
        return urn__fail_memory(error, "diagnostics of chains",
                                (size_t)(n_chains * n_draws) * 9 * sizeof(double));
    }
    *chains = c;
    return URN_OK;
}

void urn__chains_free(urn__chains *c)
{
    if (!c)
        return;
    urn__free(c->allocator, c->autocovariance);
    urn__free(c->allocator, c->power);
    urn__free(c->allocator, c->fft);
    urn__free(c->allocator, c->chain_mean);
    urn__free(c->allocator, c->centred);
    urn__free(c->allocator, c->split);
    urn__free(c->allocator, c->merged);
    urn__free(c->allocator, c->folded);
    urn__free(c->allocator, c->order);
    urn__free(c->allocator, c->x);
    urn__free(c->allocator, c);
}

double urn__moments(int64_t n, const double *x, double *squares)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i] - x[0];
    const double mean = x[0] + sum / (double)n;
    double total = 0.0;
    for (int64_t i = 0; i < n; i++)
        total += (x[i] - mean) * (x[i] - mean);
    *squares = total;
    return mean;
}

/* ---- order ---- */

static void merge(const urn__ranked *a, int64_t n_a, const urn__ranked *b, int64_t n_b,
                  urn__ranked *out)
{
    int64_t i = 0, j = 0;
    while (i < n_a && j < n_b)
        *out++ = b[j].value < a[i].value ? b[j++] : a[i++];
    memcpy(out, a + i, (size_t)(n_a - i) * sizeof *out);
    memcpy(out + (n_a - i), b + j, (size_t)(n_b - j) * sizeof *out);
}

/* A merge sort from the bottom up: the C library's may allocate. */
static void sort(int64_t n, urn__ranked *order, urn__ranked *scratch)
{
    for (int64_t run = 1; run < n; run *= 2) {
        for (int64_t from = 0; from < n; from += 2 * run) {
            const int64_t middle = from + run < n ? from + run : n;
            const int64_t to = middle + run < n ? middle + run : n;
            merge(order + from, middle - from, order + middle, to - middle, scratch + from);
        }
        memcpy(order, scratch, (size_t)n * sizeof *order);
    }
}

void urn__chains_read(urn__chains *c, const double *draws, int64_t chain_stride,
                      int64_t draw_stride)
{
    const int64_t n = c->n_chains * c->n_draws;
    bool finite = true;
    c->any_nan = false;
    for (int64_t k = 0; k < c->n_chains; k++)
        for (int64_t d = 0; d < c->n_draws; d++) {
            const double value = draws[k * chain_stride + d * draw_stride];
            const int64_t at = k * c->n_draws + d;
            c->x[at] = value;
            c->order[at] = (urn__ranked){value, at};
            c->any_nan = c->any_nan || isnan(value);
            finite = finite && isfinite(value);
        }
    c->usable = finite && c->n_draws >= 4;
    if (!c->any_nan)
        sort(n, c->order, c->merged);
    double squares;
    c->mean = urn__moments(n, c->x, &squares);
    c->sd = n > 1 ? sqrt(squares / (double)(n - 1)) : (double)NAN;
}

double urn__chains_mean(const urn__chains *c)
{
    return c->mean;
}

double urn__chains_sd(const urn__chains *c)
{
    return c->sd;
}

double urn__chains_quantile(const urn__chains *c, double p)
{
    if (c->any_nan || !(p >= 0.0 && p <= 1.0))
        return (double)NAN;
    const int64_t last = c->n_chains * c->n_draws - 1;
    const double at = p * (double)last;
    const int64_t below = (int64_t)at;
    const double share = at - (double)below, low = c->order[below].value;
    if (below >= last || share == 0.0)
        return low;
    const double high = c->order[below + 1].value;
    return low == high ? low : low + share * (high - low);
}

/* ---- splitting ---- */

/* Where the draw at position `at` of x goes in `split`; -1 for the middle one of an odd number. */
static int64_t place_of(const urn__chains *c, int64_t at)
{
    const int64_t chain = at / c->n_draws, draw = at % c->n_draws, rest = c->n_draws - c->half;
    if (draw < c->half)
        return 2 * chain * c->half + draw;
    return draw >= rest ? (2 * chain + 1) * c->half + draw - rest : -1;
}

void urn__split_draws(urn__chains *c)
{
    const size_t bytes = (size_t)c->half * sizeof(double);
    for (int64_t k = 0; k < c->n_chains; k++) {
        const double *x = c->x + k * c->n_draws;
        memcpy(c->split + 2 * k * c->half, x, bytes);
        memcpy(c->split + (2 * k + 1) * c->half, x + c->n_draws - c->half, bytes);
    }
}

void urn__split_indicator(urn__chains *c, double limit)
{
    urn__split_draws(c);
    for (int64_t i = 0; i < 2 * c->n_chains * c->half; i++)
        c->split[i] = c->split[i] <= limit ? 1.0 : 0.0;
}

/* The order of the split draws: *order without what place_of leaves out, into `to`. */
static int64_t order_split(const urn__chains *c, urn__ranked *to)
{
    const int64_t all = c->n_chains * c->n_draws;
    int64_t n = 0;
    for (int64_t i = 0; i < all; i++) {
        const int64_t place = place_of(c, c->order[i].at);
        if (place >= 0)
            to[n++] = (urn__ranked){c->order[i].value, place};
    }
    return n;
}

/* Normal scores of ranks, those of ties averaged (Blom, Statistical Estimates and Transformed Beta
 * Variables, 1958). */
static void scores(urn__chains *c, int64_t n, const urn__ranked *order)
{
    for (int64_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && order[to].value == order[from].value; to++)
            ;
        const double rank = 0.5 * (double)(from + 1 + to);
        const double score = urn__normal_quantile((rank - 0.375) / ((double)n + 0.25));
        for (int64_t i = from; i < to; i++)
            c->split[order[i].at] = score;
    }
}

void urn__split_scores(urn__chains *c)
{
    scores(c, order_split(c, c->folded), c->folded);
}

/* Folding at the median turns the lower half of an ascending order into a descending run: what is
 * left to do is one merge. */
void urn__split_folded_scores(urn__chains *c)
{
    const int64_t n = order_split(c, c->merged);
    const double median = 0.5 * c->merged[(n - 1) / 2].value + 0.5 * c->merged[n / 2].value;
    int64_t below = 0;
    while (below < n && c->merged[below].value < median)
        below++;
    for (int64_t i = 0; i < below / 2; i++) {
        const urn__ranked other = c->merged[i];
        c->merged[i] = c->merged[below - 1 - i];
        c->merged[below - 1 - i] = other;
    }
    for (int64_t i = 0; i < n; i++)
        c->merged[i].value = fabs(c->merged[i].value - median);
    merge(c->merged, below, c->merged + below, n - below, c->folded);
    scores(c, n, c->folded);
}

/* ---- R-hat ---- */

static double rhat_of(urn__chains *c, int64_t m, int64_t n)
{
    double within = 0.0, between;
    for (int64_t k = 0; k < m; k++) {
        double squares;
        c->chain_mean[k] = urn__moments(n, c->split + k * n, &squares);
        within += squares / (double)(n - 1);
    }
    within /= (double)m;
    urn__moments(m, c->chain_mean, &between);
    between *= (double)n / (double)(m - 1);
    return sqrt((between / within + (double)(n - 1)) / (double)n);
}

double urn__rhat(urn__chains *c, urn__rhat_kind kind)
{
    if (!c->usable || c->n_chains < 2)
        return (double)NAN;
    switch (kind) {
    case URN__RHAT_RANK: {
        const double bulk = urn__rhat(c, URN__RHAT_BULK), folded = urn__rhat(c, URN__RHAT_FOLDED);
        return isnan(bulk) || folded < bulk || isnan(folded) ? bulk : folded;
    }
    case URN__RHAT_BULK:
        urn__split_scores(c);
        break;
    case URN__RHAT_FOLDED:
        urn__split_folded_scores(c);
        break;
    case URN__RHAT_SPLIT:
        urn__split_draws(c);
        break;
    case URN__RHAT_IDENTITY:
        memcpy(c->split, c->x, (size_t)(c->n_chains * c->n_draws) * sizeof *c->x);
        return rhat_of(c, c->n_chains, c->n_draws);
    }
    return rhat_of(c, 2 * c->n_chains, c->half);
}
