/* Poisson: P(k) = rate^k exp(-rate) / k!. From SMALL on, log P is written around its peak,
 *   k (log t - (t - 1)) - log(2 pi k) / 2 - stirling_error(k),  t = rate / k  (Loader 2000),
 * since k log(rate), rate and log k! are each huge where P is not. */
#include "counts.h"
#include "tails.h"
#include <urn/ops.h>

enum { RATE };

#define SMALL 10

static const double log_factorial[SMALL] = {
    0.0,
    0.0,
    0.69314718055994530942,
    1.7917594692280550008,
    3.1780538303479456197,
    4.7874917427820459942,
    6.5792512120101009951,
    8.5251613610654143002,
    10.604602902745250228,
    12.801827480081469611,
};

/* log k! where it comes from the table; elsewhere not used. */
static void look_up(int64_t n, const real *restrict x, real *restrict out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = x[i] >= 0 && x[i] < SMALL ? (real)log_factorial[(int)x[i]] : 0;
}

static void rows(int64_t n, const real *restrict x, const real *restrict rate,
                 const real *restrict log_factorials, real *restrict log_density,
                 real *restrict d_rate)
{
    for (int64_t i = 0; i < n; i++) {
        const double v = (double)x[i], r = (double)rate[i], at = v >= 0.0 ? v : 0.0;
        const double k = at < (double)INFINITY ? at : 0.0, inexact = v - floor(k);
        const double positive = k > 0.0 ? k : 1.0, inverse = 1.0 / positive;
        const double t = r * inverse, f = inverse * inverse;
        const double log_t = log(k < SMALL ? r : t);
        const double error =
            (1.0 / 12 - f * (1.0 / 360 - f * (1.0 / 1260 - f * (1.0 / 1680 - f / 1188)))) * inverse;
        const double many = k * (log_t - (t - 1.0)) - 0.5 * (URN__LOG_2PI + log(positive)) - error;
        const double few = k * log_t - r - (double)log_factorials[i];
        const double some = k < SMALL ? few : many;
        const double value = k == 0.0 ? -r : some;
        const double outside = v == v ? (double)-INFINITY : v;
        const double density = inexact == 0.0 ? value : outside;
        log_density[i] = (real)(r >= 0.0 ? density : (double)NAN);
        d_rate[i] = (real)((k == 0.0 ? 0.0 : k / r) - 1.0);
    }
}

static void log_density(const urn__density_call_real *c)
{
    real *log_factorials = c->scratch + c->n;
    look_up(c->n, c->x, log_factorials);
    rows(c->n, c->x, c->param[RATE], log_factorials, c->log_density,
         urn__partial(c, c->d_param[RATE], 0));
    if (c->d_x != NULL)
        memset(c->d_x, 0, (size_t)c->n * sizeof *c->d_x);
}

URN__DENSITY_DEFINE(poisson, log_density)

#ifndef URN_SINGLE

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)dim;
    return 2 * n;
}

/* Adds up the probabilities, for small rates. */
static double draw_by_search(double rate, urn_rng *rng)
{
    double left = urn_rng_uniform(rng), p = exp(-rate), k = 0.0;
    while (left > p && k < 1000.0) {
        left -= p;
        k += 1.0;
        p *= rate / k;
    }
    return k;
}

/* Transformed rejection with squeeze, PTRS of Hoermann (1993), for rates of 10 and more. */
static double draw_by_rejection(double rate, urn_rng *rng)
{
    const double b = 0.931 + 2.53 * sqrt(rate), a = -0.059 + 0.02483 * b;
    const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), v_r = 0.9277 - 3.6224 / (b - 2.0);
    for (;;) {
        const double u = urn_rng_uniform(rng) - 0.5, v = urn_rng_uniform(rng);
        const double us = 0.5 - fabs(u);
        const double k = floor((2.0 * a / us + b) * u + rate + 0.43);
        if (us >= 0.07 && v <= v_r)
            return k;
        if (k < 0.0 || (us < 0.013 && v > us))
            continue;
        double tabled, log_p, unused;
        look_up(1, &k, &tabled);
        rows(1, &k, &rate, &tabled, &log_p, &unused);
        if (log(v * inverse_alpha / (a / (us * us) + b)) <= log_p)
            return k;
    }
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const double rate = urn__argument(c, RATE, row);
    if (!(rate >= 0.0 && rate < (double)INFINITY))
        c->x[row] = (double)NAN;
    else
        c->x[row] = rate < 10.0 ? draw_by_search(rate, rng) : draw_by_rejection(rate, rng);
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = urn__argument(c, RATE, i);
}

static double cdf_at(const double *param, double k)
{
    const double rate = param[RATE];
    return k < 0.0 ? 0.0 : rate == 0.0 ? 1.0 : urn__gamma_q(floor(k) + 1.0, rate);
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double rate = urn__argument(c, RATE, i);
        c->out[i] = cdf_at(&rate, c->x[i]);
    }
}

static double quantile_of(double rate, double p)
{
    if (!(rate >= 0.0 && rate < (double)INFINITY))
        return NAN;
    return urn__count_quantile(cdf_at, &rate, rate > 0.0 ? (double)INFINITY : 0.0, p);
}

static void quantiles(const urn_draw_call *c, double p, double *out)
{
    double last = NAN, of_last = NAN;
    for (int64_t i = 0; i < c->n; i++) {
        const double rate = urn__argument(c, RATE, i);
        if (rate != last)
            of_last = quantile_of(rate, p);
        last = rate;
        out[i] = of_last;
    }
}

static void centre(const urn_draw_call *c)
{
    quantiles(c, 0.5, c->x);
}

static void quantile(const urn_draw_call *c)
{
    quantiles(c, c->p, c->out);
}

/* P(X <= k) = Q(k + 1, rate), of which the slope in the rate is -P(X = k). */
static double tail(bool upper, double x, const double *param, double *d_x, double *d_param)
{
    const double rate = param[RATE], k = floor(x);
    *d_x = 0.0;
    if (!(rate >= 0.0))
        return NAN;
    if (k < 0.0 || isinf(k))
        return upper == (k < 0.0) ? 0.0 : -(double)INFINITY;
    const double p = upper ? urn__gamma_p(k + 1.0, rate) : urn__gamma_q(k + 1.0, rate);
    double tabled, log_p, unused;
    look_up(1, &k, &tabled);
    rows(1, &k, &rate, &tabled, &log_p, &unused);
    d_param[RATE] = (upper ? 1.0 : -1.0) * exp(log_p - log(p));
    return log(p);
}

URN__TAILS(tail)

static const urn_family_alternative alternatives[] = {
    {"log_rate", "rate", URN_DOMAIN_REAL, urn_exp},
    {0},
};

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "poisson",
    .support = urn_support_count,
    .params = {{"rate", 0, URN_DOMAIN_POSITIVE, 0}},
    .alternatives = alternatives,
    .scratch_doubles = scratch_doubles,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = mean,
    .cdf = cdf,
    .quantile = quantile,
    .log_cdf = log_cdf,
    .log_survival = log_survival,
};

URN__FAMILY_DEFINE(poisson, family)

#endif
