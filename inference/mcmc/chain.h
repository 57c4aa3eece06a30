/* The inside of a chain: shared by hmc.c (life, adaptation, fixed paths) and nuts.c (trees). */
#ifndef URN_INFERENCE_MCMC_CHAIN_H
#define URN_INFERENCE_MCMC_CHAIN_H

#include "hmc.h"

/* Vectors of `size` numbers handed out by number. Several holders may share one. */
typedef struct urn__pool {
    int64_t stride;
    double *memory;
    int n_free;
    uint8_t *uses;
    int *free;
} urn__pool;

/* What else is known of a position: its log density, and its energy with the momentum it was
 * reached with. */
typedef struct urn__point {
    double log_density, energy;
} urn__point;

/* A stretch of the trajectory. Both ends and the sum of all momenta decide where it turns; one of
 * its points stands for it. */
typedef struct urn__tree {
    int depth;
    int begin, end; /* momenta of the first and last point, in the order they were made */
    int sum;        /* of the momenta; of a single point its own */
    int sample;     /* a position */
    double square;  /* of a single point's momentum */
    double weight;  /* of all points: sum of exp(energy at the start - energy - shift) */
} urn__tree;

struct urn__hmc {
    const urn__target *target;
    urn__hmc_options options;
    urn__arena *arena;
    int64_t size;
    urn__metric metric;
    urn__moments moments;
    urn__windows windows;
    urn__averaging averaging;
    double step_size;
    bool started; /* has a step size */
    /* positions: 2 * size a slot, the position and its whitened gradient; points has the rest */
    urn__pool positions, momenta;
    urn__point *points;
    int here; /* the chain's position */
    /* normals of several transitions, where they are few */
    double *normals;
    int64_t normals_of; /* group of transitions they are for; -1: none */
    /* the transition under way */
    double step, start_energy, shift;
    double acceptance; /* summed */
    int64_t n_steps;
    bool diverging;
    urn__tree stack[URN__MOST_DEPTH + 1];
};

int urn__pool_take(urn__pool *pool);
static inline void urn__pool_keep(urn__pool *pool, int i)
{
    pool->uses[i]++;
}
static inline void urn__pool_drop(urn__pool *pool, int i)
{
    if (--pool->uses[i] == 0)
        pool->free[pool->n_free++] = i;
}
static inline double *urn__pool_at(const urn__pool *pool, int i)
{
    return pool->memory + i * pool->stride;
}
static inline double *urn__position_at(const urn__hmc *h, int i)
{
    return urn__pool_at(&h->positions, i);
}
static inline double *urn__gradient_at(const urn__hmc *h, int i)
{
    return urn__pool_at(&h->positions, i) + h->positions.stride / 2;
}

/* Log density and whitened gradient of a position slot. */
void urn__hmc_evaluate(urn__hmc *h, int position);
/* One leapfrog step of length `step` from a position and momentum to others; returns the square of
 * the new momentum and sets the energy of the new position. */
double urn__hmc_leapfrog(urn__hmc *h, double step, int position, int momentum, int new_position,
                         int new_momentum);
/* Counts a point towards the acceptance statistic and divergence; returns the energy it lost. */
double urn__hmc_count(urn__hmc *h, int position);
/* A NUTS transition from `here` with that momentum (taken over). */
void urn__nuts_transition(urn__hmc *h, urn_rng *rng, int momentum, urn__hmc_info *info);

#endif
