/* Symmetric positive definite matrices X, d x d, by way of log-Cholesky coordinates: X = L L^T, L
 * lower triangular with L_ij = f_ij below the diagonal and L_ii = exp(f_ii); the f go row by row, i
 * from 0, diagonal included. Over the lower triangle of X (Gupta and Nagar 2000, theorem 1.3.9)
 *   log |J| = d log 2 + sum_i (d - i + 1) f_ii. */
#include "outside.h"
#include "positive_definite.h"

/* What rounding in a file may leave between X_ij and X_ji, relative to sqrt(X_ii X_jj). */
#define SYMMETRY 1e-6

static int64_t free_size(int64_t dim, int64_t value_size)
{
    (void)value_size;
    return dim * (dim + 1) / 2;
}

static int64_t row_start(int64_t i)
{
    return i * (i + 1) / 2;
}

static double factor_at(const double *f, int64_t i, int64_t j)
{
    const double v = f[row_start(i) + j];
    return i == j ? exp(v) : v;
}

static void constrain_row(int64_t d, const double *f, double *x, double *log_jacobian)
{
    double sum = (double)d * URN__LOG_2;
    for (int64_t i = 0; i < d; i++) {
        for (int64_t j = 0; j <= i; j++) {
            double dot = 0.0;
            for (int64_t k = 0; k < j; k++)
                dot += f[row_start(i) + k] * f[row_start(j) + k];
            dot += factor_at(f, i, j) * factor_at(f, j, j);
            x[i * d + j] = x[j * d + i] = dot;
        }
        sum += (double)(d - i + 1) * f[row_start(i) + i];
    }
    if (log_jacobian != NULL)
        *log_jacobian = sum;
}

static void constrain(const urn_bijection_call *c)
{
    for (int64_t r = 0; r < c->n; r++)
        constrain_row(c->dim, c->free + r * c->free_size, c->value + r * c->value_size,
                      c->log_jacobian != NULL ? c->log_jacobian + r : NULL);
}

/* dL = (G + G^T) L for the adjoint G of X. */
static void constrain_vjp(const urn_bijection_call *c)
{
    const int64_t d = c->dim;
    for (int64_t r = 0; r < c->n; r++) {
        const double *f = c->free + r * c->free_size, *g = c->d_value + r * c->value_size;
        double *d_f = c->d_free + r * c->free_size;
        for (int64_t i = 0; i < d; i++)
            for (int64_t j = 0; j <= i; j++) {
                double sum = 0.0;
                for (int64_t k = j; k < d; k++)
                    sum += (g[i * d + k] + g[k * d + i]) * factor_at(f, k, j);
                if (i == j)
                    sum = sum * factor_at(f, i, i) + (double)(d - i + 1) * c->d_log_jacobian[r];
                d_f[row_start(i) + j] = sum;
            }
    }
}

/* Row i of the factor, from the rows before it; returns the square of its diagonal element. */
static double factor_row(int64_t i, int64_t d, const double *x, double *l)
{
    double rest = 0.0;
    for (int64_t j = 0; j <= i; j++) {
        rest = x[i * d + j];
        for (int64_t k = 0; k < j; k++)
            rest -= l[row_start(i) + k] * l[row_start(j) + k];
        l[row_start(i) + j] = i == j ? sqrt(rest) : rest / l[row_start(j) + j];
    }
    return rest;
}

/* Row by row in place: the factor's elements, then logarithms of its diagonal. */
static void unconstrain(const urn_bijection_call *c)
{
    const int64_t d = c->dim;
    for (int64_t r = 0; r < c->n; r++) {
        const double *x = c->value + r * c->value_size;
        double *l = c->free + r * c->free_size;
        for (int64_t i = 0; i < d; i++)
            (void)factor_row(i, d, x, l);
        for (int64_t i = 0; i < d; i++)
            l[row_start(i) + i] = log(l[row_start(i) + i]);
    }
}

/* Coordinates that are finite, found in the room for one row at `free`. */
static bool is_inside(urn_bijection_call one)
{
    if (!urn__is_symmetric(one.dim, one.value, SYMMETRY))
        return false;
    unconstrain(&one);
    for (int64_t k = 0; k < one.free_size; k++)
        if (!isfinite(one.free[k]))
            return false;
    return true;
}

static int64_t first_outside(const urn_bijection_call *c)
{
    urn_bijection_call one = *c;
    one.n = 1;
    one.free_size = free_size(c->dim, c->value_size);
    for (int64_t r = 0; r < c->n; r++) {
        one.value = c->value + r * c->value_size;
        if (!is_inside(one))
            return r;
    }
    return -1;
}

/* The pair furthest from symmetric; -1 where all agree. */
static int64_t least_symmetric(int64_t d, const double *a, double *most)
{
    int64_t at = 0;
    *most = 0.0;
    for (int64_t i = 0; i < d * d; i++) {
        const double off = fabs(a[i] - a[i % d * d + i / d]);
        at = off > *most ? i : at;
        *most = off > *most ? off : *most;
    }
    return *most > SYMMETRY * fabs(a[at]) ? at : -1;
}

static void tell_outside(const urn_bijection_call *c, char *text, size_t size)
{
    const int64_t d = c->dim;
    double most;
    const int64_t at = least_symmetric(d, c->value, &most);
    if (at >= 0) {
        (void)snprintf(text, size, "elements %lld, %lld and %lld, %lld differ by %.3g",
                       (long long)(at / d), (long long)(at % d), (long long)(at % d),
                       (long long)(at / d), most);
        return;
    }
    double pivot = 1.0;
    int64_t i = -1;
    while (pivot > 0.0 && ++i < d)
        pivot = factor_row(i, d, c->value, c->free);
    (void)snprintf(text, size, "it is not positive definite: its pivot %lld is %.3g", (long long)i,
                   urn__shown(pivot));
}

static const urn_support support = {
    .bytes = sizeof(urn_support),
    .name = "positive_definite",
    .free_size = free_size,
    .constrain = constrain,
    .constrain_vjp = constrain_vjp,
    .unconstrain = unconstrain,
    .first_outside = first_outside,
    .tell_outside = tell_outside,
};

const urn_support *urn_support_positive_definite(void)
{
    return &support;
}
