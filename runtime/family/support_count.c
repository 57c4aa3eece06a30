/* 0, 1, 2, ... */
#include "family.h"

static int64_t first_outside(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n * c->value_size; i++)
        if (!(c->value[i] >= 0.0 && isfinite(c->value[i]) && c->value[i] == floor(c->value[i])))
            return i / c->value_size;
    return -1;
}

static const urn_support support = {
    .bytes = sizeof(urn_support),
    .name = "count",
    .discrete = true,
    .first_outside = first_outside,
};

const urn_support *urn_support_count(void)
{
    return &support;
}
