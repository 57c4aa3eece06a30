/* The sweeps of a guide, a chunk at a time. Compiled once per precision. What is summed over many
 * coordinates is summed in double in both. */
#include "../runtime/tensor/real.h"
#include "guide.h"

#include <math.h>
#include <string.h>

static const urn__kernels_real *kernels_of(const urn__sweep *s)
{
#ifdef URN_SINGLE
    return s->guide->target->kernels_single;
#else
    return s->guide->target->kernels;
#endif
}

/* An array of the guide from the chunk on. */
static urn__real *at(void *array, const urn__chunk *c)
{
    urn__real *numbers = array;
    return numbers + c->offset;
}

/* ---- start and end ---- */

static void start(const urn__sweep *s, const urn__chunk *c, urn__sums *sums)
{
    urn__guide_arrays *a = &s->guide->arrays;
    (void)sums;
    for (int64_t i = 0; i < c->n; i++)
        at(a->loc, c)[i] = (urn__real)s->from[c->offset + i];
    for (int64_t i = 0; a->log_scale && i < c->n; i++)
        at(a->log_scale, c)[i] = (urn__real)s->scale[i];
}

/* The scales of points are 0: such coordinates do not vary between draws. */
static void export(const urn__sweep *s, const urn__chunk *c, urn__sums *sums)
{
    const urn__guide_arrays *a = &s->guide->arrays;
    (void)sums;
    for (int64_t i = 0; i < c->n; i++)
        s->loc[c->offset + i] = (double)at(a->loc, c)[i];
    for (int64_t i = 0; s->scale && i < c->n; i++)
        s->scale[c->offset + i] = c->random ? exp((double)at(a->log_scale, c)[i]) : 0.0;
}

static void position(const urn__sweep *s, const urn__chunk *c, urn__sums *sums)
{
    (void)sums;
    for (int64_t i = 0; i < c->n; i++)
        s->loc[c->offset + i] = (double)at(s->guide->arrays.position, c)[i];
}

static int64_t find_bad(const urn__guide *guide, double *value)
{
    const urn__real *loc = guide->arrays.loc;
    for (int64_t i = 0; i < guide->target->size; i++)
        if (!isfinite(loc[i])) {
            *value = (double)loc[i];
            return i;
        }
    return -1;
}

/* ---- draws ---- */

static void sample(const urn__sweep *s, const urn__chunk *c, urn__sums *sums)
{
    const urn__guide *g = s->guide;
    const urn__guide_arrays *a = &g->arrays;
    double pair[2];
    if (!c->random) {
        if (a->position != a->loc)
            memcpy(at(a->position, c), at(a->loc, c), (size_t)c->n * sizeof(urn__real));
        return;
    }
    kernels_of(s)->guide_sample(&g->streams[c->block], c->first, c->n, at(a->loc, c),
                                at(a->log_scale, c), at(a->position, c), pair);
    sums->log_scale += pair[0];
    sums->squares += pair[1];
}

/* ---- updates ---- */

static bool is_finite(const urn__sweep *s, const urn__chunk *c)
{
    return isfinite(kernels_of(s)->sum(c->n, at(s->guide->arrays.gradient, c)));
}

static void add_norms(const urn__sweep *s, const urn__chunk *c, urn__sums *sums)
{
    const urn__guide_arrays *a = &s->guide->arrays;
    const urn__real *g = at(a->gradient, c), *loc = at(a->loc, c);
    sums->gradient += kernels_of(s)->dot(c->n, g, g);
    sums->points += kernels_of(s)->dot(c->n, loc, loc);
}

/* The optimiser's step for what has a gradient of log p and no scale. The gradient is done with and
 * becomes that of the loss. */
static void step_point(const urn__sweep *s, const urn__chunk *c)
{
    const urn__guide_arrays *a = &s->guide->arrays;
    urn__real *slope = at(a->gradient, c);
    const urn__real factor = (urn__real)-s->factor;
    kernels_of(s)->map2[URN__MAP_MUL](c->n, slope, 1, &factor, 0, slope);
    URN__REAL(optimiser_update)
    (s->optimiser, kernels_of(s), c->n, true, slope, at(a->m_loc, c),
     a->v_loc ? at(a->v_loc, c) : NULL, at(a->loc, c));
}

static void step_normal(const urn__sweep *s, const urn__chunk *c)
{
    const urn__guide_arrays *a = &s->guide->arrays;
    kernels_of(s)->guide_adam(c->n, &s->optimiser->adam, s->factor, s->weight, at(a->gradient, c),
                              at(a->position, c), at(a->loc, c), at(a->m_loc, c), at(a->v_loc, c),
                              at(a->log_scale, c), at(a->m_scale, c), at(a->v_scale, c));
}

/* The gradient is read from memory for the check, and from the cache for the step. */
static void step(const urn__sweep *s, const urn__chunk *c, urn__sums *sums)
{
    if (!is_finite(s, c))
        sums->bad += 1.0;
    else {
        if (s->norms)
            add_norms(s, c, sums);
        if (c->random)
            step_normal(s, c);
        else
            step_point(s, c);
    }
    if (s->draw)
        sample(s, c, sums);
}

/* ---- several draws, and optimisers of another kind ---- */

static void accumulate(const urn__sweep *s, const urn__chunk *c, urn__sums *sums)
{
    const urn__guide_arrays *a = &s->guide->arrays;
    const urn__real *g = at(a->gradient, c), *z = at(a->position, c), *loc = at(a->loc, c);
    const urn__real factor = (urn__real)-s->factor;
    urn__real *g_loc = at(a->g_loc, c);
    sums->bad += is_finite(s, c) ? 0.0 : 1.0;
    for (int64_t i = 0; i < c->n; i++)
        g_loc[i] += factor * g[i];
    if (!c->random)
        return;
    urn__real *g_scale = at(a->g_scale, c);
    for (int64_t i = 0; i < c->n; i++)
        g_scale[i] += factor * g[i] * (z[i] - loc[i]);
}

/* The entropy's part of the gradient, and the squared norm of the whole. */
static void entropy(const urn__sweep *s, const urn__chunk *c, urn__sums *sums)
{
    const urn__guide_arrays *a = &s->guide->arrays;
    const urn__real *g_loc = at(a->g_loc, c);
    sums->gradient += kernels_of(s)->dot(c->n, g_loc, g_loc);
    if (!c->random)
        return;
    urn__real *g_scale = at(a->g_scale, c);
    for (int64_t i = 0; i < c->n; i++)
        g_scale[i] -= (urn__real)(s->factor * s->weight);
    sums->gradient += kernels_of(s)->dot(c->n, g_scale, g_scale);
}

/* Here the factor is what the gradient is multiplied by to keep its norm within the limit. */
static void limit(const urn__sweep *s, int64_t n, urn__real *gradient)
{
    for (int64_t i = 0; s->factor != 1.0 && i < n; i++)
        gradient[i] *= (urn__real)s->factor;
}

static void update(const urn__sweep *s, const urn__chunk *c, urn__sums *sums)
{
    const urn__guide_arrays *a = &s->guide->arrays;
    (void)sums;
    limit(s, c->n, at(a->g_loc, c));
    URN__REAL(optimiser_update)
    (s->optimiser, kernels_of(s), c->n, true, at(a->g_loc, c), at(a->m_loc, c),
     a->v_loc ? at(a->v_loc, c) : NULL, at(a->loc, c));
    if (!c->random)
        return;
    limit(s, c->n, at(a->g_scale, c));
    URN__REAL(optimiser_update)
    (s->optimiser, kernels_of(s), c->n, false, at(a->g_scale, c), at(a->m_scale, c),
     a->v_scale ? at(a->v_scale, c) : NULL, at(a->log_scale, c));
}

const urn__sweep_table URN__REAL(guide_sweeps) = {.real = sizeof(urn__real),
                                                  .start = start,
                                                  .sample = sample,
                                                  .step = step,
                                                  .accumulate = accumulate,
                                                  .entropy = entropy,
                                                  .update = update,
                                                  .norms = add_norms,
                                                  .export = export,
                                                  .position = position,
                                                  .find_bad = find_bad};
