/* The JSON of urn compare. */
#include "compare.h"
#include <math.h>
#include <string.h>

static json_t *real(double value)
{
    return urn__io_json_real(value);
}

static void set(json_t *object, const char *key, double value)
{
    json_object_set_new(object, key, real(value));
}

static json_t *thresholds(void)
{
    return json_pack("{s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f}", "r_hat", URN__R_HAT_LIMIT,
                     "r_hat_modes", URN__R_HAT_MODES, "ess_per_chain", URN__ESS_LIMIT, "k_hat",
                     URN__K_HAT_LIMIT, "sd_ratio_low", URN__SD_RATIO_LOW, "sd_ratio_high",
                     URN__SD_RATIO_HIGH, "shift_in_sds", URN__SHIFT_LIMIT, "shift_in_errors",
                     URN__ERROR_LIMIT, "score_errors", URN__SCORE_ERRORS, "score_share",
                     URN__SCORE_SHARE, "score_nats", URN__SCORE_NATS, "coverage", URN__LEVEL_LIMIT);
}

/* ---- quantities ---- */

static const urn__series_versus *versus_of(const cli_compared *run, const urn__series *series)
{
    for (int i = 0; run->judged.versus != NULL && i < run->versus.n_series; i++)
        if (run->versus.series[i].own == series)
            return &run->versus.series[i];
    return NULL;
}

static const urn__field_versus *field_versus_of(const cli_compared *run, const urn__field *field)
{
    for (int i = 0; run->judged.versus != NULL && i < run->versus.n_fields; i++)
        if (run->versus.fields[i].own == field)
            return &run->versus.fields[i];
    return NULL;
}

static json_t *series_json(const cli_compared *run, const urn__series *s)
{
    json_t *object = json_pack("{s:s,s:s,s:b,s:I}", "name", s->name, "kind",
                               urn__quantity_word(s->kind), "identified", !s->turns, "draws",
                               (json_int_t)s->n_chains * (json_int_t)s->n_draws);
    json_t *means = json_array();
    const urn__series_versus *v = versus_of(run, s);
    set(object, "mean", s->mean);
    set(object, "sd", s->sd);
    set(object, "mcse", s->mcse);
    set(object, "q5", s->quantile[0]);
    set(object, "q50", s->quantile[1]);
    set(object, "q95", s->quantile[2]);
    set(object, "r_hat", s->r_hat);
    set(object, "ess_bulk", s->ess_bulk);
    set(object, "ess_tail", s->ess_tail);
    for (int64_t c = 0; c < s->n_chains; c++)
        json_array_append_new(means, real(s->chain_mean[c]));
    json_object_set_new(object, "chain_means", means);
    if (v == NULL)
        return object;
    set(object, "difference", v->difference);
    set(object, "difference_over_mcse", v->over_error);
    set(object, "difference_over_sd", v->over_sd);
    set(object, "sd_ratio", v->sd_ratio);
    set(object, "wasserstein", v->wasserstein);
    return object;
}

static json_t *field_json(const cli_compared *run, const urn__field *f)
{
    json_t *object =
        json_pack("{s:s,s:s,s:b,s:I}", "name", f->name, "kind", urn__quantity_word(f->kind),
                  "identified", !f->turns, "elements", (json_int_t)f->n);
    const urn__field_versus *v = field_versus_of(run, f);
    double mean = 0.0, sd = 0.0;
    for (int64_t i = 0; i < f->n; i++) {
        mean += f->mean[i] / (double)f->n;
        sd += f->sd[i] / (double)f->n;
    }
    set(object, "mean", mean);
    set(object, "mean_sd", sd);
    set(object, "worst_r_hat", f->r_hat);
    set(object, "least_ess_bulk", f->ess_bulk);
    if (v == NULL)
        return object;
    set(object, "correlation", v->correlation);
    set(object, "mean_distance", v->distance);
    set(object, "mean_distance_over_sd", v->over_sd);
    set(object, "sd_ratio", v->sd_ratio);
    set(object, "sd_ratio_median", v->sd_ratio_median);
    return object;
}

/* ---- scores ---- */

static json_t *scores_json(const urn__digest *d)
{
    json_t *groups = json_object();
    urn__run_scores s;
    for (int g = 0; g < URN__GROUPS; g++) {
        if (!urn__score_cells(&d->cells, g, &s))
            continue;
        json_t *object = json_pack("{s:I}", "n", (json_int_t)s.n);
        set(object, "rmse", s.rmse);
        set(object, "mae", s.mae);
        set(object, "mean_log_predictive_density", s.density);
        set(object, "mean_log_predictive_density_se", s.density_se);
        set(object, "crps", s.crps);
        set(object, "crps_se", s.crps_se);
        set(object, "coverage_50", s.coverage[0]);
        set(object, "coverage_80", s.coverage[1]);
        set(object, "coverage_95", s.coverage[2]);
        json_object_set_new(groups, urn__group_names[g], object);
    }
    return groups;
}

static json_t *score_versus_json(const cli_compared *run)
{
    const urn__score_versus *v = &run->versus.scores;
    json_t *object = json_object();
    if (run->versus.has_scores) {
        set(object, "rmse", v->rmse);
        set(object, "rmse_se", v->rmse_se);
        set(object, "mean_log_predictive_density", v->density);
        set(object, "mean_log_predictive_density_se", v->density_se);
        set(object, "crps", v->crps);
        set(object, "crps_se", v->crps_se);
    }
    set(object, "elpd_per_row", v->elpd);
    set(object, "elpd_per_row_se", v->elpd_se);
    return object;
}

static json_t *elpd_json(const urn__digest *d)
{
    const urn__elpd *e = &d->loo_total;
    if (d->loo == NULL)
        return json_null();
    return json_pack("{s:I,s:I,s:o,s:o,s:o,s:o,s:I}", "rows", (json_int_t)d->n_loo, "of",
                     (json_int_t)d->n_training, "elpd_per_row", real(e->elpd / (double)d->n_loo),
                     "se", real(e->se / (double)d->n_loo), "worst_k", real(e->worst_k), "good_k",
                     real(e->good_k), "n_bad", (json_int_t)e->n_bad);
}

/* ---- runs ---- */

static void add_health(const cli_comparison *c, const cli_compared *run, json_t *object)
{
    static const char *const kinds[] = {"draws", "normal", "point", "independent"};
    const urn__digest *d = run->digest;
    bool converged;
    const char *why = cli_compare_converged(run, c->arena, &converged);
    json_object_set_new(object, "posterior", json_string(kinds[d->posterior]));
    json_object_set_new(object, "chains", json_integer((json_int_t)d->n_chains));
    json_object_set_new(object, "draws", json_integer((json_int_t)d->n_draws));
    set(object, "worst_r_hat", d->worst_r_hat);
    json_object_set_new(object, "worst_r_hat_of",
                        d->worst_r_hat_of != NULL ? json_string(d->worst_r_hat_of) : json_null());
    set(object, "least_ess", d->least_ess);
    json_object_set_new(object, "least_ess_of",
                        d->least_ess_of != NULL ? json_string(d->least_ess_of) : json_null());
    set(object, "divergences", run->judged.divergences);
    set(object, "k_hat", run->judged.k_hat);
    json_object_set_new(object, "converged", json_boolean(converged));
    json_object_set_new(object, "not_converged_because",
                        converged ? json_null() : json_string(why + strlen("no: ")));
    json_t *warnings = json_object_get(run->json, "warnings");
    json_object_set(object, "warnings", warnings != NULL ? warnings : json_null());
}

static json_t *run_json(const cli_comparison *c, int i)
{
    const cli_compared *run = &c->runs[i];
    json_t *object = json_pack("{s:s,s:s,s:s,s:s,s:I,s:b,s:b}", "name", run->name, "path",
                               run->path, "model", urn__io_json_get_text(run->json, "model", ""),
                               "engine", urn__io_json_get_text(run->json, "engine", ""), "seed",
                               (json_int_t)urn__io_json_get_int(run->json, "seed", 0), "reference",
                               i == c->reference, "has_rows", run->has_rows);
    json_t *series = json_array(), *fields = json_array();
    add_health(c, run, object);
    for (int k = 0; k < run->digest->n_series; k++)
        json_array_append_new(series, series_json(run, &run->digest->series[k]));
    for (int k = 0; k < run->digest->n_fields; k++)
        json_array_append_new(fields, field_json(run, &run->digest->fields[k]));
    json_object_set_new(object, "quantities", series);
    json_object_set_new(object, "fields", fields);
    json_object_set_new(object, "scores", scores_json(run->digest));
    json_object_set_new(object, "elpd", elpd_json(run->digest));
    if (run->judged.versus != NULL)
        json_object_set_new(object, "score_differences", score_versus_json(run));
    return object;
}

json_t *cli_compare_json(const cli_comparison *c)
{
    json_t *runs = json_array(), *verdict = json_array();
    for (int i = 0; i < c->n; i++)
        json_array_append_new(runs, run_json(c, i));
    for (const char *p = c->verdict.data; p != NULL && *p != '\0';) {
        const size_t length = strcspn(p, "\n");
        json_array_append_new(verdict, json_stringn(p, length));
        p += length + (p[length] == '\n');
    }
    return json_pack("{s:s,s:s?,s:s?,s:o,s:o,s:o}", "reference", c->runs[c->reference].name, "by",
                     c->by[0] != '\0' ? c->by : NULL, "mismatch", c->mismatch.data, "thresholds",
                     thresholds(), "runs", runs, "verdict", verdict);
}
