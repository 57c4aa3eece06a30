/* Families of loc + scale Z, Z of a standard distribution of their own: what follows from its
 * distribution function and quantiles. Their parameters are loc and scale, in this order. */
#ifndef URN_FAMILY_LOCATION_SCALE_H
#define URN_FAMILY_LOCATION_SCALE_H

#include "density.h"

enum { LOC, SCALE };

/* Partials by x, loc and scale, those that nobody wants in the scratch. */
typedef void urn__location_scale_rows(int64_t n, const real *restrict x, const real *restrict loc,
                                      const real *restrict scale, real *restrict log_density,
                                      real *restrict d_x, real *restrict d_loc,
                                      real *restrict d_scale);
static inline void urn__location_scale_density(const urn__density_call_real *c,
                                               urn__location_scale_rows *rows)
{
    rows(c->n, c->x, c->param[LOC], c->param[SCALE], c->log_density, urn__partial(c, c->d_x, 0),
         urn__partial(c, c->d_param[LOC], 1), urn__partial(c, c->d_param[SCALE], 2));
}

static inline int64_t urn__location_scale_scratch(int64_t n, int64_t dim)
{
    (void)dim;
    return 3 * n;
}

/* One row from a draw of Z. */
static inline void urn__location_scale_draw(const urn_draw_call *c, int64_t row, double unit)
{
    const double scale = urn__argument(c, SCALE, row);
    c->x[row] = scale > 0.0 ? urn__argument(c, LOC, row) + scale * unit : (double)NAN;
}

/* All rows, from Z in `out`, and back. */
static inline void urn__location_scale_of(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        urn__location_scale_draw(c, i, c->out[i]);
}

static inline void urn__location_scale_to(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = (c->x[i] - urn__argument(c, LOC, i)) / urn__argument(c, SCALE, i);
}

/* Medians, where Z is symmetric. */
static inline void urn__location_centre(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->x[i] = urn__argument(c, LOC, i);
}

static inline void urn__location_mean(const urn_draw_call *c)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = urn__argument(c, LOC, i);
}

static inline void urn__location_scale_variance(const urn_draw_call *c, double of_unit)
{
    for (int64_t i = 0; i < c->n; i++) {
        const double scale = urn__argument(c, SCALE, i);
        c->out[i] = of_unit * scale * scale;
    }
}

static inline void urn__location_scale_cdf(const urn_draw_call *c, double (*unit)(double z))
{
    urn__location_scale_to(c);
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = unit(c->out[i]);
}

static inline void urn__location_scale_quantile(const urn_draw_call *c, double unit)
{
    for (int64_t i = 0; i < c->n; i++)
        c->out[i] = urn__argument(c, LOC, i) + urn__argument(c, SCALE, i) * unit;
}

#endif
