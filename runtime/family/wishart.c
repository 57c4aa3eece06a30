/* Wishart with df > d - 1 and scale matrix W = L L^T, mean df W: for d x d positive definite X
 *   log p = (df - d - 1) / 2 log |X| - tr(W^-1 X) / 2 - df d / 2 log 2 - df / 2 log |W|
 *           - log Gamma_d(df / 2).
 * With X = C C^T, tr(W^-1 X) is the squared length of L^-1 C. */
#include "wishart_terms.h"
#include <urn/ops.h>

/* Partials of one row, added: C in `c`, L^-1 C in `y`, both used up. */
static void add_partials(int64_t d, double df, const double *l, double *c, double *y, double *work,
                         double *d_x, double *d_l)
{
    if (d_l != NULL) { /* -df / L_kk, and the lower part of L^-T y y^T */
        urn__gram(d, y, true, work);
        urn__tri_solve(d, d, l, true, work);
        for (int64_t i = 0; i < d; i++) {
            for (int64_t j = 0; j <= i; j++)
                d_l[i * d + j] += work[i * d + j];
            d_l[i * d + i] -= df / l[i * d + i];
        }
    }
    if (d_x == NULL)
        return;
    urn__identity(d, work);
    urn__tri_solve(d, d, c, false, work); /* C^-1, L^-1 */
    urn__identity(d, y);
    urn__tri_solve(d, d, l, false, y);
    const double power = 0.5 * (df - (double)d - 1.0);
    urn__gram(d, work, false, c);
    for (int64_t e = 0; e < d * d; e++)
        d_x[e] += power * c[e];
    urn__gram(d, y, false, c);
    for (int64_t e = 0; e < d * d; e++)
        d_x[e] -= 0.5 * c[e];
}

static void distance(int64_t d, const double *l, const double *c, double *y)
{
    memcpy(y, c, (size_t)(d * d) * sizeof *y);
    urn__tri_solve(d, d, l, false, y);
}

static double row_density(int64_t d, double df, const double *l, const double *x, double *scratch,
                          double *d_df, double *d_x, double *d_l)
{
    static const urn__wishart plain = {1.0, distance, add_partials};
    return urn__wishart_row(&plain, d, df, l, x, scratch, d_df, d_x, d_l);
}

static void log_density(const urn_density_call *c)
{
    urn__matrix_rows(c, DF, SCALE_TRIL, row_density);
}

/* X = (L A) (L A)^T for Bartlett's A. */
static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const int64_t d = c->dim;
    const double df = urn__argument(c, DF, row);
    const double *l = c->param[SCALE_TRIL] + row * c->stride[SCALE_TRIL];
    double *a = c->scratch, *t = a + d * d, *x = c->x + row * d * d;
    urn__fill_nan(d * d, x);
    if (!urn__wishart_proper(d, df, l))
        return;
    urn__draw_bartlett(d, df, rng, a);
    urn__matmul(d, d, d, l, false, a, false, t, false);
    urn__gram(d, t, true, x);
}

static void mean_into(const urn_draw_call *c, double *out)
{
    const int64_t d = c->dim;
    for (int64_t i = 0; i < c->n; i++) {
        urn__gram(d, c->param[SCALE_TRIL] + i * c->stride[SCALE_TRIL], true, out + i * d * d);
        for (int64_t e = 0; e < d * d; e++)
            out[i * d * d + e] *= urn__argument(c, DF, i);
    }
}

static void mean(const urn_draw_call *c)
{
    mean_into(c, c->out);
}

static void centre(const urn_draw_call *c)
{
    mean_into(c, c->x);
}

/* df (W_ij^2 + W_ii W_jj) */
static void variance(const urn_draw_call *c)
{
    const int64_t d = c->dim;
    double *w = c->scratch;
    for (int64_t i = 0; i < c->n; i++) {
        urn__gram(d, c->param[SCALE_TRIL] + i * c->stride[SCALE_TRIL], true, w);
        for (int64_t j = 0; j < d; j++)
            for (int64_t k = 0; k < d; k++)
                c->out[(i * d + j) * d + k] =
                    urn__argument(c, DF, i) *
                    (w[j * d + k] * w[j * d + k] + w[j * d + j] * w[k * d + k]);
    }
}

static const urn_family_alternative alternatives[] = {
    {"scale", "scale_tril", URN_DOMAIN_POSITIVE_DEFINITE, urn_cholesky},
    {0},
};

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "wishart",
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

URN__FAMILY_DEFINE(wishart, family)
