/* Monte Carlo standard errors, summaries, energies. */
#include "work.h"

#include "../../runtime/family/special.h"

#include <float.h>
#include <math.h>

#define TINY 1e-300
#define LOWER_SIGMA                                                                                \
    0.1586553 /* normal probabilities of one sd to either side, as ArviZ rounds them */
#define UPPER_SIGMA 0.8413447

/* ---- quantiles of Beta(a, b), a and b at least 1 ---- */

static double log_beta_density(double a, double b, double x)
{
    return (a - 1.0) * log(x) + (b - 1.0) * log1p(-x) + urn__log_gamma(a + b) - urn__log_gamma(a) -
           urn__log_gamma(b);
}

/* Continued fraction of the incomplete beta function, DLMF 8.17.22, by Lentz's method; it converges
 * fast for x < (a + 1) / (a + b + 2), in about sqrt(max(a, b)) steps. */
static double beta_fraction(double a, double b, double x)
{
    double c = 1.0, d = 1.0 - (a + b) * x / (a + 1.0);
    d = 1.0 / (fabs(d) < TINY ? TINY : d);
    double h = d;
    for (int m = 1; m < 1000000; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m));
        d = 1.0 + even * d;
        c = 1.0 + even / c;
        d = 1.0 / (fabs(d) < TINY ? TINY : d);
        c = fabs(c) < TINY ? TINY : c;
        h *= d * c;
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0));
        d = 1.0 + odd * d;
        c = 1.0 + odd / c;
        d = 1.0 / (fabs(d) < TINY ? TINY : d);
        c = fabs(c) < TINY ? TINY : c;
        h *= d * c;
        if (fabs(d * c - 1.0) < 4.0 * DBL_EPSILON)
            break;
    }
    return h;
}

static double beta_cdf(double a, double b, double x)
{
    if (x <= 0.0 || x >= 1.0)
        return x >= 1.0;
    const double factor = exp(log_beta_density(a, b, x)) * x * (1.0 - x);
    if (x < (a + 1.0) / (a + b + 2.0))
        return factor * beta_fraction(a, b, x) / a;
    return 1.0 - factor * beta_fraction(b, a, 1.0 - x) / b;
}

/* Newton's steps, halving the bracket where one leaves it. */
static double beta_quantile(double a, double b, double p)
{
    double low = 0.0, high = 1.0, x = a / (a + b);
    for (int i = 0; i < 200; i++) {
        const double over = beta_cdf(a, b, x) - p;
        if (over > 0.0)
            high = x;
        else
            low = x;
        double next = x - over / exp(log_beta_density(a, b, x));
        if (!(next > low && next < high))
            next = 0.5 * (low + high);
        const double step = fabs(next - x);
        x = next;
        if (step <= 1e-13 * x)
            break;
    }
    return x;
}

/* ---- standard errors ---- */

double urn__mcse_mean(urn__chains *c)
{
    return c->sd / sqrt(urn__ess_mean(c));
}

double urn__mcse_sd(urn__chains *c)
{
    if (!c->usable)
        return (double)NAN;
    const int64_t n = c->n_chains * c->n_draws;
    const double size = urn__ess_sd(c);
    double second = 0.0, spread = 0.0;
    for (int64_t i = 0; i < n; i++)
        second += (c->x[i] - c->mean) * (c->x[i] - c->mean);
    second /= (double)n;
    for (int64_t i = 0; i < n; i++) {
        const double over = (c->x[i] - c->mean) * (c->x[i] - c->mean) - second;
        spread += over * over;
    }
    return sqrt(spread / (double)n / size / second / 4.0);
}

double urn__mcse_quantile(urn__chains *c, double p)
{
    const double size = urn__ess_quantile(c, p);
    if (isnan(size))
        return (double)NAN;
    const int64_t n = c->n_chains * c->n_draws;
    const double a = size * p + 1.0, b = size * (1.0 - p) + 1.0;
    const double from = floor(beta_quantile(a, b, LOWER_SIGMA) * (double)n - 1.0);
    const double to = ceil(beta_quantile(a, b, UPPER_SIGMA) * (double)n - 1.0);
    const int64_t first = (int64_t)fmax(from, 0.0), last = (int64_t)fmin(to, (double)(n - 1));
    return 0.5 * (c->order[last].value - c->order[first].value);
}

void urn__chains_summarise(urn__chains *c, urn__chains_summary *summary)
{
    *summary = (urn__chains_summary){
        .mean = c->mean,
        .sd = c->sd,
        .mcse_mean = urn__mcse_mean(c),
        .mcse_sd = urn__mcse_sd(c),
        .quantile = {urn__chains_quantile(c, 0.05), urn__chains_quantile(c, 0.5),
                     urn__chains_quantile(c, 0.95)},
        .ess_bulk = urn__ess_bulk(c),
        .ess_tail = urn__ess_tail(c),
        .r_hat = urn__rhat(c, URN__RHAT_RANK),
    };
}

double urn__e_bfmi(int64_t n, const double *energy, int64_t stride)
{
    double sum = 0.0, changes = 0.0, squares = 0.0;
    if (n < 2)
        return (double)NAN;
    for (int64_t i = 0; i < n; i++)
        sum += energy[i * stride] - energy[0];
    const double mean = energy[0] + sum / (double)n;
    for (int64_t i = 0; i < n; i++) {
        const double off = energy[i * stride] - mean;
        const double change = i > 0 ? energy[i * stride] - energy[(i - 1) * stride] : 0.0;
        squares += off * off;
        changes += change * change;
    }
    return changes / squares;
}
