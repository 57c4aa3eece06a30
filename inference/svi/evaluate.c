/* What is measured when the steps are done: the loss on fresh draws, whether it was still falling,
 * and how far the guide is from the posterior (Vehtari et al., Pareto smoothed importance sampling,
 * 2024; Yao, Vehtari, Simpson and Gelman, Yes, but did it work?, 2018). */
#include "../psis.h"
#include "svi.h"

#include <math.h>

#define LEAST_K_HAT_DRAWS 100

/* Draws `number` of the evaluation: log p, and log q where it exists. */
static urn_status evaluate_draw(urn__svi *svi, int64_t number, double *log_p, double *log_q,
                                double *entropy, urn_error *error)
{
    const urn__run *run = svi->run;
    const uint64_t chain = urn__chain_for(URN__USE_EVALUATION, run->chain);
    URN_TRY(urn__target_address(run->target, run->seed, chain, number, error));
    urn__guide_sample(&svi->guide, (urn__draw){run->seed, chain, number});
    *entropy = urn__guide_entropy(&svi->guide);
    *log_p = urn__guide_target_density(&svi->guide, false);
    *log_q = svi->normal ? urn__guide_log_density(&svi->guide) : 0.0;
    return URN_OK;
}

/* Draws until all are done or the run is interrupted. */
static urn_status evaluate_all(urn__svi *svi, int64_t n_loss, int64_t n_all, double *mean,
                               double *error_of_mean, urn_error *error)
{
    urn__run *run = svi->run;
    double sum = 0.0, squares = 0.0;
    urn__run_govern_start(run);
    for (int64_t i = 0; i < n_all; i++) {
        double log_p, log_q, entropy;
        const double start = urn__clock_now();
        URN_TRY(evaluate_draw(svi, i, &log_p, &log_q, &entropy, error));
        urn__run_govern(run, urn__clock_now() - start);
        svi->log_weight[i] = log_p - log_q;
        if (i < n_loss) { /* Welford's running mean and sum of squares */
            const double loss = -(log_p + entropy) / run->target->observations;
            const double change = loss - sum;
            sum += change / (double)(i + 1);
            squares += change * (loss - sum);
        }
        if (!urn__run_evaluating(run, i + 1, n_all))
            return URN_OK;
    }
    *mean = sum;
    *error_of_mean = sqrt(squares / ((double)n_loss - 1.0) / (double)n_loss);
    return URN_OK;
}

static void warn_of_trend(urn__svi *svi, double loss)
{
    urn__run *run = svi->run;
    const urn__slope slope = urn__trend_slope(&run->trend);
    if (urn__slope_falls(&slope, loss, run->target->observations))
        urn__run_warn(
            run,
            "the loss still falls by %.3g per 1,000 steps at the last step: run more steps "
            "(--steps) or use a higher --lr",
            -1e3 * slope.per_step);
}

static const char *words_for(double k)
{
    if (k > 1.0)
        return "draws of the guide cannot even be reweighted to the posterior, and its scales are "
               "likely too narrow";
    return "draws of the guide reweight poorly to the posterior: means may do, scales and tails "
           "are "
           "off";
}

static urn_status note_k_hat(urn__svi *svi, bool batched, urn_error *error)
{
    urn__run *run = svi->run;
    double k = 0.0;
    if (svi->k_hat_draws < LEAST_K_HAT_DRAWS)
        return URN_OK;
    if (batched) {
        urn__run_warn(run,
                      "k-hat needs the whole density, not mini-batches of it, and was left out");
        return URN_OK;
    }
    /* where weights all agree the guide is the posterior: k-hat is 0 */
    if (!urn__weights_agree(svi->k_hat_draws, svi->log_weight))
        URN_TRY(urn__psis(run->allocator, svi->k_hat_draws, svi->log_weight, 1.0, &k, error));
    urn__run_number(run, "k_hat", k, false);
    if (k > 0.7)
        urn__run_warn(run, "Pareto k-hat of the guide is %.2f, above 0.7: %s", k, words_for(k));
    return URN_OK;
}

urn_status urn__svi_evaluate(urn__svi *svi, urn_error *error)
{
    urn__run *run = svi->run;
    bool batched;
    URN_TRY(urn__guide_varies(&svi->guide, run->seed, &batched, error));
    /* A point without mini-batches has one value. */
    const int64_t n_loss = svi->normal || batched ? svi->evaluations : 1;
    const int64_t n_all = n_loss > svi->k_hat_draws ? n_loss : svi->k_hat_draws;
    double loss = NAN, error_of_loss = NAN;
    URN_TRY(evaluate_all(svi, n_loss, batched ? n_loss : n_all, &loss, &error_of_loss, error));
    if (run->interrupted)
        return URN_OK;
    urn__run_number(run, "loss_per_observation", loss, false);
    if (n_loss > 1)
        urn__run_number(run, "loss_standard_error", error_of_loss, false);
    warn_of_trend(svi, loss);
    if (!svi->normal)
        return URN_OK;
    return note_k_hat(svi, batched, error);
}
