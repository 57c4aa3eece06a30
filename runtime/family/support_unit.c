/* The interval from 0 to 1: value = s(f) = 1 / (1 + exp(-f)), log-Jacobian log s(f) + log s(-f). */
#include "logit.h"

static void constrain(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        double sum = 0.0;
        for (int64_t k = i * c->value_size; k < (i + 1) * c->value_size; k++) {
            c->value[k] = urn__probability(c->free[k]);
            sum += urn__log_probability(c->free[k]) + urn__log_probability(-c->free[k]);
        }
        if (c->log_jacobian != NULL)
            c->log_jacobian[i] = sum;
    }
}

static void constrain_vjp(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        for (int64_t k = i * c->value_size; k < (i + 1) * c->value_size; k++) {
            const double up = urn__probability(c->free[k]), down = urn__probability(-c->free[k]);
            c->d_free[k] = c->d_value[k] * up * down + c->d_log_jacobian[i] * (down - up);
        }
}

static void unconstrain(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n * c->value_size; i++)
        c->free[i] = log(c->value[i]) - log1p(-c->value[i]);
}

/* The ends belong to the set: a value may round onto one. */
static int64_t first_outside(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n * c->value_size; i++)
        if (!(c->value[i] >= 0.0 && c->value[i] <= 1.0))
            return i / c->value_size;
    return -1;
}

static const urn_support support = {
    .bytes = sizeof(urn_support),
    .name = "unit",
    .constrain = constrain,
    .constrain_vjp = constrain_vjp,
    .unconstrain = unconstrain,
    .first_outside = first_outside,
};

const urn_support *urn_support_unit(void)
{
    return &support;
}
