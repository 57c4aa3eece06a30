/* Bernoulli by log odds l: P(1) = 1 / (1 + exp(-l)), P(0) = 1 / (1 + exp(l)). */
#include "logit.h"

enum { LOGITS };

/* log p = -softplus(s), s = -l for x = 1 and l for x = 0; e = exp(-|l|) never overflows. */
static void rows(int64_t n, const real *restrict x, const real *restrict logits,
                 real *restrict log_density, real *restrict d_logits)
{
    for (int64_t i = 0; i < n; i++) {
        const real l = logits[i];
        const real s = x[i] == 1 ? -l : l;
        const real e = urn__exp_real(-urn__fabs_real(l));
        const real value = -((s > 0 ? s : 0) + urn__log1p_real(e));
        const real outside = l == l ? -INFINITE : NOT_A_NUMBER;
        log_density[i] = ((x[i] == 1) | (x[i] == 0)) ? value : outside;
        d_logits[i] = x[i] - (l >= 0 ? 1 : e) / (1 + e);
    }
}

static void log_density(const urn__density_call_real *c)
{
    rows(c->n, c->x, c->param[LOGITS], c->log_density, urn__partial(c, c->d_param[LOGITS], 0));
    if (c->d_x != NULL)
        memset(c->d_x, 0, (size_t)c->n * sizeof *c->d_x);
}

URN__DENSITY_DEFINE(bernoulli, log_density)

#ifndef URN_SINGLE

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)dim;
    return n;
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const double p = urn__probability(urn__argument(c, LOGITS, row));
    const double u = urn_rng_uniform(rng);
    c->x[row] = isnan(p) ? (double)NAN : u < p ? 1.0 : 0.0;
}

static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->x[i] = urn__argument(c, LOGITS, i) > 0.0 ? 1.0 : 0.0;
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = urn__probability(urn__argument(c, LOGITS, i));
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double l = urn__argument(c, LOGITS, i);
        c->out[i] = urn__probability(l) * urn__probability(-l);
    }
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double below = urn__probability(-urn__argument(c, LOGITS, i));
        c->out[i] = c->x[i] < 0.0 ? 0.0 : c->x[i] < 1.0 ? below : 1.0;
    }
}

static void quantile(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = c->p <= urn__probability(-urn__argument(c, LOGITS, i)) ? 0.0 : 1.0;
}

static const urn_family_alternative alternatives[] = {
    {"probs", "logits", URN_DOMAIN_UNIT, urn__logit},
    {0},
};

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "bernoulli",
    .support = urn_support_boolean,
    .params = {{"logits", 0, URN_DOMAIN_REAL, 0}},
    .alternatives = alternatives,
    .scratch_doubles = scratch_doubles,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
    .cdf = cdf,
    .quantile = quantile,
};

URN__FAMILY_DEFINE(bernoulli, family)

#endif
