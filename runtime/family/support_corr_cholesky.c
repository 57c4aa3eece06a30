/* Cholesky factors of correlation matrices, d x d, lower triangular with rows of length 1.
 * Canonical partial correlations z_ij = tanh(f_ij), j < i, row by row in row-major order, break
 * each row's length like a stick (Lewandowski, Kurowicka and Joe 2009): L_ij = z_ij p_ij,  L_ii =
 * p_ii,  p_ij = prod_{k < j} sqrt(1 - z_ik^2), log |J| = sum_{j < i} (1 + (i - 1 - j) / 2) log(1 -
 * z_ij^2). sqrt(1 - z^2) = 1 / cosh(f) is computed as such, without cancellation. */
#include "family.h"
#include "outside.h"

static int64_t free_size(int64_t dim, int64_t value_size)
{
    (void)value_size;
    return dim * (dim - 1) / 2;
}

/* 1 / cosh(f); no overflow. */
static double sech(double f)
{
    const double e = exp(-fabs(f));
    return 2.0 * e / (1.0 + e * e);
}

static double log_sech(double f)
{
    return URN__LOG_2 - fabs(f) - log1p(exp(-2.0 * fabs(f)));
}

/* How often log(1 - z_ij^2) counts in the log-Jacobian. */
static double weight(int64_t i, int64_t j)
{
    return 1.0 + 0.5 * (double)(i - 1 - j);
}

static void constrain(const urn_bijection_call *c)
{
    const int64_t d = c->dim;
    memset(c->value, 0, (size_t)(c->n * d * d) * sizeof(double));
    for (int64_t r = 0; r < c->n; r++) {
        const double *f = c->free + r * c->free_size;
        double sum = 0.0;
        for (int64_t i = 0; i < d; i++) {
            double *l = c->value + (r * d + i) * d, left = 1.0;
            for (int64_t j = 0; j < i; j++) {
                l[j] = tanh(f[j]) * left;
                left *= sech(f[j]);
                if (c->log_jacobian != NULL)
                    sum += 2.0 * weight(i, j) * log_sech(f[j]);
            }
            l[i] = left;
            f += i;
        }
        if (c->log_jacobian != NULL)
            c->log_jacobian[r] = sum;
    }
}

/* Row i: forwards the products p go to d_free, backwards they are replaced by the adjoints. */
static void row_vjp(int64_t i, const double *f, const double *d_l, double d_log_jacobian,
                    double *d_f)
{
    double left = 1.0;
    for (int64_t j = 0; j < i; j++) {
        d_f[j] = left;
        left *= sech(f[j]);
    }
    double d_left = d_l[i]; /* adjoint of p_i,j+1 */
    for (int64_t j = i - 1; j >= 0; j--) {
        const double z = tanh(f[j]), s = sech(f[j]), p = d_f[j];
        d_f[j] = d_l[j] * p * s * s - d_left * p * s * z - 2.0 * weight(i, j) * z * d_log_jacobian;
        d_left = d_left * s + d_l[j] * z;
    }
}

static void constrain_vjp(const urn_bijection_call *c)
{
    const int64_t d = c->dim;
    for (int64_t r = 0; r < c->n; r++)
        for (int64_t i = 1; i < d; i++) {
            const int64_t at = r * c->free_size + i * (i - 1) / 2;
            row_vjp(i, c->free + at, c->d_value + (r * d + i) * d, c->d_log_jacobian[r],
                    c->d_free + at);
        }
}

/* tan of the angle: z / sqrt(1 - z^2) = sinh(f) = L_ij / (length of what is right of j). */
static void unconstrain(const urn_bijection_call *c)
{
    const int64_t d = c->dim;
    for (int64_t r = 0; r < c->n; r++)
        for (int64_t i = 1; i < d; i++) {
            const double *l = c->value + (r * d + i) * d;
            double *f = c->free + r * c->free_size + i * (i - 1) / 2;
            double right = l[i];
            for (int64_t j = i - 1; j >= 0; j--) {
                f[j] = asinh(l[j] / right);
                right = hypot(right, l[j]);
            }
        }
}

static bool is_factor(int64_t d, const double *l)
{
    for (int64_t i = 0; i < d; i++) {
        double square = 0.0;
        for (int64_t j = 0; j <= i; j++)
            square += l[i * d + j] * l[i * d + j];
        for (int64_t j = i + 1; j < d; j++)
            if (l[i * d + j] != 0.0)
                return false;
        if (!(l[i * d + i] > 0.0 && fabs(square - 1.0) < 1e-6))
            return false;
    }
    return true;
}

static int64_t first_outside(const urn_bijection_call *c)
{
    for (int64_t r = 0; r < c->n; r++)
        if (!is_factor(c->dim, c->value + r * c->dim * c->dim))
            return r;
    return -1;
}

/* Rows of unit length, lower triangular, a positive diagonal. */
static void tell_outside(const urn_bijection_call *c, char *text, size_t size)
{
    const int64_t d = c->dim;
    for (int64_t i = 0; i < d; i++) {
        double square = 0.0;
        char what[64];
        for (int64_t j = 0; j < d; j++) {
            const double v = c->value[i * d + j];
            square += v * v;
            if (j < i || (j == i ? v > 0.0 : !(v > 0.0 || v < 0.0)))
                continue;
            (void)snprintf(text, size, "element %lld, %lld is %g %s", (long long)i, (long long)j,
                           urn__shown(v), j == i ? "on the diagonal" : "above the diagonal");
            return;
        }
        if (fabs(square - 1.0) < 1e-6)
            continue;
        (void)snprintf(what, sizeof what, "the length of the matrix's row %lld is", (long long)i);
        urn__tell_difference(what, sqrt(square), 1.0, text, size);
        return;
    }
}

static const urn_support support = {
    .bytes = sizeof(urn_support),
    .name = "corr_cholesky",
    .free_size = free_size,
    .constrain = constrain,
    .constrain_vjp = constrain_vjp,
    .unconstrain = unconstrain,
    .first_outside = first_outside,
    .tell_outside = tell_outside,
};

const urn_support *urn_support_corr_cholesky(void)
{
    return &support;
}
