/* Autocovariances and effective sample sizes. */
#include "work.h"

#include <gsl/gsl_fft_halfcomplex.h>
#include <gsl/gsl_fft_real.h>
#include <math.h>
#include <string.h>

/* Mean autocovariances of m chains of n values, found when asked for. */
typedef struct lags {
    urn__chains *c;
    int64_t m, n, known; /* lags below `known` are there */
} lags;

static int64_t stride_of(int64_t n)
{
    return n + URN__LAGS_AT_ONCE;
}

static lags lags_of(urn__chains *c, const double *x, int64_t m, int64_t n)
{
    for (int64_t k = 0; k < m; k++) {
        double squares, *centred = c->centred + k * stride_of(n);
        c->chain_mean[k] = urn__moments(n, x + k * n, &squares);
        for (int64_t i = 0; i < n; i++)
            centred[i] = x[k * n + i] - c->chain_mean[k];
        memset(centred + n, 0, URN__LAGS_AT_ONCE * sizeof *centred);
    }
    return (lags){.c = c, .m = m, .n = n};
}

/* A few lags in one pass over the chains. The zeros behind a chain take the place of an end. */
static void add_directly(lags *l)
{
    double sum[URN__LAGS_AT_ONCE] = {0.0};
    const int64_t first = l->known;
    for (int64_t k = 0; k < l->m; k++) {
        const double *x = l->c->centred + k * stride_of(l->n), *y = x + first;
        for (int64_t i = 0; i < l->n - first; i++)
            for (int j = 0; j < URN__LAGS_AT_ONCE; j++)
                sum[j] += x[i] * y[i + j];
    }
    for (int j = 0; j < URN__LAGS_AT_ONCE && l->known < l->n; j++)
        l->c->autocovariance[l->known++] = sum[j] / ((double)l->m * (double)l->n);
}

/* All lags at once: the inverse transform of the chains' summed power spectra, with zeros enough
 * behind each chain that its ends do not meet. */
static void add_by_fft(lags *l)
{
    urn__chains *c = l->c;
    int64_t size = 1;
    while (size < 2 * l->n)
        size *= 2;
    memset(c->power, 0, (size_t)size * sizeof *c->power);
    for (int64_t k = 0; k < l->m; k++) {
        memcpy(c->fft, c->centred + k * stride_of(l->n), (size_t)l->n * sizeof *c->fft);
        memset(c->fft + l->n, 0, (size_t)(size - l->n) * sizeof *c->fft);
        gsl_fft_real_radix2_transform(c->fft, 1, (size_t)size);
        c->power[0] += c->fft[0] * c->fft[0];
        c->power[size / 2] += c->fft[size / 2] * c->fft[size / 2];
        for (int64_t i = 1; i < size / 2; i++)
            c->power[i] += c->fft[i] * c->fft[i] + c->fft[size - i] * c->fft[size - i];
    }
    gsl_fft_halfcomplex_radix2_inverse(c->power, 1, (size_t)size);
    for (; l->known < l->n; l->known++)
        c->autocovariance[l->known] = c->power[l->known] / ((double)l->m * (double)l->n);
}

static double lag(lags *l, int64_t t)
{
    while (t >= l->known)
        if (l->known < URN__DIRECT_LAGS)
            add_directly(l);
        else
            add_by_fft(l);
    return l->c->autocovariance[t];
}

void urn__chains_autocovariance(urn__chains *c, int64_t chain, int64_t n_lags,
                                double *autocovariance)
{
    lags l = lags_of(c, c->x + chain * c->n_draws, 1, c->n_draws);
    for (int64_t t = 0; t < n_lags && t < c->n_draws; t++)
        autocovariance[t] = lag(&l, t);
}

static bool all_equal(int64_t n, const double *x)
{
    for (int64_t i = 1; i < n; i++)
        if (x[i] != x[0])
            return false;
    return true;
}

/* Autocorrelations are summed in pairs, which are positive and fall in theory: up to the first pair
 * that is not positive, and with no pair above an earlier one. Of the pair after the last whole
 * one, its even lag still counts, as it lowers the variance of anti-correlated chains. */
double urn__ess_of(urn__chains *c, int64_t m, int64_t n)
{
    const double size = (double)m * (double)n;
    if (all_equal(m * n, c->split))
        return size;
    lags l = lags_of(c, c->split, m, n);
    const double within = lag(&l, 0) * (double)n / (double)(n - 1);
    double between = 0.0;
    if (m > 1)
        urn__moments(m, c->chain_mean, &between);
    const double pooled = lag(&l, 0) + (m > 1 ? between / (double)(m - 1) : 0.0);
    double even = 1.0;
    double pair = even + 1.0 - (within - lag(&l, 1)) / pooled;
    double lowest = pair, tau = -1.0;
    for (int64_t t = 2; t < n - 2 && pair > 0.0; t += 2) {
        tau += 2.0 * lowest;
        even = 1.0 - (within - lag(&l, t)) / pooled;
        pair = even + 1.0 - (within - lag(&l, t + 1)) / pooled;
        lowest = pair < lowest ? pair : lowest;
    }
    if (isnan(pair))
        return (double)NAN;
    if (even > 0.0 || pair >= 0.0)
        tau += even;
    return size / fmax(tau, 1.0 / log10(size));
}

static double ess_of_split(urn__chains *c)
{
    return urn__ess_of(c, 2 * c->n_chains, c->half);
}

double urn__ess_bulk(urn__chains *c)
{
    if (!c->usable)
        return (double)NAN;
    urn__split_scores(c);
    return ess_of_split(c);
}

double urn__ess_mean(urn__chains *c)
{
    if (!c->usable)
        return (double)NAN;
    urn__split_draws(c);
    return ess_of_split(c);
}

double urn__ess_sd(urn__chains *c)
{
    if (!c->usable)
        return (double)NAN;
    urn__split_draws(c);
    for (int64_t i = 0; i < 2 * c->n_chains * c->half; i++)
        c->split[i] = (c->split[i] - c->mean) * (c->split[i] - c->mean);
    return ess_of_split(c);
}

double urn__ess_quantile(urn__chains *c, double p)
{
    const double limit = urn__chains_quantile(c, p);
    if (!c->usable || isnan(limit))
        return (double)NAN;
    urn__split_indicator(c, limit);
    return ess_of_split(c);
}

double urn__ess_tail(urn__chains *c)
{
    const double low = urn__ess_quantile(c, 0.05), high = urn__ess_quantile(c, 0.95);
    return low < high || isnan(low) ? low : high;
}
