/* Angles in radians: any number, meant modulo a full turn. A latent one lies between -pi and pi:
 * value = pi tanh(f / 2), log-Jacobian log(2 pi) + log s(f) + log s(-f), s(f) = 1 / (1 + exp(-f)).
 */
#include "family.h"

#define PI 3.14159265358979323846

/* The same angle, between -pi and pi. */
static double wrapped(double v)
{
    return v - 2.0 * PI * rint(v / (2.0 * PI));
}

static void constrain(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        double sum = 0.0;
        for (int64_t k = i * c->value_size; k < (i + 1) * c->value_size; k++) {
            const double f = c->free[k];
            c->value[k] = PI * tanh(0.5 * f);
            sum += URN__LOG_2PI - fabs(f) - 2.0 * log1p(exp(-fabs(f)));
        }
        if (c->log_jacobian != NULL)
            c->log_jacobian[i] = sum;
    }
}

static void constrain_vjp(const urn_bijection_call *c)
{
    for (int64_t k = 0; k < c->n * c->value_size; k++) {
        const double t = tanh(0.5 * c->free[k]), e = exp(-fabs(c->free[k]));
        const double slope = 2.0 * PI * e / ((1.0 + e) * (1.0 + e));
        c->d_free[k] = c->d_value[k] * slope - c->d_log_jacobian[k / c->value_size] * t;
    }
}

static void unconstrain(const urn_bijection_call *c)
{
    for (int64_t k = 0; k < c->n * c->value_size; k++)
        c->free[k] = 2.0 * atanh(wrapped(c->value[k]) / PI);
}

static int64_t first_outside(const urn_bijection_call *c)
{
    for (int64_t k = 0; k < c->n * c->value_size; k++)
        if (!isfinite(c->value[k]))
            return k / c->value_size;
    return -1;
}

static const urn_support support = {
    .bytes = sizeof(urn_support),
    .name = "angle",
    .constrain = constrain,
    .constrain_vjp = constrain_vjp,
    .unconstrain = unconstrain,
    .first_outside = first_outside,
};

const urn_support *urn_support_angle(void)
{
    return &support;
}
