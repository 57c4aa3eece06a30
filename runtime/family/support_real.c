/* The real line: the identity. */
#include "family.h"

static void constrain(const urn_bijection_call *c)
{
    memcpy(c->value, c->free, (size_t)(c->n * c->value_size) * sizeof(double));
    if (c->log_jacobian != NULL)
        memset(c->log_jacobian, 0, (size_t)c->n * sizeof(double));
}

static void constrain_vjp(const urn_bijection_call *c)
{
    memcpy(c->d_free, c->d_value, (size_t)(c->n * c->value_size) * sizeof(double));
}

static void unconstrain(const urn_bijection_call *c)
{
    memcpy(c->free, c->value, (size_t)(c->n * c->value_size) * sizeof(double));
}

static int64_t first_outside(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n * c->value_size; i++)
        if (!isfinite(c->value[i]))
            return i / c->value_size;
    return -1;
}

static const urn_support support = {
    .bytes = sizeof(urn_support),
    .name = "real",
    .constrain = constrain,
    .constrain_vjp = constrain_vjp,
    .unconstrain = unconstrain,
    .first_outside = first_outside,
};

const urn_support *urn_support_real(void)
{
    return &support;
}
