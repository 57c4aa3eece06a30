/* What a comparison means, in words (see compare.h). Every claim rests on a threshold given there.
 */
#include "compare.h"

#include "../replays.h"

#include <math.h>
#include <string.h>

/* ---- the health of a run ---- */

/* Of those that decide, the one whose chains are furthest apart; NULL without any. */
static const urn__series *worst_series(const urn__digest *d)
{
    const urn__series *worst = NULL;
    for (int i = 0; i < d->n_series; i++) {
        const urn__series *s = &d->series[i];
        if (urn__decides(s->kind, s->turns) && !isnan(s->r_hat) &&
            (!worst || s->r_hat > worst->r_hat))
            worst = s;
    }
    return worst;
}

static bool is_sampler(const urn__judged *run)
{
    return run->digest->posterior == URN_POSTERIOR_DRAWS;
}

static bool chains_disagree(const urn__judged *run)
{
    return is_sampler(run) && run->digest->worst_r_hat > URN__R_HAT_LIMIT;
}

/* Are the chains at different places, as a number of the whole model shows? (Of many single
 * predictions some are slow.) */
static bool sit_apart(const urn__digest *d)
{
    const urn__series *worst = worst_series(d);
    return worst && worst->r_hat > URN__R_HAT_MODES;
}

static const char *disagreement(const urn__digest *d)
{
    return sit_apart(d) ? "disagree" : "do not agree yet";
}

static bool too_short(const urn__judged *run)
{
    const urn__digest *d = run->digest;
    return is_sampler(run) && d->least_ess < URN__ESS_LIMIT * (double)d->n_chains;
}

/* Appends a reason; reasons are separated by "; ". */
static void begin_reason(urn__text *why)
{
    if (why->length > 0)
        urn__text_add(why, "; ");
}

static void sampler_reasons(const urn__judged *run, urn__text *why)
{
    const urn__digest *d = run->digest;
    if (d->n_chains < 2 || isnan(d->worst_r_hat)) {
        begin_reason(why);
        urn__text_add(why, d->n_chains < 2 ? "one chain cannot tell whether it has converged"
                                           : "too few draws to tell whether the chains agree");
    } else if (chains_disagree(run)) {
        begin_reason(why);
        urn__text_add(why, "its %lld chains %s: R-hat %.3g, of %s", (long long)d->n_chains,
                      disagreement(d), d->worst_r_hat, d->worst_r_hat_of);
    }
    if (too_short(run)) {
        begin_reason(why);
        urn__text_add(why, "the effective size is %.0f, of %s", d->least_ess, d->least_ess_of);
    }
    if (run->divergences > 0.0) {
        begin_reason(why);
        urn__text_add(why, "%.0f divergences", run->divergences);
    }
}

bool urn__converged(const urn__judged *run, urn__text *why)
{
    const size_t before = why->length;
    if (run->interrupted) {
        begin_reason(why);
        urn__text_add(why, "it was interrupted");
    }
    if (is_sampler(run)) {
        sampler_reasons(run, why);
    } else if (run->n_warnings > 0) {
        begin_reason(why);
        urn__text_add(why, "the fit has warnings");
    }
    return why->length == before;
}

/* Samplers in the same rank are told apart by their effective sizes. */
static double rank_of(const urn__judged *run)
{
    urn__text why = {0};
    const bool converged = urn__converged(run, &why);
    urn__text_clear(&why);
    const urn_posterior_kind kind = run->digest->posterior;
    return (kind == URN_POSTERIOR_DRAWS   ? 4.0
            : kind != URN_POSTERIOR_POINT ? 2.0
                                          : 0.0) +
           (converged ? 1.0 : 0.0);
}

int urn__choose_reference(int n, const urn__judged *runs)
{
    int best = 0;
    for (int i = 1; i < n; i++) {
        const double own = rank_of(&runs[i]), other = rank_of(&runs[best]);
        if (own > other || (own == other && is_sampler(&runs[i]) &&
                            runs[i].digest->least_ess > runs[best].digest->least_ess))
            best = i;
    }
    return best;
}

static void say_means_by_chain(const urn__series *s, urn__text *text)
{
    urn__text_add(text, " The chains' means of %s are", s->name);
    for (int64_t c = 0; c < s->n_chains; c++)
        urn__text_add(text, "%s %.4g",
                      c == 0                ? ""
                      : c + 1 < s->n_chains ? ","
                                            : " and",
                      s->chain_mean[c]);
    urn__text_add(text, ".");
}

static void say_sampler(const urn__judged *run, urn__text *text)
{
    const urn__digest *d = run->digest;
    const urn__series *worst = worst_series(d);
    if (d->n_chains < 2) {
        urn__text_add(text, " One chain, so whether it has converged cannot be told: run four.");
        return;
    }
    if (!chains_disagree(run)) {
        urn__text_add(text, " Its %lld chains agree (largest R-hat %.4g, of %s).",
                      (long long)d->n_chains, d->worst_r_hat, d->worst_r_hat_of);
        return;
    }
    urn__text_add(text, " Its %lld chains %s (R-hat %.3g of %s, above %g).", (long long)d->n_chains,
                  disagreement(d), d->worst_r_hat, d->worst_r_hat_of, URN__R_HAT_LIMIT);
    if (!sit_apart(d)) {
        urn__text_add(text, " Longer chains will tell.");
        return;
    }
    say_means_by_chain(worst, text);
    for (int i = 0; i < d->n_series; i++)
        if (d->series[i].kind == URN__QUANTITY_NOISE && &d->series[i] != worst &&
            d->series[i].r_hat > URN__R_HAT_LIMIT) {
            urn__text_add(text, " %s has R-hat %.3g.", d->series[i].name, d->series[i].r_hat);
            say_means_by_chain(&d->series[i], text);
        }
    urn__text_add(text, " They sit in different modes, or have not mixed yet: averages over them "
                        "are not the posterior's.");
}

static void say_health(const urn__judged *run, urn__text *text)
{
    urn__text_add(text, "%s (%s):", run->name, run->engine);
    if (is_sampler(run))
        say_sampler(run, text);
    if (too_short(run))
        urn__text_add(text,
                      " Its draws are worth %.0f independent ones (of %s), fewer than %.0f a "
                      "chain: errors and quantiles are rough.",
                      run->digest->least_ess, run->digest->least_ess_of, URN__ESS_LIMIT);
    if (run->digest->posterior == URN_POSTERIOR_POINT)
        urn__text_add(text, " A point: it says nothing about uncertainty but the noise.");
    if (run->k_hat > URN__K_HAT_LIMIT)
        urn__text_add(text,
                      " Its k-hat is %.3g, above %g: a guide that far from the posterior "
                      "cannot vouch for its own scales.",
                      run->k_hat, URN__K_HAT_LIMIT);
    else if (!isnan(run->k_hat))
        urn__text_add(text, " Its k-hat is %.2g, below %g.", run->k_hat, URN__K_HAT_LIMIT);
    if (run->divergences > 0.0)
        urn__text_add(text, " %.0f of its steps diverged.", run->divergences);
    if (run->interrupted)
        urn__text_add(text, " It was interrupted.");
    if (!is_sampler(run) && run->n_warnings > 0)
        urn__text_add(text, " Its fit has warnings.");
    else if (!is_sampler(run) && run->digest->posterior != URN_POSTERIOR_POINT && isnan(run->k_hat))
        urn__text_add(text, " No k-hat was measured.");
    urn__text_add(text, "\n");
}

/* ---- one run beside the reference ---- */

/* What was found, for the advice. */
typedef struct findings {
    bool shifted;       /* the noise or predictions have another mean */
    bool parameters;    /* other numbers have another mean or sd */
    bool narrow, wide;  /* sds of predictions */
    bool worse, better; /* held-out scores */
} findings;

static bool is_shifted(const urn__series_versus *v)
{
    return fabs(v->over_sd) > URN__SHIFT_LIMIT &&
           (isnan(v->over_error) || fabs(v->over_error) > URN__ERROR_LIMIT);
}

static const char *spread_word(double ratio)
{
    return ratio < URN__SD_RATIO_LOW    ? ", so it is too sure"
           : ratio > URN__SD_RATIO_HIGH ? ", so it is less sure"
                                        : "";
}

static void say_noise(const urn__judged *run, findings *f, urn__text *text)
{
    for (int i = 0; i < run->versus->n_series; i++) {
        const urn__series_versus *v = &run->versus->series[i];
        if (v->own->kind != URN__QUANTITY_NOISE)
            continue;
        const bool shifted = is_shifted(v);
        f->shifted = f->shifted || shifted;
        urn__text_add(text, " The noise %s: %s is %.4g, against %.4g",
                      shifted ? "differs" : "agrees", v->own->name, v->own->mean,
                      v->reference->mean);
        if (!isnan(v->over_sd))
            urn__text_add(text, " (%.2g of the reference's sds apart)", fabs(v->over_sd));
        urn__text_add(text, ".");
    }
}

static void say_fields(const urn__judged *run, findings *f, urn__text *text)
{
    for (int i = 0; i < run->versus->n_fields; i++) {
        const urn__field_versus *v = &run->versus->fields[i];
        const bool held_out = v->own->kind == URN__QUANTITY_HELD_OUT;
        if ((!held_out && v->own->kind != URN__QUANTITY_NEW) || isnan(v->over_sd))
            continue;
        urn__text_add(text, " Means of %s are %.2g of the reference's sds apart on average",
                      v->own->name, v->over_sd);
        if (!isnan(v->correlation))
            urn__text_add(text, " (correlation %.3f)", v->correlation);
        if (run->digest->posterior == URN_POSTERIOR_POINT && held_out)
            urn__text_add(text, "; a point has no sd of them.");
        else
            urn__text_add(text, "; their sd is %.2f of the reference's%s.", v->sd_ratio,
                          spread_word(v->sd_ratio));
        if (!held_out)
            continue;
        f->shifted = f->shifted || v->over_sd > URN__SHIFT_LIMIT;
        f->narrow = f->narrow || v->sd_ratio < URN__SD_RATIO_LOW;
        f->wide = f->wide || v->sd_ratio > URN__SD_RATIO_HIGH;
    }
}

/* How many sds of the other identified numbers are off, in one sentence. */
static void say_others(const urn__judged *run, findings *f, urn__text *text)
{
    const bool point = run->digest->posterior == URN_POSTERIOR_POINT;
    int n = 0, narrow = 0, wide = 0, shifted = 0;
    for (int i = 0; i < run->versus->n_series; i++) {
        const urn__series_versus *v = &run->versus->series[i];
        if (!urn__decides(v->own->kind, v->own->turns) || isnan(v->sd_ratio))
            continue;
        n++;
        narrow += v->sd_ratio < URN__SD_RATIO_LOW;
        wide += v->sd_ratio > URN__SD_RATIO_HIGH;
        shifted += is_shifted(v);
    }
    if (n == 0)
        return;
    f->parameters = shifted + narrow + wide > 0;
    urn__text_add(text,
                  " Of the %d numbers compared, %d lie more than %g of the reference's sds away", n,
                  shifted, URN__SHIFT_LIMIT);
    if (!point)
        urn__text_add(text, "; the sds of %d are below %g of the reference's, those of %d above %g",
                      narrow, URN__SD_RATIO_LOW, wide, URN__SD_RATIO_HIGH);
    urn__text_add(text, ".");
}

/* -1: worse, by more than errors and `margin`; 1: better, 0: neither. `sign` is 1 where more is
 * better. */
static int judge(double difference, double se, double margin, int sign)
{
    if (!(fabs(difference) > URN__SCORE_ERRORS * se && fabs(difference) > margin))
        return 0;
    return difference * sign > 0.0 ? 1 : -1;
}

static void say_scores(const urn__judged *run, findings *f, urn__text *text)
{
    const urn__score_versus *s = &run->versus->scores;
    if (!run->versus->has_scores)
        return;
    urn__run_scores own;
    urn__score_cells(&run->digest->cells, 0, &own);
    const int found[] = {judge(s->rmse, s->rmse_se, URN__SCORE_SHARE * own.rmse, -1),
                         judge(s->density, s->density_se, URN__SCORE_NATS, 1),
                         judge(s->crps, s->crps_se, URN__SCORE_SHARE * own.crps, -1)};
    for (int k = 0; k < 3; k++) {
        f->worse = f->worse || found[k] < 0;
        f->better = f->better || found[k] > 0;
    }
    urn__text_add(text, " Held-out scores %s: RMSE %+.3g (se %.2g)",
                  f->worse && f->better ? "differ both ways"
                  : f->worse            ? "are worse"
                  : f->better           ? "are better"
                                        : "agree",
                  s->rmse, s->rmse_se);
    if (!isnan(s->density))
        urn__text_add(text, ", mean log predictive density %+.3g (%.2g)", s->density,
                      s->density_se);
    urn__text_add(text, ", CRPS %+.3g (%.2g).", s->crps, s->crps_se);
}

static void say_coverage(const urn__judged *run, urn__text *text)
{
    static const double levels[] = {0.50, 0.80, 0.95};
    urn__run_scores s;
    if (!urn__score_cells(&run->digest->cells, 0, &s) || isnan(s.coverage[0]))
        return;
    bool near = true;
    for (int k = 0; k < 3; k++)
        near =
            near && fabs(s.coverage[k] - levels[k]) <=
                        fmax(URN__LEVEL_LIMIT,
                             URN__SCORE_ERRORS * sqrt(levels[k] * (1.0 - levels[k]) / (double)s.n));
    urn__text_add(text,
                  " Its 50, 80 and 95 %% intervals hold %.1f, %.1f and %.1f %% of the "
                  "held-out rows, %s.",
                  100.0 * s.coverage[0], 100.0 * s.coverage[1], 100.0 * s.coverage[2],
                  near ? "as they should" : "which is off");
}

/* ---- what to do ---- */

static void advise(const urn__judged *run, const urn__judged *reference, const findings *f,
                   urn__text *text)
{
    const char *own = run->name, *other = reference->name;
    const bool point = run->digest->posterior == URN_POSTERIOR_POINT;
    if (f->worse && !f->better)
        urn__text_add(text, " Use %s: the predictions of %s are worse.", other, own);
    else if (point || f->narrow)
        urn__text_add(text,
                      " Use %s where it matters how sure an expectation is (intervals of it, "
                      "ranking under uncertainty)%s; %s will do for predictions of new rows, whose "
                      "spread is mostly noise.",
                      other, f->shifted ? ", and for parameters" : "", own);
    else if (f->better && !f->worse)
        urn__text_add(text, " Use %s: its held-out scores are better than the reference's.", own);
    else if (f->shifted || f->wide || f->parameters)
        urn__text_add(text, " Predictions may come from either; take parameters and sds from %s.",
                      other);
    else
        urn__text_add(text, " Either will do.");
}

static void say_versus(const urn__judged *run, const urn__judged *reference, urn__text *text)
{
    findings f = {0};
    urn__text_add(text, "%s beside %s:", run->name, reference->name);
    say_noise(run, &f, text);
    say_fields(run, &f, text);
    say_others(run, &f, text);
    say_scores(run, &f, text);
    say_coverage(run, text);
    advise(run, reference, &f, text);
    urn__text_add(text, "\n");
}

void urn__verdict(int n, const urn__judged *runs, int reference, urn__text *text)
{
    const urn__judged *r = &runs[reference];
    urn__text why = {0};
    for (int i = 0; i < n; i++)
        say_health(&runs[i], text);
    if (!is_sampler(r))
        urn__text_add(text, "No sampler is among the runs: approximations are compared with each "
                            "other, and may be wrong alike.\n");
    else if (!urn__converged(r, &why))
        urn__text_add(text, "The reference, %s, is not beyond doubt itself (%s): %s.\n", r->name,
                      why.data ? why.data : "",
                      sit_apart(r->digest) || r->digest->n_chains < 2
                          ? "a difference from it does not tell which run is wrong"
                          : "small differences from it may be its own");
    urn__text_clear(&why);
    for (int i = 0; i < n; i++)
        if (i != reference && runs[i].versus)
            say_versus(&runs[i], r, text);
}
