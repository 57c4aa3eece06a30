/* Multivariate Student's t of d elements, by a lower triangular L with scale matrix L L^T: with
 * L z = x - loc,
 *   log p = log Gamma((df + d) / 2) - log Gamma(df / 2) - d / 2 log(df pi) - sum_k log L_kk
 *           - (df + d) / 2 log(1 + z^T z / df). */
#include "density.h"
#include <gsl/gsl_randist.h>
#include <urn/ops.h>

enum { DF, LOC, SCALE_TRIL };

static int64_t scratch_doubles(int64_t n, int64_t dim)
{
    (void)n;
    return 2 * dim;
}

/* The terms in df and d alone, by half steps, each of which keeps its digits at large df. */
static double df_terms(double df, int64_t d)
{
    double sum = -0.5 * (double)d * (log(df) + URN__LOG_PI);
    for (int64_t k = 0; k < d; k++)
        sum += urn__log_gamma_half_step(0.5 * (df + (double)k));
    return df > 0.0 ? sum : (double)NAN;
}

/* z = L^-1 (x - loc); returns the sum of log L_kk, NaN unless these are positive. */
static double solve(int64_t d, const double *l, const double *x, const double *loc, double *z)
{
    double sum = 0.0;
    for (int64_t i = 0; i < d; i++) {
        double left = x[i] - loc[i];
        for (int64_t k = 0; k < i; k++)
            left -= l[i * d + k] * z[k];
        z[i] = left / l[i * d + i];
        sum += l[i * d + i] > 0.0 ? log(l[i * d + i]) : (double)NAN;
    }
    return sum;
}

/* g = L^-T z */
static void solve_transposed(int64_t d, const double *l, const double *z, double *g)
{
    for (int64_t i = d - 1; i >= 0; i--) {
        double left = z[i];
        for (int64_t k = i + 1; k < d; k++)
            left -= l[k * d + i] * g[k];
        g[i] = left / l[i * d + i];
    }
}

/* A partial whose rows share one is added to, else written. */
static void put(double *to, int64_t stride, double value)
{
    *to = (stride == 0 ? *to : 0.0) + value;
}

static void put_vector(double *to, int64_t stride, int64_t row, int64_t d, double factor,
                       const double *v)
{
    for (int64_t k = 0; to != NULL && k < d; k++)
        put(to + row * stride + k, stride, factor * v[k]);
}

static void put_tril(double *to, int64_t stride, int64_t row, int64_t d, const double *l,
                     double weight, const double *g, const double *z)
{
    for (int64_t i = 0; to != NULL && i < d; i++)
        for (int64_t k = 0; k < d; k++) {
            const double own = i == k ? 1.0 / l[i * d + i] : 0.0;
            put(to + row * stride + i * d + k, stride, k > i ? 0.0 : weight * g[i] * z[k] - own);
        }
}

static void log_density(const urn_density_call *c)
{
    const int64_t d = c->dim;
    double *z = c->scratch, *g = z + d;
    for (int64_t i = 0; i < c->n; i++) {
        const double df = c->param[DF][i * c->stride[DF]];
        const double *loc = c->param[LOC] + i * c->stride[LOC];
        const double *l = c->param[SCALE_TRIL] + i * c->stride[SCALE_TRIL];
        const double log_det = solve(d, l, c->x + i * c->x_stride, loc, z);
        const double dims = (double)d;
        double square = 0.0;
        for (int64_t k = 0; k < d; k++)
            square += z[k] * z[k];
        const double logarithm = log1p(square / df), weight = (df + dims) / (df + square);
        c->log_density[i] = df_terms(df, d) - log_det - 0.5 * (df + dims) * logarithm;
        solve_transposed(d, l, z, g);
        put_vector(c->d_x, c->x_stride, i, d, -weight, g);
        put_vector(c->d_param[LOC], c->stride[LOC], i, d, weight, g);
        put_tril(c->d_param[SCALE_TRIL], c->stride[SCALE_TRIL], i, d, l, weight, g, z);
        if (c->d_param[DF] != NULL)
            put(c->d_param[DF] + i * c->stride[DF], c->stride[DF],
                0.5 * (urn__digamma(0.5 * (df + dims)) - urn__digamma(0.5 * df) - dims / df -
                       logarithm + weight * square / df));
    }
}

static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const int64_t d = c->dim;
    const double df = urn__argument(c, DF, row);
    const double *loc = c->param[LOC] + row * c->stride[LOC];
    const double *l = c->param[SCALE_TRIL] + row * c->stride[SCALE_TRIL];
    double *x = c->x + row * d, *z = c->scratch;
    bool valid = df > 0.0 && df < (double)INFINITY;
    for (int64_t k = 0; k < d; k++) {
        valid = valid && l[k * d + k] > 0.0;
        z[k] = urn_rng_normal(rng);
    }
    const double chi = valid ? gsl_ran_gamma(urn_rng_gsl(rng), 0.5 * df, 2.0 / df) : (double)NAN;
    for (int64_t i = 0; i < d; i++) {
        double sum = 0.0;
        for (int64_t k = 0; k <= i; k++)
            sum += l[i * d + k] * z[k];
        x[i] = loc[i] + sum / sqrt(chi);
    }
}

static void centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        memcpy(c->x + i * c->dim, c->param[LOC] + i * c->stride[LOC],
               (size_t)c->dim * sizeof(double));
}

/* Undefined up to df 1; the variance is infinite between 1 and 2. */
static void mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        for (int64_t k = 0; k < c->dim; k++)
            c->out[i * c->dim + k] =
                urn__argument(c, DF, i) > 1.0 ? c->param[LOC][i * c->stride[LOC] + k] : (double)NAN;
}

static void variance(const urn_draw_call *c)
{
    const int64_t d = c->dim;
    for (int64_t i = 0; i < c->n; i++) {
        const double df = urn__argument(c, DF, i);
        const double heavy = df > 1.0 ? (double)INFINITY : (double)NAN;
        const double *l = c->param[SCALE_TRIL] + i * c->stride[SCALE_TRIL];
        for (int64_t k = 0; k < d; k++) {
            double sum = 0.0;
            for (int64_t j = 0; j <= k; j++)
                sum += l[k * d + j] * l[k * d + j];
            c->out[i * d + k] = df > 2.0 ? sum * (df / (df - 2.0)) : heavy;
        }
    }
}

static const urn_family_alternative alternatives[] = {
    {"scale", "scale_tril", URN_DOMAIN_POSITIVE_DEFINITE, urn_cholesky},
    {0},
};

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "mvn_student_t",
    .support = urn_support_real,
    .event_rank = 1,
    .size_from = "loc",
    .params = {{"df", 0, URN_DOMAIN_POSITIVE, 0},
               {"loc", 1, URN_DOMAIN_REAL, 0},
               {"scale_tril", 2, URN_DOMAIN_TRIL, 0}},
    .alternatives = alternatives,
    .scratch_doubles = scratch_doubles,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
};

URN__FAMILY_DEFINE(mvn_student_t, family)
