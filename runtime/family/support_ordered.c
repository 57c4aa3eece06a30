/* Vectors in increasing order: value_0 = f_0, value_k = value_(k-1) + exp(f_k), log-Jacobian the
 * sum of f_k over k > 0. */
#include "family.h"
#include "outside.h"

/* As many as there are elements, but none of them belongs to one element alone. */
static int64_t free_size(int64_t dim, int64_t value_size)
{
    (void)dim;
    return value_size;
}

static void constrain(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double *f = c->free + i * c->free_size;
        double *v = c->value + i * c->value_size, last = 0.0, sum = 0.0;
        for (int64_t k = 0; k < c->value_size; k++) {
            last = k == 0 ? f[0] : last + exp(f[k]);
            sum += k == 0 ? 0.0 : f[k];
            v[k] = last;
        }
        if (c->log_jacobian != NULL)
            c->log_jacobian[i] = sum;
    }
}

/* f_k moves all elements from k on. */
static void constrain_vjp(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double *f = c->free + i * c->free_size, *d_v = c->d_value + i * c->value_size;
        double *d_f = c->d_free + i * c->free_size, above = 0.0;
        for (int64_t k = c->value_size - 1; k >= 0; k--) {
            above += d_v[k];
            d_f[k] = k == 0 ? above : above * exp(f[k]) + c->d_log_jacobian[i];
        }
    }
}

static void unconstrain(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double *v = c->value + i * c->value_size;
        double *f = c->free + i * c->free_size;
        for (int64_t k = c->value_size - 1; k > 0; k--)
            f[k] = log(v[k] - v[k - 1]);
        if (c->value_size > 0)
            f[0] = v[0];
    }
}

static int64_t first_outside(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double *v = c->value + i * c->value_size;
        for (int64_t k = 0; k < c->value_size; k++)
            if (!isfinite(v[k]) || (k > 0 && !(v[k] > v[k - 1])))
                return i;
    }
    return -1;
}

static void tell_outside(const urn_bijection_call *c, char *text, size_t size)
{
    const double *v = c->value;
    for (int64_t k = 1; k < c->value_size; k++)
        if (!(v[k] > v[k - 1])) {
            (void)snprintf(text, size, "element %lld is %g, after %g", (long long)k,
                           urn__shown(v[k]), urn__shown(v[k - 1]));
            return;
        }
    (void)snprintf(text, size, "an element is not finite");
}

static const urn_support support = {
    .bytes = sizeof(urn_support),
    .name = "ordered",
    .free_size = free_size,
    .constrain = constrain,
    .constrain_vjp = constrain_vjp,
    .unconstrain = unconstrain,
    .first_outside = first_outside,
    .tell_outside = tell_outside,
};

const urn_support *urn_support_ordered(void)
{
    return &support;
}
