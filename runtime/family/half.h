/* Families of |Z| times a scale, Z symmetric about zero: half_normal, half_cauchy. */
#ifndef URN_FAMILY_HALF_H
#define URN_FAMILY_HALF_H

#include "density.h"

enum { SCALE };

/* Partials by x and scale, those that nobody wants in the scratch. */
typedef void urn__half_rows(int64_t n, const real *restrict x, const real *restrict scale,
                            real *restrict log_density, real *restrict d_x, real *restrict d_scale);
static inline void urn__half_density(const urn__density_call_real *c, urn__half_rows *rows)
{
    rows(c->n, c->x, c->param[SCALE], c->log_density, urn__partial(c, c->d_x, 0),
         urn__partial(c, c->d_param[SCALE], 1));
}

static inline int64_t urn__half_scratch(int64_t n, int64_t dim)
{
    (void)dim;
    return 2 * n;
}

/* One row from a draw of |Z|. */
static inline void urn__half_draw(const urn_draw_call *c, int64_t row, double unit)
{
    const double scale = urn__argument(c, SCALE, row);
    c->x[row] = scale > 0.0 ? scale * unit : (double)NAN;
}

/* All rows from one number of |Z|'s: a quantile, the mean. */
static inline void urn__half_of(const urn_draw_call *c, double unit, double *out)
{
    for (int64_t i = 0; i < c->n; i++)
        out[i] = unit * urn__argument(c, SCALE, i);
}

#endif
