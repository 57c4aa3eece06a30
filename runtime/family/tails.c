/* See tails.h. */
#include "tails.h"
#include "../tensor/normal_tail.h"
#include "special.h"

void urn__tails(const urn_density_call *c, bool upper, urn__tail *tail)
{
    for (int64_t i = 0; i < c->n; i++) {
        double param[URN_FAMILY_PARAMS] = {0}, d_param[URN_FAMILY_PARAMS] = {0}, d_x = 0.0;
        for (int k = 0; k < URN_FAMILY_PARAMS; k++)
            if (c->param[k] != NULL)
                param[k] = c->param[k][i * c->stride[k]];
        c->log_density[i] = tail(upper, c->x[i * c->x_stride], param, &d_x, d_param);
        if (c->d_x != NULL)
            c->d_x[i] = d_x;
        for (int k = 0; k < URN_FAMILY_PARAMS; k++)
            if (c->d_param[k] != NULL)
                c->d_param[k][i] = d_param[k];
    }
}

double urn__location_scale_tail(urn__standard_tail *standard, bool upper, double x,
                                const double *param, double *d_x, double *d_param)
{
    const double inverse = 1.0 / param[1], z = (x - param[0]) * inverse;
    double slope = 0.0;
    const double value = standard(upper, z, &slope);
    *d_x = slope * inverse;
    d_param[0] = -slope * inverse;
    d_param[1] = isfinite(z) ? -slope * inverse * z : 0.0;
    return param[1] > 0.0 ? value : (double)NAN;
}

double urn__normal_tail(bool upper, double z, double *slope)
{
    const double value = urn__log_normal_cdf_of(upper ? -z : z);
    const double density = -0.5 * z * z - URN__LOG_SQRT_2PI;
    *slope = isfinite(z) ? (upper ? -1.0 : 1.0) * exp(density - value) : 0.0;
    return value;
}

double urn__log1m_exp(double x)
{
    return x > -URN__LOG_2 ? log(-expm1(x)) : log1p(-exp(x));
}

double urn__other_tail(double value, double *factor)
{
    *factor = value < 0.0 ? -1.0 / expm1(-value) : 0.0;
    return urn__log1m_exp(value);
}

/* Sixth order: f(v + k h) - f(v - k h), k = 1, 2, 3, with these weights over 60 h. */
static const double difference_weight[] = {45.0, -9.0, 1.0};

static double log_gamma_tail(bool upper, double shape, double s)
{
    return log(upper ? urn__gamma_q(shape, s) : urn__gamma_p(shape, s));
}

double urn__gamma_tail(bool upper, double shape, double rate, double x, double *d_x,
                       double *d_shape, double *d_rate)
{
    *d_x = *d_shape = *d_rate = 0.0;
    if (!(shape > 0.0 && rate > 0.0))
        return NAN;
    if (x <= 0.0 || isinf(x))
        return upper == (x <= 0.0) ? 0.0 : -(double)INFINITY;
    const double s = rate * x, value = log_gamma_tail(upper, shape, s), h = 0.01 * shape;
    const double log_density = shape * log(s) - s - urn__log_gamma(shape); /* of log x */
    const double slope = (upper ? -1.0 : 1.0) * exp(log_density - value);
    *d_x = slope / x;
    *d_rate = slope / rate;
    for (int k = 1; k <= 3; k++)
        *d_shape +=
            difference_weight[k - 1] *
            (log_gamma_tail(upper, shape + k * h, s) - log_gamma_tail(upper, shape - k * h, s)) /
            (60.0 * h);
    return value;
}

/* ---- families without tails of their own ---- */

/* log F, or log(1 - F), at one row's numbers. */
static double log_from_cdf(const urn_family *family, bool upper, int64_t dim, double x,
                           const double *param, double *scratch)
{
    double out = NAN;
    urn_draw_call call = {
        .n = 1, .dim = dim, .event = 1, .x = &x, .out = &out, .scratch = scratch, .family = family};
    for (int k = 0; k < URN_FAMILY_PARAMS && family->params[k].word != NULL; k++) {
        call.param[k] = &param[k];
        call.stride[k] = 1;
    }
    family->cdf(&call);
    return upper ? log1p(-out) : log(out);
}

static double slope_in(const urn_family *family, bool upper, int64_t dim, double x, double *param,
                       int k, double *scratch)
{
    const double at = param[k], h = 0.01 * (fabs(at) > 0.1 ? fabs(at) : 0.1);
    double sum = 0.0;
    for (int j = 1; j <= 3; j++) {
        param[k] = at + j * h;
        const double up = log_from_cdf(family, upper, dim, x, param, scratch);
        param[k] = at - j * h;
        sum +=
            difference_weight[j - 1] * (up - log_from_cdf(family, upper, dim, x, param, scratch));
    }
    param[k] = at;
    return sum / (60.0 * h);
}

static void numeric_row(const urn_family *family, bool upper, const urn_density_call *c, int64_t i)
{
    double param[URN_FAMILY_PARAMS] = {0}, x = c->x[i * c->x_stride];
    for (int k = 0; k < URN_FAMILY_PARAMS; k++)
        if (c->param[k] != NULL)
            param[k] = c->param[k][i * c->stride[k]];
    const double value = log_from_cdf(family, upper, c->dim, x, param, c->scratch);
    c->log_density[i] = value;
    for (int k = 0; k < URN_FAMILY_PARAMS; k++)
        if (c->d_param[k] != NULL)
            c->d_param[k][i] = family->params[k].domain == URN_DOMAIN_COUNT
                                   ? 0.0
                                   : slope_in(family, upper, c->dim, x, param, k, c->scratch);
    if (c->d_x == NULL)
        return;
    double log_density = NAN;
    urn_density_call one = {.n = 1,
                            .dim = c->dim,
                            .event = 1,
                            .x = &x,
                            .x_stride = 1,
                            .log_density = &log_density,
                            .scratch = c->scratch,
                            .family = family};
    for (int k = 0; k < URN_FAMILY_PARAMS; k++)
        if (c->param[k] != NULL) {
            one.param[k] = &param[k];
            one.stride[k] = 1;
        }
    family->log_density(&one);
    c->d_x[i] = (upper ? -1.0 : 1.0) * exp(log_density - value);
}

void urn__log_tail(const urn_family *family, bool upper, const urn_density_call *c)
{
    urn_density_call call = *c;
    call.family = family;
    if (URN__FAMILY_HAS(family, log_cdf) && URN__FAMILY_HAS(family, log_survival)) {
        (upper ? family->log_survival : family->log_cdf)(&call);
        return;
    }
    for (int64_t i = 0; i < c->n; i++)
        numeric_row(family, upper, c, i);
}

int64_t urn__log_tail_scratch(const urn_family *family, int64_t n, int64_t dim)
{
    return urn__family_scratch(family, n > 1 ? n : 1, dim);
}
