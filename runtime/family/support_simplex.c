/* Vectors of d non-negative numbers that sum to 1, by breaking a stick: what is left before part k
 * (from 0) is r_k, r_0 = 1, and
 *   x_k = r_k s_k,  r_(k+1) = r_k (1 - s_k),  s_k = 1 / (1 + exp(-t_k)),  t_k = f_k - log(d - 1 -
 * k), for k < d - 1, x_(d-1) = r_(d-1); f = 0 is the centre. Over the first d - 1 parts log |J| =
 * sum_k log s_k + (d - 1 - k) log(1 - s_k). */
#include "logit.h"
#include "outside.h"

static int64_t free_size(int64_t dim, int64_t value_size)
{
    (void)value_size;
    return dim - 1;
}

/* How many parts come after part k. */
static double after(int64_t d, int64_t k)
{
    return (double)(d - 1 - k);
}

static void constrain(const urn_bijection_call *c)
{
    const int64_t d = c->dim;
    for (int64_t r = 0; r < c->n; r++) {
        const double *f = c->free + r * (d - 1);
        double *x = c->value + r * d, left = 1.0, sum = 0.0;
        for (int64_t k = 0; k < d - 1; k++) {
            const double t = f[k] - log(after(d, k));
            x[k] = left * urn__probability(t);
            left *= urn__probability(-t);
            sum += urn__log_probability(t) + after(d, k) * urn__log_probability(-t);
        }
        x[d - 1] = left;
        if (c->log_jacobian != NULL)
            c->log_jacobian[r] = sum;
    }
}

/* Forwards what is left goes to d_free; backwards it is replaced by the adjoints. */
static void constrain_vjp(const urn_bijection_call *c)
{
    const int64_t d = c->dim;
    for (int64_t r = 0; r < c->n; r++) {
        const double *f = c->free + r * (d - 1), *d_x = c->d_value + r * d;
        double *d_f = c->d_free + r * (d - 1), left = 1.0, d_left = d_x[d - 1];
        for (int64_t k = 0; k < d - 1; k++) {
            d_f[k] = left;
            left *= urn__probability(log(after(d, k)) - f[k]);
        }
        for (int64_t k = d - 2; k >= 0; k--) {
            const double t = f[k] - log(after(d, k));
            const double s = urn__probability(t), rest = urn__probability(-t);
            d_f[k] = d_f[k] * s * rest * (d_x[k] - d_left) +
                     c->d_log_jacobian[r] * (rest - after(d, k) * s);
            d_left = d_left * rest + d_x[k] * s;
        }
    }
}

static void unconstrain(const urn_bijection_call *c)
{
    const int64_t d = c->dim;
    for (int64_t r = 0; r < c->n; r++) {
        const double *x = c->value + r * d;
        double rest = x[d - 1];
        for (int64_t k = d - 2; k >= 0; k--) {
            c->free[r * (d - 1) + k] = log(x[k]) - log(rest) + log(after(d, k));
            rest += x[k];
        }
    }
}

/* A part may round to 0. */
static int64_t first_outside(const urn_bijection_call *c)
{
    for (int64_t r = 0; r < c->n; r++) {
        const double *x = c->value + r * c->dim;
        double sum = 0.0;
        for (int64_t k = 0; k < c->dim; k++)
            sum += x[k] >= 0.0 ? x[k] : (double)NAN;
        if (!(fabs(sum - 1.0) < 1e-6))
            return r;
    }
    return -1;
}

static void tell_outside(const urn_bijection_call *c, char *text, size_t size)
{
    double sum = 0.0;
    for (int64_t k = 0; k < c->dim; k++) {
        sum += c->value[k];
        if (c->value[k] >= 0.0)
            continue;
        (void)snprintf(text, size, "element %lld is %g", (long long)k, urn__shown(c->value[k]));
        return;
    }
    urn__tell_difference("its elements add up to", sum, 1.0, text, size);
}

static const urn_support support = {
    .bytes = sizeof(urn_support),
    .name = "simplex",
    .free_size = free_size,
    .constrain = constrain,
    .constrain_vjp = constrain_vjp,
    .unconstrain = unconstrain,
    .first_outside = first_outside,
    .tell_outside = tell_outside,
};

const urn_support *urn_support_simplex(void)
{
    return &support;
}
