/* What an optimiser does to the sites of a floor: a diagonal normal guide or a point, and Adam. One
 * sweep over a site updates it from the gradients of a step and draws the next step's values. */
#ifndef URN_BENCH_GUIDE_H
#define URN_BENCH_GUIDE_H

#include "bench/real.h"
#include <stdbool.h>

#define MAX_THREADS 16

/* Rows of unconstrained coordinates. What the optimiser keeps has no gaps. The values drawn and the
 * gradient of the log density stand side by side, a row's values in front of its gradients, each
 * with room for `stride` numbers, zeros past the d of the row: loops over a row are whole vectors,
 * and one address finds both. Where several threads add to the gradients, each has a part of its
 * own, with the values, too; the next sweep adds them up and empties them. */
typedef struct site {
    const char *name;
    int64_t rows, d, stride;
    int64_t chunk; /* rows of a sweep at a time: whole blocks of normals */
    bool point;    /* no guide: the values are loc */
    real prior;    /* the gradient has -prior z on top */
    real *loc, *log_scale, *m_loc, *v_loc, *m_scale, *v_scale;
    int parts, threads;
    real *part[MAX_THREADS];
    real *room[MAX_THREADS]; /* for a thread's sweep */
    real_bits *keep;         /* of a row's room: all bits, then none */
} site;

static inline real *site_z(const site *s, int part, int64_t row)
{
    return s->part[part] + row * 2 * s->stride;
}

static inline real *site_g(const site *s, int part, int64_t row)
{
    return s->part[part] + row * 2 * s->stride + s->stride;
}

/* The guide starts at 0 with scale 0.1. */
site site_new(const char *name, int64_t rows, int64_t d, int parts, int threads, bool point);
void site_free(site *s);

/* Room of a row of d numbers. */
int64_t site_stride(int64_t d);

typedef struct sweep {
    bool update;     /* not before the first step */
    real factor;     /* of the gradient of the loss: 1 / number of ratings */
    real rate, root; /* lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t) */
    uint64_t seed;
    int64_t draw; /* number of the draw, from 0 */
} sweep;

/* Sums over what was drawn; adds to them. */
typedef struct sweep_sums {
    double log_scale, squares; /* of z */
} sweep_sums;

/* The sweep between step number `step`, which it finishes (0: there was none), and the next. */
sweep sweep_at(int64_t step, double lr, uint64_t seed, double factor);
/* All values of a site at once, without gaps; and its gradients, which are left empty. */
void site_set(site *s, const real *z);
void site_gradient(site *s, real *g);
/* The share of the site's rows that thread number `thread` has. */
void site_sweep(site *s, const sweep *w, int thread, sweep_sums *sums);

#endif
