/* One Hamiltonian Monte Carlo chain over a target: what the engines nuts and hmc, and blocks of
 * other engines, are made of. It knows no driver. Trajectories are chosen from as in Betancourt, A
 * Conceptual Introduction to Hamiltonian Monte Carlo, 2017 (multinomial sampling, the generalised
 * no-U-turn criterion), or have a fixed length (Neal, MCMC Using Hamiltonian Dynamics, 2011).
 *
 * Nothing allocates after _new. All random numbers are addressed by (seed, chain, name, step), so a
 * chain is the same however it is run. */
#ifndef URN_INFERENCE_MCMC_HMC_H
#define URN_INFERENCE_MCMC_HMC_H

#include "adapt.h"

/* Complete: there are no defaults but those of urn__hmc_defaults. */
/* Leapfrogs a trajectory of given length has at most, however small its steps: it is cut there,
 * which leaves the posterior as it is and the chain slow. */
enum { URN__HMC_MOST_STEPS = 1 << 14 };

typedef struct urn__hmc_options {
    const char *name; /* of its random streams; borrowed */
    uint64_t seed, chain;
    urn__metric_kind metric;
    bool fixed_path;  /* plain HMC, else NUTS */
    double path;      /* plain HMC: length of a trajectory in units of the metric; ... */
    int64_t n_steps;  /* ... or, if not 0, its leapfrog steps */
    int max_depth;    /* NUTS: doublings of a trajectory */
    double jitter;    /* share by which step sizes vary at random, 0 to 1 */
    double delta;     /* acceptance statistic wanted */
    double step_size; /* the first guess; without warm-up the step size */
    int64_t n_warmup; /* steps 1 .. n_warmup adapt */
    const double *inverse_metric; /* to begin with: size or size^2 numbers; NULL: ones */
} urn__hmc_options;
/* NUTS as Stan runs it, without warm-up. */
urn__hmc_options urn__hmc_defaults(const char *name, uint64_t seed, uint64_t chain);

enum { URN__MOST_DEPTH = 20 };

typedef struct urn__hmc urn__hmc;

/* `target` is borrowed. URN_ERR_USAGE where the inverse metric is not positive definite. On failure
 * *hmc is NULL. */
urn_status urn__hmc_new(const urn__target *target, const urn__hmc_options *options, urn__hmc **hmc,
                        urn_error *error);
void urn__hmc_free(urn__hmc *hmc);
/* Bytes of a chain. */
int64_t urn__hmc_memory(int64_t size, const urn__hmc_options *options);

/* Puts the chain somewhere: at its start, or after somebody else changed what the target is held
 * at. False if log density or gradient are not finite there. Costs an evaluation. */
bool urn__hmc_place(urn__hmc *hmc, const double *position);
/* Where it is: `size` numbers. */
const double *urn__hmc_position(const urn__hmc *hmc);

typedef struct urn__hmc_info {
    double log_density, energy; /* of the new position; energy with its momentum */
    double acceptance;          /* statistic that the step size is adapted to */
    double step_size;           /* of this transition */
    int depth;                  /* NUTS: doublings */
    int64_t n_steps;            /* leapfrog steps */
    bool diverging;             /* the energy rose by more than 1,000 */
} urn__hmc_info;

/* Transition number `step` (from 1), adapting up to n_warmup. The first needs _place before. Fails
 * when no step size is acceptable (URN_ERR_RUNTIME, in words) and when the metric overflows. */
urn_status urn__hmc_step(urn__hmc *hmc, int64_t step, urn__hmc_info *info, urn_error *error);
double urn__hmc_step_size(const urn__hmc *hmc);
const urn__metric *urn__hmc_metric(const urn__hmc *hmc);

#endif
