/* 0, 1, 2, ..., up to each row's `high` where it is given; and vectors of such counts, which sum to
 * `high`. */
#include "counts.h"

static int64_t first_outside(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n * c->value_size; i++) {
        const double most = c->high != NULL ? c->high[i / c->value_size] : (double)INFINITY;
        if (!(urn__is_count(c->value[i]) && c->value[i] <= most))
            return i / c->value_size;
    }
    return -1;
}

static int64_t first_wrong_sum(const urn_bijection_call *c)
{
    for (int64_t r = 0; r < c->n; r++) {
        double sum = 0.0;
        for (int64_t k = r * c->value_size; k < (r + 1) * c->value_size; k++)
            sum += urn__is_count(c->value[k]) ? c->value[k] : (double)NAN;
        if (c->high != NULL ? sum != c->high[r] : isnan(sum))
            return r;
    }
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

static const urn_support counts = {
    .bytes = sizeof(urn_support),
    .name = "counts",
    .discrete = true,
    .first_outside = first_wrong_sum,
};

const urn_support *urn_support_counts(void)
{
    return &counts;
}
