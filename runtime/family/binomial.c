/* Binomial by total n and log odds l of a success, p = 1 / (1 + exp(-l)):
 *   log p(k) = log C(n, k) + k log p + (n - k) log(1 - p).
 * Where k and n - k are large this loses digits; it is then written, as beta's density is, with
 *   t1 = n p / k,  t2 = n (1 - p) / (n - k). */
#include "counts.h"
#include "logit.h"

enum { TOTAL, LOGITS };
#define LARGE 10.0

static double large(double n, double k, double p, double q)
{
    const double t1 = n / k * p, t2 = n / (n - k) * q;
    return k * (log(t1) - (t1 - 1.0)) + (n - k) * (log(t2) - (t2 - 1.0)) +
           0.5 * (log(n) - log(k) - log(n - k) - URN__LOG_2PI) + urn__stirling_error(n) -
           urn__stirling_error(k) - urn__stirling_error(n - k);
}

static double value_at(double n, double l, double k)
{
    if (!urn__is_count(n) || isnan(l) || isnan(k))
        return (double)NAN;
    if (!urn__is_count(k) || k > n)
        return (double)-INFINITY;
    const double p = urn__probability(l), q = urn__probability(-l);
    if (k >= LARGE && n - k >= LARGE && p > 0.0 && q > 0.0)
        return large(n, k, p, q);
    const double choices = -log(n + 1.0) - urn__log_beta(k + 1.0, n - k + 1.0);
    return choices + (k > 0.0 ? k * urn__log_probability(l) : 0.0) +
           (n > k ? (n - k) * urn__log_probability(-l) : 0.0);
}

static void log_density(const urn_density_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double n = c->param[TOTAL][i], l = c->param[LOGITS][i], k = c->x[i];
        c->log_density[i] = value_at(n, l, k);
        if (c->d_x != NULL)
            c->d_x[i] = 0.0;
        if (c->d_param[TOTAL] != NULL)
            c->d_param[TOTAL][i] = 0.0;
        if (c->d_param[LOGITS] != NULL)
            c->d_param[LOGITS][i] = k * urn__probability(-l) - (n - k) * urn__probability(l);
    }
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const double n = urn__argument(c, TOTAL, row), l = urn__argument(c, LOGITS, row);
    c->x[row] = (double)NAN;
    if (urn__is_count(n) && !isnan(l)) /* the rarer of the two is counted, with all its digits */
        c->x[row] = l < 0.0 ? urn__draw_binomial(rng, n, urn__probability(l))
                            : n - urn__draw_binomial(rng, n, urn__probability(-l));
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = urn__argument(c, TOTAL, i) * urn__probability(urn__argument(c, LOGITS, i));
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double l = urn__argument(c, LOGITS, i);
        c->out[i] = urn__argument(c, TOTAL, i) * urn__probability(l) * urn__probability(-l);
    }
}

static double cdf_at(const double *param, double k)
{
    const double n = param[TOTAL], at = floor(k);
    if (!urn__is_count(n) || isnan(k))
        return (double)NAN;
    if (at < 0.0 || at >= n)
        return at < 0.0 ? 0.0 : 1.0;
    return urn__beta_p(n - at, at + 1.0, urn__probability(-param[LOGITS]));
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double param[] = {urn__argument(c, TOTAL, i), urn__argument(c, LOGITS, i)};
        c->out[i] = cdf_at(param, c->x[i]);
    }
}

static void quantiles(const urn_draw_call *c, double p, double *out)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double param[] = {urn__argument(c, TOTAL, i), urn__argument(c, LOGITS, i)};
        out[i] = urn__count_quantile(cdf_at, param, param[TOTAL], p);
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

static const urn_family_alternative alternatives[] = {
    {"probs", "logits", URN_DOMAIN_UNIT, urn__logit},
    {0},
};

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "binomial",
    .support = urn_support_count,
    .high_word = "total",
    .params = {{"total", 0, URN_DOMAIN_COUNT, 0}, {"logits", 0, URN_DOMAIN_REAL, 0}},
    .alternatives = alternatives,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
    .cdf = cdf,
    .quantile = quantile,
};

URN__FAMILY_DEFINE(binomial, family)
