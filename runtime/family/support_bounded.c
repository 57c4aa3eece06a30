/* Numbers between bounds of each row's own. With s(f) = 1 / (1 + exp(-f)):
 *   low and high: value = low + (high - low) s(f), log-Jacobian log(high - low) + log s(f) + log
 * s(-f) low only:     value = low + exp(f), log-Jacobian f high only:    value = high - exp(f),
 * log-Jacobian f neither:      value = f. */
#include "family.h"

/* s(f) by way of exp(-|f|), which never overflows. */
static double sigmoid(double f)
{
    const double e = exp(-fabs(f));
    return (f >= 0.0 ? 1.0 : e) / (1.0 + e);
}

static double constrain_one(double f, const double *low, const double *high)
{
    if (low != NULL && high != NULL) {
        const double width = *high - *low; /* from the nearer bound, so that its digits are kept */
        return f < 0.0 ? *low + width * sigmoid(f) : *high - width * sigmoid(-f);
    }
    if (low != NULL)
        return *low + exp(f);
    return high != NULL ? *high - exp(f) : f;
}

static double log_jacobian_one(double f, const double *low, const double *high)
{
    if (low != NULL && high != NULL)
        return log(*high - *low) - fabs(f) - 2.0 * log1p(exp(-fabs(f)));
    return low != NULL || high != NULL ? f : 0.0;
}

static void constrain(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double *low = c->low != NULL ? c->low + i : NULL;
        const double *high = c->high != NULL ? c->high + i : NULL;
        double sum = 0.0;
        for (int64_t k = i * c->value_size; k < (i + 1) * c->value_size; k++) {
            c->value[k] = constrain_one(c->free[k], low, high);
            if (c->log_jacobian != NULL)
                sum += log_jacobian_one(c->free[k], low, high);
        }
        if (c->log_jacobian != NULL)
            c->log_jacobian[i] = sum;
    }
}

typedef struct adjoints {
    double free, low, high;
} adjoints;

static adjoints vjp_one(double f, const double *low, const double *high, double d_value,
                        double d_log_jacobian)
{
    if (low != NULL && high != NULL) {
        const double width = *high - *low, up = sigmoid(f), down = sigmoid(-f);
        return (adjoints){d_value * width * up * down + d_log_jacobian * (down - up),
                          d_value * down - d_log_jacobian / width,
                          d_value * up + d_log_jacobian / width};
    }
    if (low != NULL)
        return (adjoints){d_value * exp(f) + d_log_jacobian, d_value, 0.0};
    if (high != NULL)
        return (adjoints){d_log_jacobian - d_value * exp(f), 0.0, d_value};
    return (adjoints){d_value, 0.0, 0.0};
}

static void constrain_vjp(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double *low = c->low != NULL ? c->low + i : NULL;
        const double *high = c->high != NULL ? c->high + i : NULL;
        double d_low = 0.0, d_high = 0.0;
        for (int64_t k = i * c->value_size; k < (i + 1) * c->value_size; k++) {
            const adjoints a = vjp_one(c->free[k], low, high, c->d_value[k], c->d_log_jacobian[i]);
            c->d_free[k] = a.free;
            d_low += a.low;
            d_high += a.high;
        }
        if (c->d_low != NULL)
            c->d_low[i] = d_low;
        if (c->d_high != NULL)
            c->d_high[i] = d_high;
    }
}

static void unconstrain(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double low = c->low != NULL ? c->low[i] : 0.0;
        const double high = c->high != NULL ? c->high[i] : 0.0;
        for (int64_t k = i * c->value_size; k < (i + 1) * c->value_size; k++) {
            const double v = c->value[k];
            if (c->low != NULL && c->high != NULL)
                c->free[k] = log(v - low) - log(high - v);
            else if (c->low != NULL)
                c->free[k] = log(v - low);
            else
                c->free[k] = c->high != NULL ? log(high - v) : v;
        }
    }
}

/* The bounds belong to the set: a value may round onto one. */
static int64_t first_outside(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n * c->value_size; i++) {
        const int64_t row = i / c->value_size;
        const double low = c->low != NULL ? c->low[row] : (double)-INFINITY;
        const double high = c->high != NULL ? c->high[row] : (double)INFINITY;
        if (!(isfinite(c->value[i]) && c->value[i] >= low && c->value[i] <= high))
            return row;
    }
    return -1;
}

static const urn_support support = {
    .bytes = sizeof(urn_support),
    .name = "bounded",
    .constrain = constrain,
    .constrain_vjp = constrain_vjp,
    .unconstrain = unconstrain,
    .first_outside = first_outside,
};

const urn_support *urn_support_bounded(void)
{
    return &support;
}
