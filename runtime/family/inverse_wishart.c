/* Inverse Wishart with df > d - 1 and scale matrix Psi = L L^T: X^-1 is Wishart(df, Psi^-1), so
 *   log p = df / 2 log |Psi| - (df + d + 1) / 2 log |X| - tr(Psi X^-1) / 2 - df d / 2 log 2
 *           - log Gamma_d(df / 2).
 * With X = C C^T, tr(Psi X^-1) is the squared length of C^-1 L. */
#include "wishart_terms.h"
#include <urn/ops.h>

/* Partials of one row, added: `z` is C^-1 L and becomes X^-1 L; C is used up. */
static void add_partials(int64_t d, double df, const double *l, double *c, double *z, double *work,
                         double *d_x, double *d_l)
{
    urn__tri_solve(d, d, c, true, z);
    for (int64_t i = 0; d_l != NULL && i < d; i++) {
        for (int64_t j = 0; j <= i; j++)
            d_l[i * d + j] -= z[i * d + j];
        d_l[i * d + i] += df / l[i * d + i];
    }
    if (d_x == NULL)
        return;
    urn__identity(d, work);
    urn__tri_solve(d, d, c, false, work);
    const double power = 0.5 * (df + (double)d + 1.0);
    urn__gram(d, work, false, c);
    for (int64_t e = 0; e < d * d; e++)
        d_x[e] -= power * c[e];
    urn__gram(d, z, true, c);
    for (int64_t e = 0; e < d * d; e++)
        d_x[e] += 0.5 * c[e];
}

static void distance(int64_t d, const double *l, const double *c, double *z)
{
    for (int64_t i = 0; i < d; i++) /* what is above the diagonal of L does not count */
        for (int64_t j = 0; j < d; j++)
            z[i * d + j] = j <= i ? l[i * d + j] : 0.0;
    urn__tri_solve(d, d, c, false, z);
}

static double row_density(int64_t d, double df, const double *l, const double *x, double *scratch,
                          double *d_df, double *d_x, double *d_l)
{
    static const urn__wishart inverse = {-1.0, distance, add_partials};
    return urn__wishart_row(&inverse, d, df, l, x, scratch, d_df, d_x, d_l);
}

static void log_density(const urn_density_call *c)
{
    urn__matrix_rows(c, DF, SCALE_TRIL, row_density);
}

/* X^-1 = (L^-T A) (L^-T A)^T for Bartlett's A, so X = M^T M with M = A^-1 L^T. */
static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const int64_t d = c->dim;
    const double df = urn__argument(c, DF, row);
    const double *l = c->param[SCALE_TRIL] + row * c->stride[SCALE_TRIL];
    double *a = c->scratch, *m = a + d * d, *x = c->x + row * d * d;
    urn__fill_nan(d * d, x);
    if (!urn__wishart_proper(d, df, l))
        return;
    urn__draw_bartlett(d, df, rng, a);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            m[i * d + j] = i <= j ? l[j * d + i] : 0.0;
    urn__tri_solve(d, d, a, false, m);
    urn__gram(d, m, false, x);
}

/* Psi over `by` of the row's df. */
static void scaled(const urn_draw_call *c, double less, double *out)
{
    const int64_t d = c->dim;
    for (int64_t i = 0; i < c->n; i++) {
        const double by = urn__argument(c, DF, i) - less;
        urn__gram(d, c->param[SCALE_TRIL] + i * c->stride[SCALE_TRIL], true, out + i * d * d);
        for (int64_t e = 0; e < d * d; e++)
            out[i * d * d + e] = by > 0.0 ? out[i * d * d + e] / by : (double)NAN;
    }
}

/* The inverse of the mean of X^-1, which always exists. */
static void centre(const urn_draw_call *c)
{
    scaled(c, 0.0, c->x);
}

/* Up to df = d + 1 there is no mean. */
static void mean(const urn_draw_call *c)
{
    scaled(c, (double)c->dim + 1.0, c->out);
}

/* Up to df = d + 3 there is no variance. */
static void variance(const urn_draw_call *c)
{
    const int64_t d = c->dim;
    double *p = c->scratch;
    for (int64_t i = 0; i < c->n; i++) {
        const double a = urn__argument(c, DF, i) - (double)d;
        const double by = a * (a - 1.0) * (a - 1.0) * (a - 3.0);
        urn__gram(d, c->param[SCALE_TRIL] + i * c->stride[SCALE_TRIL], true, p);
        for (int64_t j = 0; j < d; j++)
            for (int64_t k = 0; k < d; k++) {
                const double off = p[j * d + k], both = p[j * d + j] * p[k * d + k];
                c->out[(i * d + j) * d + k] =
                    a > 3.0 ? ((a + 1.0) * off * off + (a - 1.0) * both) / by : (double)NAN;
            }
    }
}

static const urn_family_alternative alternatives[] = {
    {"scale", "scale_tril", URN_DOMAIN_POSITIVE_DEFINITE, urn_cholesky},
    {0},
};

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "inverse_wishart",
    .support = urn_support_positive_definite,
    .event_rank = 2,
    .size_from = "scale_tril",
    .params = {{"df", 0, URN_DOMAIN_ABOVE_SIDE, 0}, {"scale_tril", 2, URN_DOMAIN_TRIL, 0}},
    .alternatives = alternatives,
    .scratch_doubles = urn__wishart_scratch,
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
    .mean = mean,
    .variance = variance,
};

URN__FAMILY_DEFINE(inverse_wishart, family)
