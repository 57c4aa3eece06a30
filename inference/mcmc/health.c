/* Numbers and warnings of Hamiltonian chains: see health.h. */
#include "health.h"
#include "../diagnostics/chains.h"
#include "hmc.h"

#include <math.h>
#include <string.h>

#define LOW_E_BFMI 0.3

static double total(const urn__chain_stats *chain, int column)
{
    double sum = 0.0;
    for (int64_t i = 0; i < chain->n; i++)
        sum += chain->values[i * chain->n_stats + column];
    return sum;
}

static int64_t at_depth(const urn__chain_stats *chain, int64_t depth)
{
    int64_t n = 0;
    for (int64_t i = 0; i < chain->n; i++)
        n += chain->values[i * chain->n_stats + URN__STAT_DEPTH] >= (double)depth;
    return n;
}

static double share(double part, double whole)
{
    return whole > 0.0 ? 100.0 * part / whole : 0.0;
}

static void warn_divergences(urn__run *run, int64_t n, int64_t draws)
{
    const double delta = urn__setting_real(run->settings, "delta");
    const double next = delta < 0.9 ? 0.95 : delta < 0.99 ? 0.99 : 0.999;
    urn__run_warn(run,
                  "%lld of %lld draws (%.2g %%) diverged: trajectories could not follow the "
                  "posterior where it is sharply curved, so the draws may miss part of it. Take "
                  "smaller steps (--delta %g); if that does not help, write the model so that a "
                  "scale multiplies standard normal sites instead of being their scale "
                  "(non-centred: --reparam auto does so where data say little), or narrow wide "
                  "priors",
                  (long long)n, (long long)draws, share((double)n, (double)draws), next);
}

static void warn_depth(urn__run *run, int64_t n, int64_t draws)
{
    const int64_t depth = urn__setting_int(run->settings, "max-depth");
    urn__run_warn(run,
                  "%lld of %lld draws (%.2g %%) used all %lld doublings of --max-depth: "
                  "trajectories ended before they turned, so chains mix slowly for what they cost. "
                  "Bring the data to similar scales, try --metric dense where sites are "
                  "correlated, warm up longer, or allow --max-depth %lld",
                  (long long)n, (long long)draws, share((double)n, (double)draws), (long long)depth,
                  (long long)depth + 2);
}

/* Trajectories whose steps are too small for their length. */
static void warn_cut(urn__run *run, int n_chains, const urn__chain_stats *chains, int64_t draws)
{
    int64_t n = 0;
    if (urn__setting(run->settings, "leapfrogs")->set)
        return;
    for (int c = 0; c < n_chains; c++)
        for (int64_t i = 0; i < chains[c].n; i++)
            n += chains[c].values[i * chains[c].n_stats + URN__STAT_N_STEPS] >= URN__HMC_MOST_STEPS;
    if (n > 0)
        urn__run_warn(run,
                      "%lld of %lld draws ended after %d leapfrogs, short of --path: steps "
                      "became so small that the posterior must be sharply curved somewhere. Use "
                      "--engine nuts, or give priors that keep scales away from 0",
                      (long long)n, (long long)draws, URN__HMC_MOST_STEPS);
}

static void warn_energy(urn__run *run, int chain, double e_bfmi)
{
    urn__run_warn(run,
                  "E-BFMI of chain %d is %.2g, below %g: fresh momenta change the energy too "
                  "little from draw to draw, so tails are explored slowly. Write hierarchies "
                  "non-centred (or --reparam auto), give heavy-tailed sites tighter priors, or "
                  "draw more",
                  chain, e_bfmi, LOW_E_BFMI);
}

/* The lowest; NaN where no chain has one. */
static double lowest_e_bfmi(urn__run *run, int n_chains, const urn__chain_stats *chains)
{
    double lowest = (double)NAN;
    for (int c = 0; c < n_chains; c++) {
        const double e_bfmi =
            urn__e_bfmi(chains[c].n, chains[c].values + URN__STAT_ENERGY, chains[c].n_stats);
        if (e_bfmi < LOW_E_BFMI)
            warn_energy(run, c, e_bfmi);
        lowest = fmin(lowest, e_bfmi);
    }
    return lowest;
}

urn_status urn__hmc_conclude(urn__run *run, int n_chains, const urn__chain_stats *chains,
                             urn_error *error)
{
    (void)error;
    const bool trees = strcmp(run->settings->engine, "nuts") == 0;
    double divergent = 0.0, leapfrogs = 0.0, acceptance = 0.0;
    int64_t saturated = 0, draws = 0;
    for (int c = 0; c < n_chains; c++) {
        draws += chains[c].n;
        divergent += total(&chains[c], URN__STAT_DIVERGING);
        leapfrogs += total(&chains[c], URN__STAT_N_STEPS);
        acceptance += total(&chains[c], URN__STAT_ACCEPTANCE);
        if (trees)
            saturated += at_depth(&chains[c], urn__setting_int(run->settings, "max-depth"));
    }
    if (draws == 0)
        return URN_OK;
    urn__run_number(run, "divergences", divergent, false);
    if (trees)
        urn__run_number(run, "max_depth_reached", (double)saturated, false);
    urn__run_number(run, "leapfrogs_per_draw", leapfrogs / (double)draws, false);
    urn__run_number(run, "acceptance_rate", acceptance / (double)draws, false);
    if (divergent > 0.0)
        warn_divergences(run, (int64_t)divergent, draws);
    if (saturated > 0)
        warn_depth(run, saturated, draws);
    if (!trees)
        warn_cut(run, n_chains, chains, draws);
    urn__run_number(run, "e_bfmi", lowest_e_bfmi(run, n_chains, chains), false);
    return URN_OK;
}
