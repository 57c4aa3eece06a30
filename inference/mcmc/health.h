/* What the steps of Hamiltonian chains say about the posterior they were made in. */
#ifndef URN_INFERENCE_MCMC_HEALTH_H
#define URN_INFERENCE_MCMC_HEALTH_H

#include "../driver.h"

/* The columns of the engines' stats. */
enum {
    URN__STAT_LP,
    URN__STAT_ACCEPTANCE,
    URN__STAT_STEP_SIZE,
    URN__STAT_N_STEPS,
    URN__STAT_DIVERGING,
    URN__STAT_ENERGY,
    URN__STAT_DEPTH /* NUTS only */
};

/* Divergences, saturated trajectories and E-BFMI: as numbers, and in words that say what to try. */
urn_status urn__hmc_conclude(urn__run *run, int n_chains, const urn__chain_stats *chains,
                             urn_error *error);

#endif
