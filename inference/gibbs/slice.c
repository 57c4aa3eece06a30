/* One number without a rule: a slice step in its unconstrained coordinate, on the terms of the
 * joint density the site occurs in. */
#include "coordinates.h"
#include "gibbs.h"
#include "stepping.h"

static urn_status prepare(urn__gibbs_block *b, bool *able, urn_error *error)
{
    const urn__site *s = &b->g->m->site[b->site[0]];
    *able = !s->support->discrete && s->free_size == 1;
    if (!*able) {
        b->why = urn__block_say(b, "%s; slices are for one number", b->why);
        return URN_OK;
    }
    return urn__block_want_density(b, error);
}

static double at_coordinate(void *context, double x)
{
    urn__gibbs_block *b = context;
    double log_jacobian = 0.0;
    urn__gibbs_constrain(b->g, b->site[0], &x, &log_jacobian);
    return urn__block_density(b) + log_jacobian;
}

static urn_status update(urn__gibbs_block *b, urn_error *error)
{
    const urn__stream stream = urn__block_stream(b);
    urn_rng rng;
    double x, before = *urn__block_value(b, 0);
    urn__rng_at_row(&rng, &stream, 0);
    urn__gibbs_find_bounds(b->g);
    urn__gibbs_unconstrain(b->g, b->site[0], &x);
    const double density = at_coordinate(b, x);
    if (!isfinite(density))
        return urn__block_fail(b, 0, before, error);
    x = urn__slice_step(at_coordinate, b, 1.0, x, &rng);
    (void)at_coordinate(b, x);
    return URN_OK;
}

const urn__block_kind urn__kind_slice = {.name = "slice", .prepare = prepare, .update = update};
