/* Censoring: a value at or beyond a limit is only known to be there. It counts by the base's
 * probability from the limit on, others by their density. Drawn values are moved to the limit. */
#include "made.h"
#include "tails.h"

typedef struct limits {
    int n; /* parameters of the base */
    const double *below, *above;
} limits;

static limits limits_of(const urn_density_call *c)
{
    const int n = urn__param_count(c->family->base);
    return (limits){.n = n, .below = c->param[n], .above = c->param[n + 1]};
}

static int64_t scratch_of(const urn_family *family, int64_t n, int64_t dim)
{
    (void)dim;
    const int64_t tail = urn__log_tail_scratch(family->base, n > 1 ? n : 1, 1);
    return (tail + 7) / 8 * 8 + n;
}

/* One censored row: the tail beyond its limit in place of the density. */
static void settle_row(const urn_density_call *c, const limits *l, int64_t i, bool is_above)
{
    const urn_family *base = c->family->base;
    const bool discrete = base->support()->discrete;
    const double *limit = is_above ? l->above : l->below;
    double x = limit[i], value = NAN, d_x = 0.0, d_param[URN_FAMILY_PARAMS] = {0};
    if (discrete) /* the limit itself is beyond the limit */
        x = is_above ? ceil(x) - 1.0 : floor(x);
    urn_density_call one = {.n = 1,
                            .dim = 1,
                            .event = 1,
                            .x = &x,
                            .x_stride = 1,
                            .log_density = &value,
                            .d_x = &d_x,
                            .scratch = c->scratch};
    for (int k = 0; k < l->n; k++) {
        if (c->param[k] == NULL)
            continue;
        one.param[k] = c->param[k] + i * c->stride[k];
        one.stride[k] = 1;
        one.d_param[k] = c->d_param[k] != NULL ? &d_param[k] : NULL;
    }
    urn__log_tail(base, is_above, &one);
    c->log_density[i] = value;
    if (c->d_x != NULL)
        c->d_x[i] = 0.0;
    for (int k = 0; k < l->n; k++)
        if (c->d_param[k] != NULL)
            c->d_param[k][i] = d_param[k];
    double *d_limit = c->d_param[is_above ? l->n + 1 : l->n];
    if (d_limit != NULL)
        d_limit[i] = discrete ? 0.0 : d_x;
}

static void log_density(const urn_density_call *c)
{
    const limits l = limits_of(c);
    urn_density_call inner = *c;
    inner.family = c->family->base;
    for (int k = l.n; k < l.n + 2; k++) {
        inner.param[k] = NULL;
        inner.d_param[k] = NULL;
        for (int64_t i = 0; c->d_param[k] != NULL && i < c->n; i++)
            c->d_param[k][i] = 0.0;
    }
    inner.family->log_density(&inner);
    for (int64_t i = 0; i < c->n; i++) {
        const double x = c->x[i];
        if (l.above != NULL && x >= l.above[i])
            settle_row(c, &l, i, true);
        else if (l.below != NULL && x <= l.below[i])
            settle_row(c, &l, i, false);
    }
}

/* ---- draws and summaries ---- */

typedef struct censored_row {
    urn_draw_call base;
    const double *below, *above;
    double x, out;
} censored_row;

static void find_row(const urn_draw_call *c, int64_t i, censored_row *r)
{
    const int n = urn__param_count(c->family->base);
    r->base = urn__row_of(c, i, &r->x, &r->out);
    r->below = c->param[n] == NULL ? NULL : c->param[n] + i * c->stride[n];
    r->above = c->param[n + 1] == NULL ? NULL : c->param[n + 1] + i * c->stride[n + 1];
}

static double within(const censored_row *r, double x)
{
    x = r->below != NULL && x < *r->below ? *r->below : x;
    return r->above != NULL && x > *r->above ? *r->above : x;
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    censored_row r;
    find_row(c, row, &r);
    r.base.family->draw(&r.base, 0, rng);
    c->x[row] = within(&r, r.x);
}

static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        censored_row r;
        find_row(c, i, &r);
        r.base.family->centre(&r.base);
        c->x[i] = within(&r, r.x);
    }
}

static void quantile(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        censored_row r;
        find_row(c, i, &r);
        c->out[i] = within(&r, urn__row_quantile(&r.base, c->p));
    }
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        censored_row r;
        find_row(c, i, &r);
        const bool under = r.below != NULL && c->x[i] < *r.below;
        const bool over = r.above != NULL && c->x[i] >= *r.above;
        c->out[i] = under ? 0.0 : over ? 1.0 : urn__row_cdf(&r.base, c->x[i]);
    }
}

static double base_quantile(const void *context, double p)
{
    const censored_row *r = context;
    return urn__row_quantile(&r->base, p);
}

/* What lies at the limits, and the smooth piece between them. */
static double moment(const censored_row *r, int power)
{
    const double from = r->below == NULL ? 0.0 : urn__row_cdf(&r->base, *r->below);
    const double to = r->above == NULL ? 1.0 : urn__row_cdf(&r->base, *r->above);
    const double low = r->below == NULL ? 0.0 : pow(*r->below, power);
    const double high = r->above == NULL ? 0.0 : pow(*r->above, power);
    const double between =
        to > from ? urn__quantile_moment(base_quantile, r, from, to, power) : 0.0;
    return from * low + between + (1.0 - to) * high;
}

static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        censored_row r;
        find_row(c, i, &r);
        c->out[i] = moment(&r, 1);
    }
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        censored_row r;
        find_row(c, i, &r);
        const double first = moment(&r, 1);
        c->out[i] = moment(&r, 2) - first * first;
    }
}

const char *urn__make_censored(urn__made *made, const urn_family *base, bool observed)
{
    const int n = urn__param_count(base);
    const char *why = urn__make_of(made, base, "censored", 2);
    urn_family *f = &made->family;
    if (why != NULL)
        return why;
    if (!observed)
        return "a latent value cannot be censored: nothing of it was seen; observe what was";
    if (base->cdf == NULL)
        return "the family has no distribution function to censor with";
    if (base->support() == urn_support_angle())
        return "an angle has no order to be censored by";
    f->params[n] = (urn_family_param){"censor_below", 0, URN_DOMAIN_REAL, -1};
    f->params[n + 1] = (urn_family_param){"censor_above", 0, URN_DOMAIN_REAL, -1};
    f->scratch_of = scratch_of;
    f->log_density = log_density;
    f->draw = base->draw != NULL ? draw : NULL;
    f->centre = base->centre != NULL ? centre : NULL;
    f->cdf = cdf;
    f->quantile = base->quantile != NULL ? quantile : NULL;
    if (base->quantile == NULL || base->support()->discrete)
        return NULL;
    f->mean = mean;
    f->variance = variance;
    return NULL;
}
