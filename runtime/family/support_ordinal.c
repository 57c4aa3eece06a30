/* Categories with an order: 0 .. dim, for dim cutpoints between them. */
#include "family.h"

static int64_t first_outside(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n * c->value_size; i++) {
        const double v = c->value[i];
        if (!(v >= 0.0 && v <= (double)c->dim && v == floor(v)))
            return i / c->value_size;
    }
    return -1;
}

static const urn_support support = {
    .bytes = sizeof(urn_support),
    .name = "ordinal",
    .discrete = true,
    .first_outside = first_outside,
};

const urn_support *urn_support_ordinal(void)
{
    return &support;
}
