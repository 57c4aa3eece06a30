/* Cholesky factor L of a correlation matrix R = L L^T with density of R proportional to
 * det(R)^(concentration - 1) (Lewandowski, Kurowicka and Joe 2009). Over L, counting k from 1 to d,
 *   log p(L) = sum_{k = 2..d} (d - k + 2 concentration - 2) log L_kk - log Z.
 * Row by row L's part below the diagonal lies in a ball with density (1 - |w|^2)^(b - 1), which
 * gives Z: log Z = sum_{i = 1..d-1} i log(pi) / 2 + log Gamma(b_i) - log Gamma(b_i + i / 2), b_i =
 * concentration + (d - 1 - i) / 2,  b_i + i / 2 = concentration + (d - 1) / 2. */
#include "density.h"
#include <gsl/gsl_randist.h>

enum { CONCENTRATION };

/* Rounding and finite differences may leave rows this far from length 1 (squared). */
#define UNIT_TOLERANCE 1e-3

typedef struct normaliser {
    double log_z, d_log_z;
} normaliser;

static normaliser normalise(int64_t d, double concentration)
{
    normaliser z = {0.0, 0.0};
    if (!(concentration > 0.0))
        return (normaliser){NAN, NAN};
    const double top = concentration + 0.5 * (double)(d - 1);
    const double top_gamma = urn__log_gamma(top), top_digamma = urn__digamma(top);
    for (int64_t i = 1; i < d; i++) {
        const double b = top - 0.5 * (double)i;
        z.log_z += 0.5 * (double)i * URN__LOG_PI + (urn__log_gamma(b) - top_gamma);
        z.d_log_z += urn__digamma(b) - top_digamma;
    }
    return z;
}

static bool is_factor(int64_t d, const double *l)
{
    for (int64_t i = 0; i < d; i++) {
        double square = 0.0, above = 0.0;
        for (int64_t j = 0; j <= i; j++)
            square += l[i * d + j] * l[i * d + j];
        for (int64_t j = i + 1; j < d; j++)
            above += fabs(l[i * d + j]);
        if (!(l[i * d + i] >= 0.0 && above == 0.0 && fabs(square - 1.0) < UNIT_TOLERANCE))
            return false;
    }
    return true;
}

/* One row of the call; returns the sum of log L_kk that d / d concentration needs. */
static double one(int64_t d, const double *l, double concentration, double *log_density,
                  double *d_l)
{
    double sum = 0.0, log_sum = 0.0;
    for (int64_t i = 1; i < d; i++) {
        const double power = (double)(d - 1 - i) + 2.0 * (concentration - 1.0);
        const double diagonal = l[i * d + i], logarithm = log(diagonal);
        sum += power == 0.0 ? 0.0 : power * logarithm;
        log_sum += logarithm;
        if (d_l != NULL)
            d_l[i * d + i] += power == 0.0 ? 0.0 : power / diagonal;
    }
    *log_density = sum;
    return log_sum;
}

static void log_density(const urn_density_call *c)
{
    const int64_t d = c->dim, stride = c->stride[CONCENTRATION];
    double last = NAN, *d_concentration = c->d_param[CONCENTRATION];
    normaliser z = {NAN, NAN};
    if (c->d_x != NULL && c->x_stride != 0)
        memset(c->d_x, 0, (size_t)(c->n * d * d) * sizeof(double));
    for (int64_t i = 0; i < c->n; i++) {
        const double concentration = c->param[CONCENTRATION][i * stride];
        const double *l = c->x + i * c->x_stride;
        if (concentration != last)
            z = normalise(d, concentration);
        last = concentration;
        double value = 0.0;
        double *d_l = c->d_x != NULL ? c->d_x + i * c->x_stride : NULL;
        const double log_sum = one(d, l, concentration, &value, d_l);
        const double outside = isnan(z.log_z) ? (double)NAN : (double)-INFINITY;
        c->log_density[i] = is_factor(d, l) ? value - z.log_z : outside;
        if (d_concentration == NULL)
            continue;
        const double slope = 2.0 * log_sum - z.d_log_z;
        if (stride == 0)
            d_concentration[0] += slope;
        else
            d_concentration[i] = slope;
    }
}

/* The onion method: row i has a squared length below the diagonal that is Beta(i / 2, b_i), and a
 * uniform direction. */
static void draw(const urn_draw_call *c, int64_t row, urn_rng *rng)
{
    const int64_t d = c->dim;
    double *l = c->x + row * d * d;
    const double concentration = urn__argument(c, CONCENTRATION, row);
    memset(l, 0, (size_t)(d * d) * sizeof(double));
    l[0] = concentration > 0.0 ? 1.0 : (double)NAN;
    if (!(concentration > 0.0 && concentration < (double)INFINITY))
        return;
    for (int64_t i = 1; i < d; i++) {
        double *w = l + i * d, length = 0.0;
        const double b = concentration + 0.5 * (double)(d - 1 - i);
        const double below = gsl_ran_gamma(urn_rng_gsl(rng), 0.5 * (double)i, 1.0);
        const double rest = gsl_ran_gamma(urn_rng_gsl(rng), b, 1.0);
        for (int64_t j = 0; j < i; j++) {
            w[j] = urn_rng_normal(rng);
            length += w[j] * w[j];
        }
        const double scale = sqrt(below / (below + rest) / length);
        for (int64_t j = 0; j < i; j++)
            w[j] *= scale;
        w[i] = sqrt(rest / (below + rest));
    }
}

/* The identity: independence. */
static void centre(const urn_draw_call *c)
{
    const int64_t d = c->dim;
    memset(c->x, 0, (size_t)(c->n * d * d) * sizeof(double));
    for (int64_t i = 0; i < c->n * d; i++)
        c->x[i * d + i % d] = 1.0;
}

static const urn_family family = {
    .bytes = sizeof(urn_family),
    .name = "lkj_cholesky",
    .support = urn_support_corr_cholesky,
    .event_rank = 2,
    .params = {{"concentration", 0, URN_DOMAIN_POSITIVE, 0}},
    .log_density = log_density,
    .draw = draw,
    .centre = centre,
};

URN__FAMILY_DEFINE(lkj_cholesky, family)
