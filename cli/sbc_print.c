/* urn sbc: what the ranks say. */
#include "../inference/compare/compare.h"
#include "../inference/engine.h"
#include "../io/io.h"
#include "sbc.h"
#include <math.h>
#include <stdlib.h>

#define LEAST_INDEPENDENT 0.5 /* effective draws a draw */

enum { SHOWN = 40 };

/* What the ranks say, in words. Scores beyond 4 are no chance among some hundred quantities. */
static const char *verdict_of(const urn__ranks *r)
{
    if (urn__ranks_spread(r) > 4.0)
        return "draws too narrow";
    if (urn__ranks_spread(r) < -4.0)
        return "draws too wide";
    if (urn__ranks_shift(r) > 4.0)
        return "draws too low";
    if (urn__ranks_shift(r) < -4.0)
        return "draws too high";
    return "";
}

/* The smallest p-value times the number of quantities (Bonferroni). */
static double corrected(const sbc_run *c)
{
    double least = 1.0;
    for (int64_t i = 0; i < c->n; i++)
        least = fmin(least, urn__ranks_p(&c->quantities[i].ranks));
    return fmin(1.0, least * (double)c->n);
}

static bool is_uniform(const sbc_run *c)
{
    bool fine = corrected(c) > 0.01;
    for (int64_t i = 0; i < c->n; i++)
        fine = fine && verdict_of(&c->quantities[i].ranks)[0] == '\0';
    return fine;
}

/* A row of digits: each bin's share of what is expected, 5 being all of it. */
static void histogram(const urn__ranks *r, char text[URN__RANK_BINS + 1])
{
    for (int b = 0; b < r->n_bins; b++) {
        const double share = 5.0 * (double)r->bin[b] * r->n_bins / (double)r->trials;
        text[b] = (char)('0' + (share > 9.0 ? 9 : (int)(share + 0.5)));
    }
    text[r->n_bins] = '\0';
}

/* Effective draws a draw, on average over the trials. */
static double independent(const sbc_run *c, const sbc_quantity *q)
{
    return q->independent / ((double)q->ranks.trials * (double)c->draws);
}

static const sbc_quantity *most_correlated(const sbc_run *c)
{
    const sbc_quantity *most = &c->quantities[0];
    for (int64_t i = 1; i < c->n; i++)
        if (c->quantities[i].independent < most->independent)
            most = &c->quantities[i];
    return most;
}

static double median_k(const sbc_run *c)
{
    return c->n_k > 0 ? urn__quantile(c->n_k, c->k_hat, 0.5) : (double)NAN;
}

/* What else there is to know about the fits. */
static void print_remarks(const sbc_run *c)
{
    char text[32];
    const sbc_quantity *q = most_correlated(c);
    if (c->left_out != NULL && c->left_out[0] != '\0')
        printf("\n%s: identified only up to a turn, not ranked; their products are\n", c->left_out);
    if (independent(c, q) < LEAST_INDEPENDENT)
        printf(
            "\n%lld draws of %s are worth %s independent ones: correlated draws look too narrow, "
            "raise --thin\n",
            (long long)c->draws, q->name, cli_number(independent(c, q) * (double)c->draws, text));
    if (c->diverging > 0)
        printf("\n%lld fits had divergences: draws miss a narrow part of the posterior\n",
               (long long)c->diverging);
    if (c->n_k > 0)
        printf("\nk-hat of the guide: median %s, above %g in %lld of %lld fits%s\n",
               cli_number(median_k(c), text), URN__K_HAT_LIMIT, (long long)c->n_high_k,
               (long long)c->n_k,
               2 * c->n_high_k > c->n_k ? ": guides are far from their posteriors" : "");
    if (c->skipped > 0)
        printf("\n%lld trials are left out, whose fit failed; the last of them: %s\n",
               (long long)c->skipped, c->failure);
}

/* In which way ranks are not uniform; shares of the quantities. */
static const char *summary_of(const sbc_run *c)
{
    int64_t narrow = 0;
    if (is_uniform(c))
        return "ranks are uniform as far as these trials can tell";
    for (int64_t i = 0; i < c->n; i++)
        narrow += urn__ranks_spread(&c->quantities[i].ranks) > 4.0;
    if (narrow > 0 && c->args->engine->kind != URN__SAMPLER)
        return "ranks are not uniform: they pile up at both ends, the guide is narrower than the "
               "posterior";
    return "ranks are not uniform: the engine's posterior is off";
}

static void print_result(const sbc_run *c)
{
    char p[32], shift[32], spread[32], bins[URN__RANK_BINS + 1];
    printf("%s%s%s by %s: %lld trials, ranks among %lld draws\n\n", cli_bold(), c->source.def.name,
           cli_plain(), urn_engine_name(c->args->engine), (long long)(c->trials - c->skipped),
           (long long)c->draws);
    printf("%-24s %-20s %10s %8s %8s\n", "quantity", "ranks (5: as many as expected)", "p", "shift",
           "spread");
    for (int64_t i = 0; i < c->n && i < SHOWN; i++) {
        const urn__ranks *r = &c->quantities[i].ranks;
        histogram(r, bins);
        printf("%-24s %-30s %10s %8s %8s  %s\n", c->quantities[i].name, bins,
               cli_number(urn__ranks_p(r), p), cli_number(urn__ranks_shift(r), shift),
               cli_number(urn__ranks_spread(r), spread), verdict_of(r));
    }
    if (c->n > SHOWN)
        printf("... and %lld more\n", (long long)(c->n - SHOWN));
    print_remarks(c);
    printf("\n%s: least p, corrected for %lld quantities, %s\n", summary_of(c), (long long)c->n,
           cli_number(corrected(c), p));
}

static json_t *result_json(const sbc_run *c)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < c->n; i++) {
        const urn__ranks *r = &c->quantities[i].ranks;
        json_t *bins = json_array();
        for (int b = 0; b < r->n_bins; b++)
            json_array_append_new(bins, json_integer((json_int_t)r->bin[b]));
        json_array_append_new(
            list, json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:s}", "name", c->quantities[i].name, "bins",
                            bins, "p", urn__io_json_real(urn__ranks_p(r)), "shift",
                            urn__io_json_real(urn__ranks_shift(r)), "spread",
                            urn__io_json_real(urn__ranks_spread(r)), "independent",
                            urn__io_json_real(independent(c, &c->quantities[i])), "verdict",
                            verdict_of(r)));
    }
    json_t *result =
        json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:o,s:b,s:o,s:s}", "model", c->source.def.name,
                  "engine", urn_engine_name(c->args->engine), "trials", (json_int_t)c->trials,
                  "failed", (json_int_t)c->skipped, "diverging", (json_int_t)c->diverging, "draws",
                  (json_int_t)c->draws, "p", urn__io_json_real(corrected(c)), "uniform",
                  (int)is_uniform(c), "quantities", list, "summary", summary_of(c));
    if (c->n_k > 0 && result != NULL) {
        json_object_set_new(result, "k_hat_median", urn__io_json_real(median_k(c)));
        json_object_set_new(result, "k_hat_high", json_integer((json_int_t)c->n_high_k));
    }
    return result;
}

urn_status sbc_report(const sbc_run *c, urn_error *error)
{
    if (2 * c->skipped > c->trials)
        return cli_fail(error, URN_ERR_RUNTIME, NULL, "%lld of %lld fits failed; the last: %s",
                        (long long)c->skipped, (long long)c->trials, c->failure);
    if (cli_flag(c->args, "json"))
        URN_TRY(cli_print_json(result_json(c), error));
    else
        print_result(c);
    if (cli_flag(c->args, "strict") && !is_uniform(c))
        return cli_fail(error, URN_ERR_NOT_CONVERGED, NULL, "ranks are not uniform");
    return URN_OK;
}
