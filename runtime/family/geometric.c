/* Geometric: failures before the first success, by log odds l of a success, p = 1 / (1 + exp(-l)):
 * log p(k) = log p + k log(1 - p). */
#include "counts.h"
#include "logit.h"

enum { LOGITS };

static void log_density(const urn_density_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double l = c->param[LOGITS][i], k = c->x[i];
        const double value =
            urn__log_probability(l) + (k > 0.0 ? k * urn__log_probability(-l) : 0.0);
        const double bad = isnan(l) || isnan(k) ? (double)NAN : (double)-INFINITY;
        c->log_density[i] = urn__is_count(k) && !isnan(l) ? value : bad;
        if (c->d_x != NULL)
            c->d_x[i] = 0.0;
        if (c->d_param[LOGITS] != NULL)
            c->d_param[LOGITS][i] = urn__probability(-l) - k * urn__probability(l);
    }
}

/* P(X >= k) = (1 - p)^k */
static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const double l = urn__argument(c, LOGITS, row);
    c->x[row] =
        isnan(l) ? (double)NAN : floor(log(urn_rng_uniform(rng)) / urn__log_probability(-l));
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = exp(-urn__argument(c, LOGITS, i));
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double odds = exp(-urn__argument(c, LOGITS, i));
        c->out[i] = odds * (1.0 + odds);
    }
}

static double cdf_at(const double *param, double k)
{
    return k < 0.0 ? 0.0 : -expm1((floor(k) + 1.0) * urn__log_probability(-param[LOGITS]));
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double l = urn__argument(c, LOGITS, i);
        c->out[i] = cdf_at(&l, c->x[i]);
    }
}

static void quantiles(const urn_draw_call *c, double p, double *out)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double l = urn__argument(c, LOGITS, i);
        out[i] = isnan(l) ? (double)NAN : urn__count_quantile(cdf_at, &l, (double)INFINITY, p);
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
    .name = "geometric",
    .support = urn_support_count,
    .params = {{"logits", 0, URN_DOMAIN_REAL, 0}},
    .alternatives = alternatives,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
    .cdf = cdf,
    .quantile = quantile,
};

URN__FAMILY_DEFINE(geometric, family)
