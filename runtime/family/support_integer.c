/* Whole numbers, from each row's `low` to its `high` where these are given. */
#include "family.h"

static int64_t first_outside(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n * c->value_size; i++) {
        const int64_t row = i / c->value_size;
        const double low = c->low != NULL ? c->low[row] : (double)-INFINITY;
        const double high = c->high != NULL ? c->high[row] : (double)INFINITY;
        const double v = c->value[i];
        if (!(isfinite(v) && v >= low && v <= high && v == floor(v)))
            return row;
    }
    return -1;
}

static const urn_support support = {
    .bytes = sizeof(urn_support),
    .name = "integer",
    .discrete = true,
    .first_outside = first_outside,
};

const urn_support *urn_support_integer(void)
{
    return &support;
}
