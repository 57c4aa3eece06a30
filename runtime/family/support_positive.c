/* Positive numbers: value = exp(free), log |d value / d free| = free. Non-negative ones have the
 * same bijection: zero, which may be observed, has no coordinate of its own. */
#include "family.h"

static void constrain(const urn_bijection_call *c)
{
    const int64_t n = c->n * c->value_size;
    const double *free = c->free;
    double *value = c->value;
    for (int64_t i = 0; i < n; i++)
        value[i] = exp(free[i]);
    if (c->log_jacobian == NULL)
        return;
    for (int64_t i = 0; i < c->n; i++) {
        double sum = 0.0;
        for (int64_t k = 0; k < c->value_size; k++)
            sum += free[i * c->value_size + k];
        c->log_jacobian[i] = sum;
    }
}

static void constrain_vjp(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        for (int64_t k = i * c->value_size; k < (i + 1) * c->value_size; k++)
            c->d_free[k] = c->d_value[k] * exp(c->free[k]) + c->d_log_jacobian[i];
}

static void unconstrain(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n * c->value_size; i++)
        c->free[i] = log(c->value[i]);
}

static int64_t first_outside(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n * c->value_size; i++)
        if (!(c->value[i] > 0.0 && isfinite(c->value[i])))
            return i / c->value_size;
    return -1;
}

static int64_t first_negative(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n * c->value_size; i++)
        if (!(c->value[i] >= 0.0 && isfinite(c->value[i])))
            return i / c->value_size;
    return -1;
}

static const urn_support support = {
    .bytes = sizeof(urn_support),
    .name = "positive",
    .constrain = constrain,
    .constrain_vjp = constrain_vjp,
    .unconstrain = unconstrain,
    .first_outside = first_outside,
};

const urn_support *urn_support_positive(void)
{
    return &support;
}

static const urn_support non_negative = {
    .bytes = sizeof(urn_support),
    .name = "non_negative",
    .constrain = constrain,
    .constrain_vjp = constrain_vjp,
    .unconstrain = unconstrain,
    .first_outside = first_negative,
};

const urn_support *urn_support_non_negative(void)
{
    return &non_negative;
}
