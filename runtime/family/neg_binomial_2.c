/* Negative binomial by its mean m = rate and concentration c: a Poisson whose rate is
 * gamma(shape c, rate c / m), so that the variance is m + m^2 / c.
 *   log p(k) = -log(c + k) - log B(c, k + 1) - c log(1 + m / c) - k log(1 + c / m). */
#include "counts.h"
#include <urn/ops.h>

enum { RATE, CONCENTRATION };

static bool valid(double m, double c)
{
    return m > 0.0 && c > 0.0 && isfinite(m) && isfinite(c);
}

static double value_at(double m, double c, double k)
{
    if (!valid(m, c) || isnan(k))
        return (double)NAN;
    if (!urn__is_count(k))
        return (double)-INFINITY;
    return -log(c + k) - urn__log_beta(c, k + 1.0) - c * log1p(m / c) -
           (k > 0.0 ? k * log1p(c / m) : 0.0);
}

static void log_density(const urn_density_call *call)
{
    for (int64_t i = 0; i < call->n; i++) {
        const double m = call->param[RATE][i], c = call->param[CONCENTRATION][i], k = call->x[i];
        call->log_density[i] = value_at(m, c, k);
        if (call->d_x != NULL)
            call->d_x[i] = 0.0;
        if (call->d_param[RATE] != NULL)
            call->d_param[RATE][i] = (k - m) / m * (c / (m + c));
        if (call->d_param[CONCENTRATION] != NULL)
            call->d_param[CONCENTRATION][i] =
                urn__digamma(k + c) - urn__digamma(c) - log1p(m / c) + (m - k) / (m + c);
    }
}

static void draw(const urn_draw_call *call, int64_t row, urn_rng *rng)
{
    const double m = urn__argument(call, RATE, row), c = urn__argument(call, CONCENTRATION, row);
    call->x[row] = (double)NAN;
    if (!valid(m, c))
        return;
    const double rate = gsl_ran_gamma(urn_rng_gsl(rng), c, 1.0) * (m / c);
    const urn_draw_call one = {.n = 1, .dim = 1, .event = 1, .param = {&rate}, .x = call->x + row};
    urn_family_poisson()->draw(&one, 0, rng);
}

static void mean(const urn_draw_call *call)
{
    for (int64_t i = 0; i < call->n; i++)
        call->out[i] = urn__argument(call, RATE, i);
}

static void variance(const urn_draw_call *call)
{
    for (int64_t i = 0; i < call->n; i++) {
        const double m = urn__argument(call, RATE, i);
        call->out[i] = m + m * (m / urn__argument(call, CONCENTRATION, i));
    }
}

static double cdf_at(const double *param, double k)
{
    const double m = param[RATE], c = param[CONCENTRATION];
    return k < 0.0 ? 0.0 : urn__beta_p(c, floor(k) + 1.0, c / (m + c));
}

static void cdf(const urn_draw_call *call)
{
    for (int64_t i = 0; i < call->n; i++) {
        const double param[] = {urn__argument(call, RATE, i),
                                urn__argument(call, CONCENTRATION, i)};
        call->out[i] = cdf_at(param, call->x[i]);
    }
}

static void quantiles(const urn_draw_call *call, double p, double *out)
{
    for (int64_t i = 0; i < call->n; i++) {
        const double param[] = {urn__argument(call, RATE, i),
                                urn__argument(call, CONCENTRATION, i)};
        out[i] = valid(param[RATE], param[CONCENTRATION])
                     ? urn__count_quantile(cdf_at, param, (double)INFINITY, p)
                     : (double)NAN;
    }
}

static void centre(const urn_draw_call *call)
{
    quantiles(call, 0.5, call->x);
}

static void quantile(const urn_draw_call *call)
{
    quantiles(call, call->p, call->out);
}

static const urn_family_alternative alternatives[] = {
    {"log_rate", "rate", URN_DOMAIN_REAL, urn_exp},
    {0},
};

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "neg_binomial_2",
    .support = urn_support_count,
    .params = {{"rate", 0, URN_DOMAIN_POSITIVE, 0}, {"concentration", 0, URN_DOMAIN_POSITIVE, 0}},
    .alternatives = alternatives,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
    .cdf = cdf,
    .quantile = quantile,
};

URN__FAMILY_DEFINE(neg_binomial_2, family)
