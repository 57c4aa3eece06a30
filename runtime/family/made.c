#include "made.h"
#include <stdio.h>

int urn__param_count(const urn_family *family)
{
    int k = 0;
    while (k < URN_FAMILY_PARAMS && family->params[k].word != NULL)
        k++;
    return k;
}

bool urn__starts_at_zero(const urn_family *family)
{
    const urn_support *s = family->support();
    return s == urn_support_positive() || s == urn_support_non_negative() ||
           s == urn_support_boolean() || s == urn_support_count();
}

const char *urn__not_single(const urn_family *family)
{
    if (family->event_rank > 0 || family->size_from != NULL)
        return "it is for families of single numbers";
    for (int k = 0; k < urn__param_count(family); k++)
        if (family->params[k].event_rank > 0)
            return "it is for families whose parameters are single numbers";
    return NULL;
}

const char *urn__make_of(urn__made *made, const urn_family *base, const char *kind, int extra)
{
    const char *why = urn__not_single(base);
    return why != NULL ? why : urn__copy_of(made, base, kind, extra);
}

const char *urn__copy_of(urn__made *made, const urn_family *base, const char *kind, int extra)
{
    const int n = urn__param_count(base);
    if (URN__FAMILY_HAS(base, base))
        return "the family is made of another one already; say one thing at a time";
    if (n + extra > URN_FAMILY_PARAMS)
        return "the family has too many parameters of its own";
    memset(made, 0, sizeof *made);
    (void)snprintf(made->name, sizeof made->name, "%s %s", kind, base->name);
    urn_family *f = &made->family;
    f->bytes = sizeof *f;
    f->name = made->name;
    f->support = base->support;
    f->low_word = base->low_word;
    f->high_word = base->high_word;
    memcpy(f->params, base->params, (size_t)n * sizeof *f->params);
    for (int k = 0; k < URN__MADE_ALTERNATIVES - 2 && base->alternatives != NULL; k++) {
        if (base->alternatives[k].word == NULL)
            break;
        made->alternatives[k] = base->alternatives[k];
    }
    f->alternatives = made->alternatives;
    f->base = base;
    return NULL;
}

urn_draw_call urn__row_of(const urn_draw_call *c, int64_t i, double *x, double *out)
{
    urn_draw_call row = {.n = 1, .dim = 1, .event = 1, .x = x, .out = out, .scratch = c->scratch};
    row.family = c->family->base;
    for (int k = 0; k < urn__param_count(row.family); k++)
        if (c->param[k] != NULL) {
            row.param[k] = c->param[k] + i * c->stride[k];
            row.stride[k] = 1;
        }
    return row;
}

double urn__row_cdf(const urn_draw_call *row, double x)
{
    double out = NAN;
    urn_draw_call c = *row;
    c.x = &x;
    c.out = &out;
    row->family->cdf(&c);
    return out;
}

double urn__row_quantile(const urn_draw_call *row, double p)
{
    double out = NAN;
    urn_draw_call c = *row;
    c.p = p;
    c.out = &out;
    row->family->quantile(&c);
    return out;
}

/* p = from + (to - from) s(2 a sinh(t)), in steps of t; the weights die out before p meets the
 * ends, where quantiles may be infinite. */
double urn__quantile_moment(double (*quantile)(const void *context, double p), const void *context,
                            double from, double to, int power)
{
    const double half_pi = 1.5707963267948966192, step = 0.1;
    double sum = 0.0, weights = 0.0;
    for (int j = -29; j <= 29; j++) {
        const double t = step * j;
        const double u = half_pi * sinh(t), e = exp(-2.0 * fabs(u));
        const double share = (u < 0.0 ? e : 1.0) / (1.0 + e);
        const double weight = step * 2.0 * half_pi * cosh(t) * e / ((1.0 + e) * (1.0 + e));
        const double q = quantile(context, from + (to - from) * share);
        sum += weight * (power == 1 ? q : q * q);
        weights += weight;
    }
    return sum / weights * (to - from);
}
