/* Ranks of truths among draws: see ranks.h. */
#include "ranks.h"
#include "../../runtime/family/special.h"

#include <math.h>

void urn__ranks_start(urn__ranks *ranks, int64_t n_draws, int64_t n_trials)
{
    *ranks = (urn__ranks){.n_draws = n_draws, .n_bins = 1};
    for (int n = 2; n <= URN__RANK_BINS && 5 * n <= n_trials; n++)
        if ((n_draws + 1) % n == 0)
            ranks->n_bins = n;
}

void urn__ranks_add(urn__ranks *ranks, int64_t rank)
{
    const double middle = 0.5 * (double)ranks->n_draws, off = (double)rank - middle;
    ranks->trials++;
    ranks->bin[rank * ranks->n_bins / (ranks->n_draws + 1)]++;
    ranks->shift += off;
    ranks->spread += off * off;
}

double urn__ranks_p(const urn__ranks *ranks)
{
    const double expected = (double)ranks->trials / ranks->n_bins;
    double chi = 0.0;
    for (int b = 0; b < ranks->n_bins; b++)
        chi += ((double)ranks->bin[b] - expected) * ((double)ranks->bin[b] - expected) / expected;
    if (ranks->n_bins < 2 || ranks->trials < 1)
        return (double)NAN;
    return urn__gamma_q(0.5 * (ranks->n_bins - 1), 0.5 * chi);
}

/* Moments of a uniform rank about the middle, n = n_draws + 1 values: (n^2 - 1) / 12 and
 * (n^2 - 1) (3 n^2 - 7) / 240. */
static double second(const urn__ranks *ranks)
{
    const double n = (double)ranks->n_draws + 1.0;
    return (n * n - 1.0) / 12.0;
}

static double fourth(const urn__ranks *ranks)
{
    const double n = (double)ranks->n_draws + 1.0;
    return (n * n - 1.0) * (3.0 * n * n - 7.0) / 240.0;
}

double urn__ranks_shift(const urn__ranks *ranks)
{
    return ranks->shift / sqrt((double)ranks->trials * second(ranks));
}

double urn__ranks_spread(const urn__ranks *ranks)
{
    const double variance = fourth(ranks) - second(ranks) * second(ranks);
    return (ranks->spread - (double)ranks->trials * second(ranks)) /
           sqrt((double)ranks->trials * variance);
}
