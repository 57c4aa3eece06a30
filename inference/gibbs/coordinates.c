#include "coordinates.h"
#include <string.h>

static urn_bijection_call call_of(const urn__gibbs *g, int site)
{
    const urn__site *s = &g->m->site[site];
    return (urn_bijection_call){.n = s->support_rows,
                                .dim = s->dim,
                                .value_size = s->value_size,
                                .free_size = s->free_row,
                                .value = g->value[site],
                                .low = urn__evaluation_root(g->bounds, 2 * site),
                                .high = urn__evaluation_root(g->bounds, 2 * site + 1)};
}

void urn__gibbs_find_bounds(urn__gibbs *g)
{
    urn__evaluation_run(g->bounds);
}

void urn__gibbs_unconstrain(const urn__gibbs *g, int site, double *to)
{
    const urn__site *s = &g->m->site[site];
    if (s->support->discrete || s->support == urn_support_real()) {
        memcpy(to, g->value[site], (size_t)urn__shape_size(&s->shape) * sizeof *to);
        return;
    }
    urn_bijection_call call = call_of(g, site);
    call.free = to;
    s->support->unconstrain(&call);
}

void urn__gibbs_constrain(urn__gibbs *g, int site, const double *from, double *log_jacobian)
{
    union { /* only read here; the member is not const for its other uses */
        const double *in;
        double *out;
    } coordinates = {.in = from};
    urn_bijection_call call = call_of(g, site);
    call.free = coordinates.out;
    call.log_jacobian = log_jacobian;
    g->m->site[site].support->constrain(&call);
}
