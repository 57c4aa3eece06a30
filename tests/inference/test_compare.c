/* Comparisons of posteriors whose relation is known. */
#include "tests/inference/models.h"

#include "inference/compare/compare.h"

const urn_model_def *urn_model_hpmf(void);

enum { CHAINS = 4, DRAWS = 250, ALL = CHAINS * DRAWS };

/* Normal quantile (i + 1/2) / ALL of a standard normal, in an order that mixes. */
static double shuffled(int i, int step)
{
    const double p = ((double)(((int64_t)i * step) % ALL) + 0.5) / ALL, zero = 0.0, one = 1.0;
    double z;
    const urn_draw_call call = {
        .n = 1, .dim = 1, .event = 1, .param = {&zero, &one}, .stride = {1, 1}, .out = &z, .p = p};
    urn_family_normal()->quantile(&call);
    return z;
}

static urn_posterior *draws_of(int64_t size, const double *loc)
{
    urn_posterior *p;
    urn_error error = {0};
    assert_ok(urn_posterior_new(URN_POSTERIOR_DRAWS, size, CHAINS, DRAWS, loc, NULL, 3, &p, &error),
              &error);
    return p;
}

/* Draws of mu with this mean and sd; chain 3 is shifted. */
static urn_posterior *mu_draws(double mean, double sd, double shift)
{
    double loc[ALL];
    for (int i = 0; i < ALL; i++)
        loc[i] = mean + sd * shuffled(i, 387) + (i >= 3 * DRAWS ? shift : 0.0);
    return draws_of(1, loc);
}

static urn__digest *digest(const urn__digest_input *input)
{
    urn__digest *d;
    urn_error error = {0};
    assert_ok(urn__digest_run(input, &d, &error), &error);
    return d;
}

static urn__digest *digest_mu(const scene *s, urn_posterior *p)
{
    const urn__digest_input input = {.fitted = s->model,
                                     .posterior = p,
                                     .held_out = s->model,
                                     .training = s->model,
                                     .threads = 1,
                                     .seed = 5};
    urn__digest *d = digest(&input);
    urn_posterior_free(p);
    return d;
}

static const urn__series *series_of(const urn__digest *d, const char *name)
{
    for (int i = 0; i < d->n_series; i++)
        if (strcmp(d->series[i].name, name) == 0)
            return &d->series[i];
    fail_msg("no series %s", name);
    return NULL;
}

static const urn__series_versus *versus_of(const urn__versus *v, const char *name)
{
    for (int i = 0; i < v->n_series; i++)
        if (strcmp(v->series[i].own->name, name) == 0)
            return &v->series[i];
    fail_msg("%s is not compared", name);
    return NULL;
}

static void compare(const urn__digest *own, const urn__digest *reference, urn__arena *arena,
                    urn__versus *v)
{
    urn_error error = {0};
    assert_ok(urn__compare_digests(own, reference, arena, v, &error), &error);
}

static const double y3[3] = {1.0, 1.9, 3.5};

/* The same shuffled quantiles, 0.36 times as wide and 0.2 further on. */
static void a_known_ratio_of_sds(void **state)
{
    (void)state;
    scene s = scene_y(urn_model_normal_mean(), 3, y3);
    urn__digest *wide = digest_mu(&s, mu_draws(1.8, 0.4, 0.0));
    urn__digest *narrow = digest_mu(&s, mu_draws(2.0, 0.36 * 0.4, 0.0));
    urn__arena *arena = urn__arena_new(NULL);
    urn__versus v;
    compare(narrow, wide, arena, &v);
    const urn__series_versus *mu = versus_of(&v, "mu");
    double distance = 0.0;
    for (int i = 0; i < ALL; i++) /* the order of the quantiles is the same */
        distance += fabs(0.2 - 0.64 * 0.4 * shuffled(i, 1)) / ALL;
    assert_close(mu->difference, 0.2, 1e-12);
    assert_close(mu->sd_ratio, 0.36, 1e-12);
    assert_close(mu->wasserstein, distance, 1e-12);
    assert_close(mu->over_sd, 0.2 / mu->reference->sd, 1e-12);
    assert_close(mu->over_error, 0.2 / hypot(mu->own->mcse, mu->reference->mcse), 1e-9);
    assert_int_equal(v.n_fields, 1);
    assert_string_equal(v.fields[0].own->name, "held-out predictions");
    assert_close(v.fields[0].sd_ratio, 0.36, 1e-12);
    assert_close(v.fields[0].sd_ratio_median, 0.36, 1e-12);
    assert_close(v.fields[0].over_sd, 0.2 / mu->reference->sd, 1e-12);
    assert_true(wide->worst_r_hat < 1.01);
    assert_true(wide->least_ess > 400.0);
    urn__digest_free(wide);
    urn__digest_free(narrow);
    urn__arena_free(arena);
    scene_clear(&s);
}

/* Every series and score from its definition, by hand. */
static void quantities_are_what_they_say(void **state)
{
    (void)state;
    scene s = scene_y(urn_model_normal_mean(), 3, y3);
    urn__digest *d = digest_mu(&s, mu_draws(1.8, 0.4, 0.0));
    double sums[3] = {0.0}, mean = 0.0;
    for (int i = 0; i < ALL; i++) {
        const double mu = 1.8 + 0.4 * shuffled(i, 387);
        double log_lik = 0.0, squares = 0.0;
        for (int r = 0; r < 3; r++) {
            const double z = (y3[r] - mu) / 0.5, one = -0.5 * z * z - log(0.5) - 0.5 * LOG_2PI;
            log_lik += one;
            squares += (y3[r] - mu) * (y3[r] - mu);
            sums[r] += exp(one) / ALL;
        }
        mean += mu / ALL;
        assert_close(series_of(d, "mu")->draws[i], mu, 1e-13);
        assert_close(series_of(d, "mean held-out prediction")->draws[i], mu, 1e-13);
        assert_close(series_of(d, "log likelihood")->draws[i], log_lik, 1e-11);
        assert_close(series_of(d, "RMSE on training rows, of a draw")->draws[i],
                     sqrt(squares / 3.0), 1e-12);
    }
    assert_int_equal(d->n_loo, 3);
    for (int r = 0; r < 3; r++) {
        assert_close(d->cells.log_density[r], log(sums[r]), 1e-12);
        assert_close(d->loo[r].lppd, log(sums[r]), 1e-12);
        assert_true(d->loo[r].elpd < d->loo[r].lppd);
    }
    /* the predictive distribution is N(1.8, sqrt(0.41)), up to Monte Carlo error of 1,000 draws */
    for (int r = 0; r < 3; r++) {
        const double sd = sqrt(0.41), z = (y3[r] - mean) / sd, pi = acos(-1.0);
        const double crps = sd * (z * erf(z / sqrt(2.0)) +
                                  2.0 * exp(-0.5 * z * z) / sqrt(2.0 * pi) - 1.0 / sqrt(pi));
        assert_close(d->cells.crps[r], crps, 4.0 * sd / sqrt(1000.0));
    }
    urn__digest_free(d);
    scene_clear(&s);
}

/* Scores of cells are those of urn_predict and urn_score. */
static void scores_are_the_fit_s(void **state)
{
    (void)state;
    scene s = scene_y(urn_model_normal_mean(), 3, y3);
    const double loc[1] = {1.7}, scale[1] = {0.3};
    for (int kind = 0; kind < 2; kind++) {
        urn_posterior *p[2];
        for (int k = 0; k < 2; k++) {
            p[k] = mu_draws(1.8, 0.4, 0.0);
            if (kind == 1) {
                urn_posterior_free(p[k]);
                assert_int_equal(
                    urn_posterior_new(URN_POSTERIOR_NORMAL, 1, 1, 0, loc, scale, 9, &p[k], NULL),
                    URN_OK);
            }
        }
        const urn_predict_options options = {.bytes = sizeof options, .threads = 1, .seed = 5};
        urn_prediction *prediction;
        urn_scores expected;
        urn__run_scores scores;
        urn_error error = {0};
        assert_ok(urn_predict(s.model, p[0], s.model, &options, &prediction, &error), &error);
        urn_score(prediction, y3, &expected);
        urn__digest *d = digest_mu(&s, p[1]);
        assert_true(urn__score_cells(&d->cells, 0, &scores));
        assert_int_equal(scores.n, 3);
        assert_close(scores.rmse, expected.rmse, 1e-13);
        assert_close(scores.mae, expected.mae, 1e-13);
        assert_close(scores.density, expected.mean_log_predictive_density, 1e-12);
        assert_close(scores.coverage[0], expected.coverage_50, 1e-15);
        assert_close(scores.coverage[2], expected.coverage_95, 1e-15);
        assert_false(urn__score_cells(&d->cells, 1, &scores)); /* no groups were given */
        urn_prediction_free(prediction);
        urn_posterior_free(p[0]);
        urn__digest_free(d);
    }
    scene_clear(&s);
}

/* Paired differences and their errors, of rows that are known. */
static void differences_of_scores(void **state)
{
    (void)state;
    double observed[4] = {1, 2, 3, 4}, mean_a[4] = {1.5, 2, 3, 3}, mean_b[4] = {1, 2, 4, 3};
    double density_a[4] = {-1, -2, -1, -3}, density_b[4] = {-1.5, -2, -2, -2.5};
    double crps_a[4] = {.1, .2, .3, .4}, crps_b[4] = {.1, .2, .4, .4};
    unsigned char group[4] = {1, 2, 2, 4};
    urn__digest a = {.cells = {4, observed, mean_a, density_a, NULL, crps_a, group}}, b = a;
    b.cells = (urn__held_cells){4, observed, mean_b, density_b, NULL, crps_b, group};
    urn__arena *arena = urn__arena_new(NULL);
    urn__versus v;
    compare(&a, &b, arena, &v);
    assert_true(v.has_scores);
    /* squared errors .25 0 0 1 and 0 0 1 1; densities differ by .5 0 1 -.5 */
    const double rmse_a = sqrt(1.25 / 4.0), rmse_b = sqrt(0.5);
    assert_close(v.scores.rmse, rmse_a - rmse_b, 1e-14);
    assert_close(v.scores.rmse_se, sqrt(0.9218750 / 3.0) / 2.0 / (rmse_a + rmse_b) /* below */,
                 1e-9);
    assert_close(v.scores.density, 0.25, 1e-14);
    assert_close(v.scores.density_se, sqrt(1.25 / 3.0) / 2.0, 1e-14);
    assert_close(v.scores.crps, -0.025, 1e-14);
    urn__run_scores s;
    assert_true(urn__score_cells(&a.cells, 2, &s));
    assert_int_equal(s.n, 2);
    assert_close(s.density, -1.5, 1e-14);
    assert_close(s.density_se, 0.5, 1e-14);
    assert_true(isnan(s.coverage[0]));
    assert_false(urn__score_cells(&a.cells, 3, &s));
    urn__arena_free(arena);
}

static void guides_and_points(void **state)
{
    (void)state;
    scene s = scene_y(urn_model_normal_mean(), 3, y3);
    const double loc[1] = {1.7}, scale[1] = {0.3};
    urn_posterior *p;
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_NORMAL, 1, 1, 0, loc, scale, 9, &p, NULL), 0);
    urn__digest *guide = digest_mu(&s, p);
    assert_int_equal(urn_posterior_new(URN_POSTERIOR_POINT, 1, 1, 0, loc, NULL, 9, &p, NULL), 0);
    urn__digest *point = digest_mu(&s, p);
    const urn__series *mu = series_of(guide, "mu");
    assert_int_equal(guide->n_draws, 400);
    assert_int_equal(mu->n_draws, 1000);
    assert_int_equal(series_of(guide, "log likelihood")->n_draws, 400);
    assert_close(mu->mean, 1.7, 4.0 * 0.3 / sqrt(1000.0));
    assert_close(mu->mcse, mu->sd / sqrt(1000.0), 1e-15);
    assert_true(isnan(mu->r_hat) && isnan(guide->worst_r_hat) && isnan(guide->least_ess));
    assert_close(series_of(point, "mu")->mean, 1.7, 0.0);
    assert_close(series_of(point, "mu")->sd, 0.0, 0.0);
    assert_null(point->loo);
    assert_true(point->cells.crps[0] > 0.0); /* its noise is predictive, too */
    urn__digest_free(guide);
    urn__digest_free(point);
    scene_clear(&s);
}

/* ---- factors ---- */

enum { USERS = 6, ITEMS = 4, ROWS = 20 };

static urn_dataset *ratings(void)
{
    static const char *const names[] = {"user", "item", "rating"};
    static double user[ROWS], item[ROWS], rating[ROWS];
    const double *const columns[] = {user, item, rating};
    for (int i = 0; i < ROWS; i++) {
        user[i] = i % USERS;
        item[i] = floor(i / 5.0);
        rating[i] = 3.0 + 2.0 * sin(i);
    }
    urn_dataset *data = dataset_in("", ROWS, names, columns, 3);
    unsigned char held_out[ROWS] = {0};
    urn_error error = {0};
    held_out[3] = held_out[8] = held_out[14] = 1;
    assert_ok(urn_dataset_set_held_out(data, "", held_out, &error), &error);
    return data;
}

typedef struct factor_scene {
    urn_dataset *data;
    urn_model *training, *held_out;
} factor_scene;

static factor_scene factors(void)
{
    factor_scene s = {.data = ratings()};
    const urn_setting dim[] = {{"dim", "2"}};
    urn_trace_options options = {
        .bytes = sizeof options, .data = s.data, .settings = dim, .n_settings = 1};
    urn_error error = {0};
    assert_ok(urn_model_trace(urn_model_hpmf(), &options, &s.training, &error), &error);
    options.rows = URN_ROWS_HELD_OUT;
    assert_ok(urn_model_trace(urn_model_hpmf(), &options, &s.held_out, &error), &error);
    return s;
}

static void factors_clear(factor_scene *s)
{
    urn_model_free(s->training);
    urn_model_free(s->held_out);
    urn_dataset_free(s->data);
}

/* Draws with noise of this mean and sd. Factors, and their mean, are turned by `angle`; all sds but
 * that of the noise are `width` times as large. */
static urn_posterior *factor_draws(const factor_scene *s, double noise, double noise_sd,
                                   double angle, double width)
{
    const int64_t size = urn_model_position_size(s->training);
    const int64_t at_noise = offset_of(s->training, "obs_scale");
    static const char *const turned[] = {"U", "V", "loc_u"};
    double *loc = calloc((size_t)(size * ALL), sizeof *loc);
    assert_non_null(loc);
    for (int i = 0; i < ALL; i++) {
        double *x = loc + i * size;
        for (int64_t k = 0; k < size; k++)
            x[k] = 1.5 * sin(2.0 * (double)k) + 0.2 * width * shuffled(i, 387 + 10 * (int)k);
        x[at_noise] = log(noise + noise_sd * shuffled(i, 393));
        for (int t = 0; t < 3; t++) {
            double *rows = x + offset_of(s->training, turned[t]);
            const int n = t == 0 ? USERS : t == 1 ? ITEMS : 1;
            for (int r = 0; r < n; r++) {
                const double a = rows[2 * r], b = rows[2 * r + 1];
                rows[2 * r] = cos(angle) * a - sin(angle) * b;
                rows[2 * r + 1] = sin(angle) * a + cos(angle) * b;
            }
        }
    }
    urn_posterior *p = draws_of(size, loc);
    free(loc);
    return p;
}

static urn__digest *digest_factors(const factor_scene *s, urn_posterior *p, const char *sites,
                                   int threads)
{
    static const int64_t counts[3] = {0, 3, 21};
    const urn__digest_input input = {.fitted = s->training,
                                     .posterior = p,
                                     .held_out = s->held_out,
                                     .training = s->training,
                                     .n_training_rows = counts,
                                     .sites = sites,
                                     .threads = threads};
    urn__digest *d = digest(&input);
    urn_posterior_free(p);
    return d;
}

static void turned_factors_are_the_same(void **state)
{
    (void)state;
    static const char *const invariant[] = {"singular value 1 of U V'",
                                            "singular value 2 of U V'",
                                            "length of loc_u",
                                            "singular value 1 of tril_u",
                                            "obs_scale",
                                            "log likelihood",
                                            "mean held-out prediction"};
    factor_scene s = factors();
    urn__digest *a = digest_factors(&s, factor_draws(&s, 1.0, 0.1, 0.0, 1.0), "U", 1);
    urn__digest *b = digest_factors(&s, factor_draws(&s, 1.0, 0.1, 2.1, 1.0), "U", 1);
    urn__arena *arena = urn__arena_new(NULL);
    urn__versus v;
    compare(a, b, arena, &v);
    for (size_t k = 0; k < N_OF(invariant); k++) {
        const urn__series_versus *one = versus_of(&v, invariant[k]);
        assert_close(one->difference, 0.0, 1e-9);
        assert_close(one->sd_ratio, 1.0, 1e-9);
        assert_close(one->wasserstein, 0.0, 1e-9);
        assert_false(one->own->turns);
    }
    const urn__series_versus *entry = versus_of(&v, "U[0,0]"); /* was asked for */
    assert_true(entry->own->turns && fabs(entry->difference) > 0.1);
    for (int i = 0; i < a->n_series; i++)
        assert_null(strstr(a->series[i].name, "V[")); /* was not */
    assert_int_equal(v.n_fields, 1);
    assert_close(v.fields[0].correlation, 1.0, 1e-12);
    assert_close(v.fields[0].distance, 0.0, 1e-10);
    urn__run_scores scores;
    for (int g = 1; g < URN__GROUPS; g++) {
        assert_int_equal(urn__score_cells(&a->cells, g, &scores), g != 3);
        assert_true(g == 3 || scores.n == 1);
    }
    urn__digest_free(a);
    urn__digest_free(b);
    urn__arena_free(arena);
    factors_clear(&s);
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    factor_scene s = factors();
    urn__digest *one = digest_factors(&s, factor_draws(&s, 1.0, 0.1, 0.0, 1.0), NULL, 1);
    urn__digest *many = digest_factors(&s, factor_draws(&s, 1.0, 0.1, 0.0, 1.0), NULL, 8);
    assert_int_equal(one->n_series, many->n_series);
    for (int i = 0; i < one->n_series; i++) {
        assert_memory_equal(one->series[i].draws, many->series[i].draws, ALL * sizeof(double));
        assert_true(one->series[i].mcse == many->series[i].mcse);
    }
    assert_memory_equal(one->cells.crps, many->cells.crps, 3 * sizeof(double));
    assert_memory_equal(one->cells.log_density, many->cells.log_density, 3 * sizeof(double));
    assert_memory_equal(one->held_out->sd, many->held_out->sd, 3 * sizeof(double));
    urn__digest_free(one);
    urn__digest_free(many);
    factors_clear(&s);
}

/* ---- in words ---- */

static char *verdict_of(int n, const urn__judged *runs, int reference)
{
    urn__text text = {0};
    urn__verdict(n, runs, reference, &text);
    assert_false(text.failed);
    return text.data;
}

static void assert_says(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("\"%s\" is not said in: %s", words, text);
}

/* Noise that took in what the guide cannot express, predictions that are too sure. */
static void a_guide_that_is_too_sure(void **state)
{
    (void)state;
    factor_scene s = factors();
    urn__arena *arena = urn__arena_new(NULL);
    urn__versus v;
    urn__judged runs[2] = {{.name = "b", .engine = "gibbs", .k_hat = (double)NAN},
                           {.name = "a", .engine = "svi", .k_hat = 12.8}};
    urn__digest *a = digest_factors(&s, factor_draws(&s, 2.45, 0.005, 0.0, 0.36), NULL, 1);
    urn__digest *b = digest_factors(&s, factor_draws(&s, 2.42, 0.01, 0.0, 1.0), NULL, 1);
    a->posterior = URN_POSTERIOR_NORMAL; /* as if */
    a->worst_r_hat = a->least_ess = (double)NAN;
    compare(a, b, arena, &v);
    runs[0].digest = b;
    runs[1].digest = a;
    runs[1].versus = &v;
    assert_int_equal(urn__choose_reference(2, runs), 0);
    char *text = verdict_of(2, runs, 0);
    assert_says(text, "b (gibbs): Its 4 chains agree (largest R-hat ");
    assert_says(text, "a (svi): Its k-hat is 12.8, above 0.7: a guide that far");
    assert_says(text, "a beside b: The noise differs: obs_scale is 2.45, against 2.42 (3 of the "
                      "reference's sds apart).");
    assert_says(text, "their sd is 0.3");
    assert_says(text, "of the reference's, so it is too sure.");
    assert_says(text, "Use b where it matters how sure an expectation is");
    free(text);
    urn__digest_free(a);
    urn__digest_free(b);
    urn__arena_free(arena);
    factors_clear(&s);
}

static void chains_that_disagree(void **state)
{
    (void)state;
    scene s = scene_y(urn_model_normal_mean(), 3, y3);
    urn__digest *apart = digest_mu(&s, mu_draws(1.0, 0.1, 2.0));
    urn__digest *fine = digest_mu(&s, mu_draws(1.0, 0.1, 0.0));
    urn__arena *arena = urn__arena_new(NULL);
    urn__versus v;
    urn__judged runs[2] = {{.name = "x", .engine = "nuts", .digest = apart, .k_hat = (double)NAN},
                           {.name = "y", .engine = "nuts", .digest = fine, .k_hat = (double)NAN}};
    assert_true(apart->worst_r_hat > 1.5);
    urn__text why = {0};
    assert_false(urn__converged(&runs[0], &why));
    assert_says(why.data, "its 4 chains disagree: R-hat ");
    urn__text_clear(&why);
    assert_true(urn__converged(&runs[1], &why));
    runs[1].divergences = 3.0;
    assert_false(urn__converged(&runs[1], &why));
    assert_string_equal(why.data, "3 divergences");
    urn__text_clear(&why);
    runs[1].divergences = 0.0;
    assert_int_equal(urn__choose_reference(2, runs), 1); /* the one that has converged */
    compare(fine, apart, arena, &v);
    runs[1].versus = &v;
    char *text = verdict_of(2, runs, 0);
    assert_says(text, "x (nuts): Its 4 chains disagree (R-hat ");
    assert_says(text, "The chains' means of m");
    assert_says(text, "averages over them are not the posterior's");
    assert_says(text, "The reference, x, is not beyond doubt itself (its 4 chains disagree");
    free(text);
    urn__digest_free(apart);
    urn__digest_free(fine);
    urn__arena_free(arena);
    scene_clear(&s);
}

static void posteriors_that_agree(void **state)
{
    (void)state;
    scene s = scene_y(urn_model_normal_mean(), 3, y3);
    urn__digest *a = digest_mu(&s, mu_draws(1.8, 0.4, 0.0));
    urn__digest *b = digest_mu(&s, mu_draws(1.81, 0.41, 0.0));
    urn__arena *arena = urn__arena_new(NULL);
    urn__versus v;
    urn__judged runs[2] = {{.name = "a", .engine = "nuts", .digest = a, .k_hat = (double)NAN},
                           {.name = "b", .engine = "gibbs", .digest = b, .k_hat = (double)NAN}};
    compare(b, a, arena, &v);
    runs[1].versus = &v;
    char *text = verdict_of(2, runs, 0);
    assert_says(text, "Held-out scores agree");
    assert_says(text, "Either will do.");
    free(text);
    urn__digest_free(a);
    urn__digest_free(b);
    urn__arena_free(arena);
    scene_clear(&s);
}

/* ---- errors ---- */

static void unknown_names_are_refused(void **state)
{
    (void)state;
    scene s = scene_y(urn_model_normal_mean(), 3, y3);
    urn_posterior *p = mu_draws(1.8, 0.4, 0.0);
    urn__digest_input input = {
        .fitted = s.model, .posterior = p, .training = s.model, .sites = "mu,nu", .threads = 1};
    urn__digest *d;
    urn_error error = {0};
    assert_int_equal(urn__digest_run(&input, &d, &error), URN_ERR_USAGE);
    assert_null(d);
    assert_string_equal(error.site, "nu");
    assert_non_null(strstr(error.message, "there are: mu"));
    input.sites = NULL;
    input.site = "z";
    assert_int_equal(urn__digest_run(&input, &d, &error), URN_ERR_USAGE);
    assert_string_equal(error.site, "z");
    urn_posterior_free(p);
    scene_clear(&s);
}

static void memory_running_out_is_an_error(void **state)
{
    (void)state;
    scene s = scene_y(urn_model_normal_mean(), 3, y3);
    const double loc[1] = {1.8}, scale[1] = {0.4};
    for (long fail_at = 3;; fail_at++) { /* the first three make the posterior */
        failing_memory memory;
        urn_posterior *p = NULL;
        urn__digest *d = NULL;
        urn__versus v;
        urn_error error = {0};
        failing_memory_init(&memory, fail_at + 1, fail_at % 2 == 0);
        assert_int_equal(urn__posterior_make(&memory.hook, URN_POSTERIOR_NORMAL, 1, 1, 0, loc,
                                             scale, 1, &p, NULL),
                         URN_OK);
        const urn__digest_input input = {.allocator = &memory.hook,
                                         .fitted = s.model,
                                         .posterior = p,
                                         .held_out = s.model,
                                         .training = s.model,
                                         .draws = 8,
                                         .threads = 1};
        urn_status status = urn__digest_run(&input, &d, &error);
        urn__arena *arena = status == URN_OK ? urn__arena_new(&memory.hook) : NULL;
        if (status == URN_OK)
            status = arena ? urn__compare_digests(d, d, arena, &v, &error) : URN_ERR_MEMORY;
        urn__arena_free(arena);
        urn__digest_free(d);
        urn_posterior_free(p);
        assert_int_equal(memory.live, 0);
        const bool all = memory.calls <= fail_at;
        assert_int_equal(status, all ? URN_OK : URN_ERR_MEMORY);
        if (all) {
            assert_true(fail_at > 10);
            break;
        }
    }
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_ratio_of_sds),
        cmocka_unit_test(quantities_are_what_they_say),
        cmocka_unit_test(scores_are_the_fit_s),
        cmocka_unit_test(differences_of_scores),
        cmocka_unit_test(guides_and_points),
        cmocka_unit_test(turned_factors_are_the_same),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(a_guide_that_is_too_sure),
        cmocka_unit_test(chains_that_disagree),
        cmocka_unit_test(posteriors_that_agree),
        cmocka_unit_test(unknown_names_are_refused),
        cmocka_unit_test(memory_running_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
