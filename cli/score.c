/* Scores of held-out rows, beside baselines that know only means. */
#include "score.h"
#include "../io/io.h"
#include <math.h>
#include <string.h>

/* Training and held-out rows of one observed site. */
typedef struct rows {
    const double *y, *y_test;
    int64_t n, n_test;
    urn_plate_info plate, plate_test;
} rows;

static void add_baseline(cli_score *score, const char *name, const rows *r, const double *predicted)
{
    if (score->n_baselines == CLI_MAX_BASELINES)
        return;
    double squares = 0.0, sizes = 0.0;
    for (int64_t i = 0; i < r->n_test; i++) {
        const double e = r->y_test[i] - predicted[i];
        squares += e * e;
        sizes += fabs(e);
    }
    cli_baseline *b = &score->baselines[score->n_baselines++];
    snprintf(b->name, sizeof b->name, "%s", name);
    b->rmse = sqrt(squares / (double)r->n_test);
    b->mae = sizes / (double)r->n_test;
}

/* Predicts each held-out row by the training mean of its id; by the global mean without one. */
static urn_status group_means(const rows *r, const urn_plate_info *ids, const int32_t *codes,
                              const int32_t *codes_test, double global, urn__arena *arena,
                              unsigned char *unseen, cli_score *score, urn_error *error)
{
    double *sums = urn__arena_alloc(arena, (size_t)ids->size, sizeof *sums);
    double *counts = urn__arena_alloc(arena, (size_t)ids->size, sizeof *counts);
    double *predicted = urn__arena_alloc(arena, (size_t)r->n_test, sizeof *predicted);
    if (urn__arena_failed(arena))
        return cli_fail_memory(error);
    for (int64_t i = 0; i < r->n; i++) {
        sums[codes[i]] += r->y[i];
        counts[codes[i]] += 1.0;
    }
    int64_t n_unseen = 0;
    for (int64_t i = 0; i < r->n_test; i++) {
        const int32_t c = codes_test[i];
        n_unseen += counts[c] == 0.0;
        unseen[i] |= counts[c] == 0.0;
        predicted[i] = counts[c] > 0.0 ? sums[c] / counts[c] : global;
    }
    char name[96];
    snprintf(name, sizeof name, "%s means", ids->name);
    add_baseline(score, name, r, predicted);
    if (score->n_unseen_plates < CLI_MAX_BASELINES) {
        const int k = score->n_unseen_plates++;
        snprintf(score->unseen[k].plate, sizeof score->unseen[k].plate, "%s", ids->name);
        score->unseen[k].n = n_unseen;
    }
    return URN_OK;
}

static urn_status baselines(const urn_dataset *data, const urn_model *training,
                            const urn_model *target, const rows *r, urn__arena *arena,
                            cli_score *score, urn_error *error)
{
    double *predicted = urn__arena_alloc(arena, (size_t)r->n_test, sizeof *predicted);
    unsigned char *unseen = urn__arena_alloc(arena, (size_t)r->n_test, 1);
    if (urn__arena_failed(arena))
        return cli_fail_memory(error);
    double global = 0.0;
    for (int64_t i = 0; i < r->n; i++)
        global += r->y[i] / (double)r->n;
    for (int64_t i = 0; i < r->n_test; i++)
        predicted[i] = global;
    add_baseline(score, "global mean", r, predicted);
    urn_plate_info ids;
    for (int k = 0; cli_plate_of_ids(target, k, &ids); k++) {
        const int32_t *codes = NULL, *codes_test = NULL;
        URN_TRY(cli_codes(data, training, &r->plate, &ids, arena, &codes, error));
        URN_TRY(cli_codes(data, target, &r->plate_test, &ids, arena, &codes_test, error));
        if (codes != NULL && codes_test != NULL)
            URN_TRY(group_means(r, &ids, codes, codes_test, global, arena, unseen, score, error));
    }
    for (int64_t i = 0; i < r->n_test; i++)
        score->n_unseen += unseen[i];
    return URN_OK;
}

urn_status cli_score_site(const urn_dataset *data, const urn_model *training,
                          const urn_model *target, const urn_posterior *posterior, int k,
                          const urn_predict_options *options, const urn_prediction *prediction,
                          bool *found, cli_score *score, urn_error *error)
{
    *score = (cli_score){0};
    rows r = {0};
    const int site = cli_observed_site(training, k, &r.plate);
    const int site_test = cli_observed_site(target, k, &r.plate_test);
    *found = site >= 0 && site_test >= 0;
    if (!*found)
        return URN_OK;
    urn_site_info info;
    urn_model_site(target, site_test, &info);
    snprintf(score->site, sizeof score->site, "%s", info.name);
    r.y = urn_model_observed(training, site);
    r.y_test = urn_model_observed(target, site_test);
    r.n = r.plate.size;
    r.n_test = r.plate_test.size;
    score->n_training = r.n;
    if (r.y == NULL || r.y_test == NULL || r.n_test == 0)
        return URN_OK;

    urn_predict_options predict = *options;
    predict.site = info.name;
    urn_prediction *made = NULL;
    if (prediction == NULL)
        URN_TRY(urn_predict(training, posterior, target, &predict, &made, error));
    urn_score(prediction != NULL ? prediction : made, r.y_test, &score->scores);
    urn_prediction_free(made);

    urn__arena *arena = urn__arena_new(NULL);
    if (arena == NULL)
        return cli_fail_memory(error);
    const urn_status status = baselines(data, training, target, &r, arena, score, error);
    urn__arena_free(arena);
    return status;
}

static void print_coverage(double share)
{
    if (isnan(share))
        printf("%9s", "-");
    else
        printf("%7.1f %%", 100.0 * share);
}

void cli_score_print(const cli_score *score, const char *model)
{
    char a[32], b[32];
    const urn_scores *s = &score->scores;
    printf("\n%sheld out%s, site %s: %lld rows, %lld of them with an id never seen in training",
           cli_bold(), cli_plain(), score->site, (long long)s->n, (long long)score->n_unseen);
    for (int k = 0; k < score->n_unseen_plates; k++)
        printf("%s%s %lld%s", k == 0 ? " (" : ", ", score->unseen[k].plate,
               (long long)score->unseen[k].n, k + 1 == score->n_unseen_plates ? ")" : "");
    putchar('\n');
    if (s->n == 0)
        return;
    printf("  %-20s %10s %10s\n", "", "RMSE", "MAE");
    printf("  %-20s %10s %10s\n", model, cli_number(s->rmse, a), cli_number(s->mae, b));
    for (int i = 0; i < score->n_baselines; i++)
        printf("  %-20s %10s %10s\n", score->baselines[i].name,
               cli_number(score->baselines[i].rmse, a), cli_number(score->baselines[i].mae, b));
    printf("  mean log predictive density %s\n", cli_number(s->mean_log_predictive_density, a));
    printf("  coverage of intervals      50 %%     80 %%     95 %%\n    observed           ");
    print_coverage(s->coverage_50);
    print_coverage(s->coverage_80);
    print_coverage(s->coverage_95);
    putchar('\n');
}

json_t *cli_baselines_json(const cli_score *score)
{
    json_t *object = json_object();
    for (int i = 0; i < score->n_baselines; i++) {
        char key[96];
        snprintf(key, sizeof key, "%s", score->baselines[i].name);
        for (char *p = key; *p != '\0'; p++)
            if (*p == ' ')
                *p = '_';
        json_object_set_new(object, key,
                            json_pack("{s:o,s:o}", "rmse",
                                      urn__io_json_real(score->baselines[i].rmse), "mae",
                                      urn__io_json_real(score->baselines[i].mae)));
    }
    return object;
}

json_t *cli_score_json(const cli_score *score)
{
    const urn_scores *s = &score->scores;
    return json_pack(
        "{s:s,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:o}", "site", score->site, "n", (json_int_t)s->n,
        "n_unseen", (json_int_t)score->n_unseen, "rmse", urn__io_json_real(s->rmse), "mae",
        urn__io_json_real(s->mae), "mean_log_predictive_density",
        urn__io_json_real(s->mean_log_predictive_density), "coverage_50",
        urn__io_json_real(s->coverage_50), "coverage_80", urn__io_json_real(s->coverage_80),
        "coverage_95", urn__io_json_real(s->coverage_95));
}
