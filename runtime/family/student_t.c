/* Student's t: density Gamma((df + 1) / 2) / (Gamma(df / 2) sqrt(df pi) scale)
 * (1 + z^2 / df)^(-(df + 1) / 2), z = (x - loc) / scale. */
#include "density.h"
#include <gsl/gsl_randist.h>

enum { DF, LOC, SCALE };

/* The terms in df alone and their derivative; rows often share one df. */
static void df_terms(int64_t n, const real *df, real *term, real *d_term)
{
    double last = NAN, of_last = NAN, d_of_last = NAN;
    for (int64_t i = 0; i < n; i++) {
        if ((double)df[i] != last) {
            last = (double)df[i];
            const double h = 0.5 * last;
            of_last = last > 0.0 ? urn__log_gamma_half_step(h) - 0.5 * (log(last) + URN__LOG_PI)
                                 : (double)NAN;
            d_of_last = 0.5 * (urn__digamma(h + 0.5) - urn__digamma(h) - 1.0 / last);
        }
        term[i] = (real)of_last;
        d_term[i] = (real)d_of_last;
    }
}

static void rows(int64_t n, const real *restrict x, const real *restrict df,
                 const real *restrict loc, const real *restrict scale, const real *restrict term,
                 const real *restrict d_term, real *restrict log_density, real *restrict d_x,
                 real *restrict d_df, real *restrict d_loc, real *restrict d_scale)
{
    for (int64_t i = 0; i < n; i++) {
        const real inverse = 1 / scale[i], half = (real)0.5;
        const real z = (x[i] - loc[i]) * inverse;
        const real square = z * z, logarithm = urn__log1p_real(square / df[i]);
        const real value = term[i] - urn__log_real(scale[i]) - half * (df[i] + 1) * logarithm;
        const real weight = (df[i] + 1) / (df[i] + square);
        log_density[i] = scale[i] > 0 ? value : NOT_A_NUMBER;
        d_x[i] = -weight * z * inverse;
        d_df[i] = d_term[i] - half * logarithm + half * weight * square / df[i];
        d_loc[i] = weight * z * inverse;
        d_scale[i] = (weight * square - 1) * inverse;
    }
}

static void log_density(const urn__density_call_real *c)
{
    real *term = c->scratch + 4 * c->n, *d_term = term + c->n;
    df_terms(c->n, c->param[DF], term, d_term);
    rows(c->n, c->x, c->param[DF], c->param[LOC], c->param[SCALE], term, d_term, c->log_density,
         urn__partial(c, c->d_x, 0), urn__partial(c, c->d_param[DF], 1),
         urn__partial(c, c->d_param[LOC], 2), urn__partial(c, c->d_param[SCALE], 3));
}

URN__DENSITY_DEFINE(student_t, log_density)

#ifndef URN_SINGLE

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)dim;
    return 6 * n;
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const double df = urn__argument(c, DF, row), scale = urn__argument(c, SCALE, row);
    c->x[row] = (double)NAN;
    if (!(df > 0.0 && df < (double)INFINITY && scale > 0.0))
        return;
    const double z = urn_rng_normal(rng);
    const double chi = gsl_ran_gamma(urn_rng_gsl(rng), 0.5 * df, 2.0 / df);
    c->x[row] = urn__argument(c, LOC, row) + scale * z / sqrt(chi);
}

static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->x[i] = urn__argument(c, LOC, i);
}

/* Undefined up to df 1; the variance is infinite between 1 and 2. */
static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = urn__argument(c, DF, i) > 1.0 ? urn__argument(c, LOC, i) : (double)NAN;
}

static void variance(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double df = urn__argument(c, DF, i), scale = urn__argument(c, SCALE, i);
        const double heavy = df > 1.0 ? (double)INFINITY : (double)NAN;
        c->out[i] = df > 2.0 ? scale * scale * df / (df - 2.0) : heavy;
    }
}

static void cdf(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = urn__student_cdf(urn__argument(c, DF, i), (c->x[i] - urn__argument(c, LOC, i)) /
                                                                  urn__argument(c, SCALE, i));
}

/* Rows that share a df share the search. */
static void quantile(const urn_draw_call *c)
{
    double last = NAN, unit = NAN;
    for (int64_t i = 0; i < c->n; i++) {
        const double df = urn__argument(c, DF, i);
        if (df != last)
            unit = urn__student_quantile(df, c->p);
        last = df;
        c->out[i] = urn__argument(c, LOC, i) + urn__argument(c, SCALE, i) * unit;
    }
}

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "student_t",
    .support = urn_support_real,
    .params = {{"df", 0, URN_DOMAIN_POSITIVE, 0},
               {"loc", 0, URN_DOMAIN_REAL, 0},
               {"scale", 0, URN_DOMAIN_POSITIVE, 0}},
    .scratch_doubles = scratch_doubles,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
    .cdf = cdf,
    .quantile = quantile,
};

URN__FAMILY_DEFINE(student_t, family)

#endif
