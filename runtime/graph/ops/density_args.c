/* The arguments of a density node: x, then the given parameters. */
#include "../family_single.h"
#include "density.h"

int urn__density_arg_rank(const urn__density_attr *a, int k)
{
    return k == 0 ? a->family->event_rank : urn__param_rank(a->family, a->given[k - 1]);
}

int64_t urn__density_arg_event(const urn__density_attr *a, int k)
{
    return k == 0 ? urn__event_elements(a->dim, a->family->event_rank)
                  : urn__param_elements(a->family, a->given[k - 1], a->dim);
}

urn__shape urn__density_grid(const urn__density_attr *a, int k, const urn__shape *s)
{
    return urn__shape_drop_event(s, urn__density_arg_rank(a, k));
}

bool urn__density_wanted(const urn__density_attr *a, int k)
{
    const int bit = k == 0 ? 0 : a->given[k - 1] + 1;
    return (a->wanted >> bit) & 1;
}

bool urn__density_reduced(const urn__density_attr *a, const urn__walk *w)
{
    return w->kind == URN__WALK_SCALAR && !a->rowwise;
}

int urn__density_input(const urn__density_attr *a, int k)
{
    const bool after = a->producer >= 0 && k > 0 && a->given[k - 1] > a->producer;
    return k + (after ? 3 : 0);
}
