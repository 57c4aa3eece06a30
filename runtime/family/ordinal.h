/* Ordered categories cut out of a variable on the line: category k is where loc + noise lies
 * between cutpoints k - 1 and k. The file that includes this defines the noise: static double
 * log_between(double a, double b, double *d_a, double *d_b) log P(b < noise <= a), b < a, either
 * may be infinite, with its slopes static double below(double a)                P(noise <= a) */
#ifndef URN_FAMILY_ORDINAL_H
#define URN_FAMILY_ORDINAL_H

#include "density.h"

enum { LOC, CUTPOINTS };

/* One row: the log probability, and what is to be added to the partials of loc and cutpoints. */
typedef struct ordinal_row {
    double value, d_lower, d_upper; /* of the cutpoints below and above */
    int64_t category;               /* -1: none */
} ordinal_row;

static bool is_increasing(int64_t dim, const double *cut)
{
    for (int64_t k = 0; k < dim; k++)
        if (!(isfinite(cut[k]) && (k == 0 || cut[k] > cut[k - 1])))
            return false;
    return true;
}

static ordinal_row ordinal_at(int64_t dim, double x, double loc, const double *cut)
{
    ordinal_row r = {.value = -(double)INFINITY, .category = -1};
    if (!(x >= 0.0 && x <= (double)dim && x == floor(x))) {
        r.value = isnan(loc) || isnan(x) ? (double)NAN : r.value;
        return r;
    }
    r.category = (int64_t)x;
    const double a = r.category < dim ? cut[r.category] - loc : (double)INFINITY;
    const double b = r.category > 0 ? cut[r.category - 1] - loc : -(double)INFINITY;
    r.value = log_between(a, b, &r.d_upper, &r.d_lower);
    return r;
}

static void log_density(const urn_density_call *c)
{
    const int64_t dim = c->dim, stride = c->stride[CUTPOINTS];
    double *d_cut = c->d_param[CUTPOINTS];
    bool ordered = false;
    for (int64_t i = 0; i < c->n; i++) {
        const double *cut = c->param[CUTPOINTS] + i * stride;
        if (i == 0 || stride != 0)
            ordered = is_increasing(dim, cut);
        const ordinal_row r = ordinal_at(dim, c->x[i], c->param[LOC][i], cut);
        c->log_density[i] = ordered ? r.value : (double)NAN;
        if (c->d_x != NULL)
            c->d_x[i] = 0.0;
        if (c->d_param[LOC] != NULL)
            c->d_param[LOC][i] = -(r.d_lower + r.d_upper);
        if (d_cut == NULL)
            continue;
        for (int64_t k = 0; stride != 0 && k < dim; k++)
            d_cut[i * stride + k] = 0.0;
        if (r.category >= 0 && r.category < dim)
            d_cut[i * stride + r.category] += r.d_upper;
        if (r.category > 0)
            d_cut[i * stride + r.category - 1] += r.d_lower;
    }
}

/* P(category <= k) of a row. */
static double cumulative(const urn_draw_call *c, int64_t row, int64_t k)
{
    const double *cut = c->param[CUTPOINTS] + row * c->stride[CUTPOINTS];
    return k < 0 ? 0.0 : k >= c->dim ? 1.0 : below(cut[k] - urn__argument(c, LOC, row));
}

static double quantile_of(const urn_draw_call *c, int64_t row, double p)
{
    const double *cut = c->param[CUTPOINTS] + row * c->stride[CUTPOINTS];
    int64_t k = 0;
    if (!is_increasing(c->dim, cut) || !isfinite(urn__argument(c, LOC, row)))
        return NAN;
    while (k < c->dim && cumulative(c, row, k) < p)
        k++;
    return (double)k;
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    c->x[row] = quantile_of(c, row, urn_rng_uniform(rng));
}

static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->x[i] = quantile_of(c, i, 0.5);
}

static void quantile(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = quantile_of(c, i, c->p);
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double x = floor(c->x[i]);
        c->out[i] = x < 0.0 ? 0.0 : x >= (double)c->dim ? 1.0 : cumulative(c, i, (int64_t)x);
    }
}

/* The mean is the sum over k of P(category > k), the mean square that of (2 k + 1) times it. */
static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        double sum = 0.0;
        for (int64_t k = 0; k < c->dim; k++)
            sum += 1.0 - cumulative(c, i, k);
        c->out[i] = sum;
    }
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        double sum = 0.0, square = 0.0;
        for (int64_t k = 0; k < c->dim; k++) {
            sum += 1.0 - cumulative(c, i, k);
            square += (2.0 * (double)k + 1.0) * (1.0 - cumulative(c, i, k));
        }
        c->out[i] = square - sum * sum;
    }
}

#define ORDINAL_FAMILY(family_name)                                                                \
    {                                                                                              \
        .bytes = sizeof(urn_family), .name = #family_name, .support = urn_support_ordinal,         \
        .size_from = "cutpoints",                                                                  \
        .params = {{"loc", 0, URN_DOMAIN_REAL, 0}, {"cutpoints", 1, URN_DOMAIN_ORDERED, 0}},       \
        .log_density = log_density, .draw = draw, .centre = centre, .mean = mean,                  \
        .variance = variance, .cdf = cdf, .quantile = quantile,                                    \
    }

#endif
