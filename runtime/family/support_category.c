/* Categories 0 .. dim - 1, or up to each row's `high` where it is given; a dim below 2 says nothing
 * about how many there are. */
#include "family.h"

static int64_t first_outside(const urn_bijection_call *c)
{
    for (int64_t i = 0; i < c->n * c->value_size; i++) {
        const int64_t row = i / c->value_size;
        const double known = c->dim > 1 ? (double)(c->dim - 1) : (double)INFINITY;
        const double last = c->high != NULL ? c->high[row] : known;
        const double v = c->value[i];
        if (!(v >= 0.0 && v <= last && isfinite(v) && v == floor(v)))
            return row;
    }
    return -1;
}

static const urn_support support = {
    .bytes = sizeof(urn_support),
    .name = "category",
    .discrete = true,
    .first_outside = first_outside,
};

const urn_support *urn_support_category(void)
{
    return &support;
}
