/* Normal distributions from the steps of an optimiser: the inverse Hessian that L-BFGS stands for,
 * as a diagonal plus a matrix of low rank, factored so that draws and densities cost O(n) (Zhang,
 * Carpenter, Gelman and Vehtari, Pathfinder: parallel quasi-Newton variational inference, JMLR 23
 * (306), 2022, algorithms 3 to 5; Byrd, Nocedal and Schnabel, Representations of quasi-Newton
 * matrices and their use in limited memory methods, 1994). */
#ifndef URN_INFERENCE_PATHFINDER_INVERSE_H
#define URN_INFERENCE_PATHFINDER_INVERSE_H

#include "../engine.h"

/* The last steps, newest last, and the diagonal estimate of the inverse Hessian. */
typedef struct urn__history {
    int64_t n; /* of a position */
    int most, count;
    double **step, **change; /* of the position, and of minus the gradient; `most` of n each */
    double *diagonal;        /* n */
} urn__history;

/* Covariance D (I + Q (L L' - I) Q') D with D = diag(scale), Q with orthonormal columns. */
typedef struct urn__low_rank {
    int64_t n;
    int width;      /* columns of Q: two a step in the history */
    double *mean;   /* n */
    double *scale;  /* n */
    double *column; /* of Q, one after another, most_width x n; zeros where it depends on others */
    double *factor; /* L, width x width, lower */
    double log_determinant; /* of the covariance */
} urn__low_rank;

/* Room for matrices of a few columns while they are worked on. */
typedef struct urn__small_room {
    double *r, *w, *c, *gamma, *a, *t;
} urn__small_room;

/* Memory is the arena's; look at urn__arena_failed. */
void urn__history_init(urn__history *h, int64_t n, int most, urn__arena *arena);
void urn__low_rank_init(urn__low_rank *q, int64_t n, int most, urn__arena *arena);
void urn__small_room_init(urn__small_room *room, int most, urn__arena *arena);

/* Adds a step between two points with their gradients (of the log density), if it is curved the
 * right way; the oldest goes. Returns whether it was. */
bool urn__history_add(urn__history *h, const double *from, const double *gradient_from,
                      const double *to, const double *gradient_to);
/* The normal distribution that the history says is around `position`. False: rounding has left no
 * covariance. */
bool urn__low_rank_at(urn__low_rank *q, const urn__history *h, const urn__kernels *kernels,
                      const double *position, const double *gradient, urn__small_room *room);
/* Turns n standard normals at `z` into a draw, in place; returns its log density. */
double urn__low_rank_draw(const urn__low_rank *q, const urn__kernels *kernels, double *z,
                          urn__small_room *room);

#endif
