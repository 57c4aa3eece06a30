/* The engines nuts and hmc: posteriors that are known, calibration, warnings, refusals. */
#include "tests/inference/models.h"

#include "inference/diagnostics/chains.h"
#include "inference/mcmc/health.h"

#include <stdlib.h>

/* ---- normal targets ---- */

/* Moments of every coordinate within five standard errors of what they should be. */
static void check_moments(const urn_posterior *p, int64_t size, const double *mean,
                          const double *sd)
{
    urn__chains *chains;
    const int64_t n = urn_posterior_draws(p), m = urn_posterior_chains(p);
    assert_int_equal(urn__chains_new(NULL, m, n, &chains, NULL), URN_OK);
    for (int64_t i = 0; i < size; i++) {
        urn__chains_summary s;
        urn__chains_read(chains, urn_posterior_loc(p) + i, n * size, size);
        urn__chains_summarise(chains, &s);
        assert_close(s.mean, mean[i], 5.0 * s.mcse_mean);
        assert_close(s.sd, sd[i], 5.0 * s.mcse_sd);
        assert_true(s.mcse_mean < 0.1 * sd[i] && s.mcse_sd < 0.1 * sd[i]);
        assert_true(s.r_hat < (n < 1000 ? 1.05 : 1.02));
    }
    urn__chains_free(chains);
}

static normal_target *normals_new(int64_t n)
{
    normal_target *t = normal_target_new(n - 2, 1);
    t->blocks[2].point = false;
    return t;
}

static void normals_have_their_moments(void **state)
{
    (void)state;
    static const struct {
        const char *engine;
        int64_t n;
        urn_setting settings[3];
        size_t n_settings;
    } cases[] = {{"nuts", 3, {{0}}, 0},
                 {"nuts", 40, {{0}}, 0},
                 {"nuts", 600, {{0}}, 0}, /* momenta come one transition at a time */
                 {"nuts", 10, {{"metric", "dense"}}, 1},
                 {"nuts", 10, {{"metric", "unit"}, {"init", "zero"}}, 2},
                 {"hmc", 5, {{"path", "1.5"}}, 1},
                 {"hmc", 5, {{"leapfrogs", "6"}, {"jitter", "0.5"}, {"metric", "dense"}}, 3}};
    for (size_t k = 0; k < N_OF(cases); k++) {
        normal_target *t = normals_new(cases[k].n);
        urn_fit_options options =
            options_for(cases[k].engine, cases[k].settings, cases[k].n_settings, NULL);
        options.warmup = 500;
        options.draws = cases[k].n > 100 ? 300 : 1000;
        urn_fit *fit;
        urn_error error = {0};
        assert_ok(fit_target(&t->target, &options, &fit, &error), &error);
        assert_int_equal(urn_posterior_chains(urn_fit_posterior(fit)), 4);
        check_moments(urn_fit_posterior(fit), cases[k].n, t->mean, t->sd);
        assert_true(number_of(fit, "divergences") == 0.0);
        urn_fit_free(fit);
        free(t);
    }
}

/* Acceptance comes near what was asked for. The averaged step size is a little shorter than the one
 * whose acceptance is asked for, so it is on the safe side, as Stan's. */
static void warm_up_reaches_delta(void **state)
{
    (void)state;
    static const char *const deltas[] = {"0.6", "0.8", "0.95"};
    double found[3], leapfrogs[3];
    for (int k = 0; k < 3; k++) {
        const urn_setting settings[] = {{"delta", deltas[k]}};
        normal_target *t = normals_new(30);
        urn_fit_options options = options_for("nuts", settings, 1, NULL);
        urn_fit *fit;
        assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
        found[k] = number_of(fit, "acceptance_rate");
        leapfrogs[k] = number_of(fit, "leapfrogs_per_draw");
        assert_true(found[k] > atof(deltas[k]) - 0.03 && found[k] < atof(deltas[k]) + 0.18);
        assert_true(number_of(fit, "step_size") > 0.0);
        urn_fit_free(fit);
        free(t);
    }
    assert_true(found[0] < found[1] && found[1] < found[2]);
    assert_true(leapfrogs[0] <= leapfrogs[1] && leapfrogs[1] < leapfrogs[2]);
}

/* What each step reports hangs together. */
static void steps_report_what_they_did(void **state)
{
    (void)state;
    normal_target *t = normals_new(8);
    urn_fit_options options = options_for("nuts", NULL, 0, NULL);
    options.chains = 2;
    options.warmup = 200;
    options.draws = 150;
    urn_fit *fit;
    assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
    static const char *const names[] = {"lp",        "acceptance_rate", "step_size", "n_steps",
                                        "diverging", "energy",          "tree_depth"};
    urn_fit_stat stats[7];
    for (int k = 0; k < 7; k++) {
        assert_true(urn_fit_stat_at(fit, k, &stats[k]));
        assert_string_equal(stats[k].name, names[k]);
    }
    assert_true(stats[URN__STAT_DIVERGING].boolean && stats[URN__STAT_DEPTH].integer);
    const double *draws = urn_posterior_loc(urn_fit_posterior(fit));
    for (int64_t d = 0; d < 300; d++) {
        const double lp = normal_log_density(t, draws + d * 8, NULL);
        const double depth = stats[URN__STAT_DEPTH].values[d];
        const double steps = stats[URN__STAT_N_STEPS].values[d];
        assert_close(stats[URN__STAT_LP].values[d], lp, 1e-12 * fabs(lp));
        assert_true(stats[URN__STAT_ENERGY].values[d] > -lp);
        /* a tree of that depth, and perhaps a half that was not taken up */
        assert_true(steps >= pow(2.0, depth) - 1.0 && steps < pow(2.0, depth + 1.0));
        assert_true(stats[URN__STAT_STEP_SIZE].values[d] ==
                    stats[URN__STAT_STEP_SIZE].values[d / 150 * 150]);
    }
    assert_true(stats[URN__STAT_STEP_SIZE].values[0] != stats[URN__STAT_STEP_SIZE].values[150]);
    assert_close(
        number_of(fit, "step_size"),
        0.5 * (stats[URN__STAT_STEP_SIZE].values[0] + stats[URN__STAT_STEP_SIZE].values[150]),
        1e-12);
    urn_fit_free(fit);
    free(t);
}

/* Without warm-up the step size is the one given, times the jitter. */
static void step_sizes_as_given(void **state)
{
    (void)state;
    const urn_setting settings[] = {{"stepsize", "0.25"}, {"jitter", "0.4"}, {"leapfrogs", "5"}};
    normal_target *t = normals_new(4);
    urn_fit_options options = options_for("hmc", settings, 3, NULL);
    options.chains = 1;
    options.warmup = -1;
    options.draws = 400;
    urn_fit *fit;
    urn_fit_stat stat;
    assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
    assert_true(urn_fit_stat_at(fit, URN__STAT_STEP_SIZE, &stat));
    double low = 1.0, high = 0.0;
    for (int d = 0; d < 400; d++) {
        low = fmin(low, stat.values[d]);
        high = fmax(high, stat.values[d]);
    }
    assert_true(low >= 0.15 && low < 0.16 && high <= 0.35 && high > 0.34);
    assert_true(urn_fit_stat_at(fit, URN__STAT_N_STEPS, &stat));
    assert_true(stat.values[7] == 5.0);
    assert_false(urn_fit_stat_at(fit, URN__STAT_DEPTH, &stat)); /* plain HMC has no trees */
    urn_fit_free(fit);
    free(t);
}

/* ---- models ---- */

/* Gamma prior, Poisson counts: the posterior is a gamma. */
static void a_rate(void **state)
{
    (void)state;
    const double y[5] = {2, 4, 1, 3, 3};
    scene s = scene_y(urn_model_rate(), 5, y);
    urn_fit_options options = options_for("nuts", NULL, 0, NULL);
    urn_fit *fit = fit_model(s.model, &options);
    urn__chains *chains;
    assert_int_equal(urn__chains_new(NULL, 4, 1000, &chains, NULL), URN_OK);
    double draws[4000];
    for (int d = 0; d < 4000; d++)
        draws[d] = exp(urn_posterior_loc(urn_fit_posterior(fit))[d]);
    urn__chains_read(chains, draws, 1000, 1);
    const double shape = 3.0 + 13.0, rate = 2.0 + 5.0;
    urn__chains_summary sum;
    urn__chains_summarise(chains, &sum);
    assert_close(sum.mean, shape / rate, 4.0 * sum.mcse_mean);
    assert_close(sum.sd, sqrt(shape) / rate, 4.0 * sum.mcse_sd);
    urn__chains_free(chains);
    urn_fit_free(fit);
    scene_clear(&s);
}

/* Simulation-based calibration (Talts and others, 2018): the rank of the truth among posterior
 * draws is uniform. Ranks of 19 thinned draws, in 20 bins; the limit is the 99.99 % quantile of
 * chi-square with 19 degrees of freedom (R: qchisq(0.9999, 19) = 50.80). */
static void ranks_are_uniform(void **state)
{
    (void)state;
    enum { TRIALS = 500, DRAWS = 19, ROWS = 6, BINS = DRAWS + 1 };
    static const char *const engines[] = {"nuts", "hmc"};
    const urn_setting path[] = {{"path", "1.5"}};
    for (size_t e = 0; e < N_OF(engines); e++) {
        int bins[BINS] = {0};
        for (int trial = 0; trial < TRIALS; trial++) {
            const urn__stream stream = urn__stream_at(99, 0, "truth", (uint64_t)trial);
            urn_rng rng;
            double y[ROWS], truth;
            urn__rng_at_row(&rng, &stream, 0);
            truth = 1.0 + 2.0 * urn_rng_normal(&rng);
            for (int i = 0; i < ROWS; i++)
                y[i] = truth + 0.5 * urn_rng_normal(&rng);
            scene s = scene_y(urn_model_normal_mean(), ROWS, y);
            urn_fit_options options = options_for(engines[e], path, e == 1, NULL);
            options.seed = (uint64_t)trial;
            options.chains = options.threads = 1;
            options.warmup = 150;
            options.draws = DRAWS;
            options.thin = 6;
            urn_fit *fit = fit_model(s.model, &options);
            int rank = 0;
            for (int d = 0; d < DRAWS; d++)
                rank += urn_posterior_loc(urn_fit_posterior(fit))[d] < truth;
            bins[rank]++;
            urn_fit_free(fit);
            scene_clear(&s);
        }
        double chi = 0.0;
        for (int b = 0; b < BINS; b++)
            chi += pow(bins[b] - (double)TRIALS / BINS, 2.0) / ((double)TRIALS / BINS);
        assert_true(chi < 50.80);
    }
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    enum { N = 60 };
    static const char *const names[] = {"group", "y"};
    double group[N], y[N];
    const double *const columns[] = {group, y};
    for (int i = 0; i < N; i++) {
        group[i] = i % 12;
        y[i] = sin(i);
    }
    scene s = {.data = dataset_of(N, names, columns, 2)};
    s.model = trace_rows(urn_model_groups(), s.data, URN_ROWS_TRAINING);
    static const char *const engines[] = {"nuts", "hmc"};
    for (size_t e = 0; e < N_OF(engines); e++) {
        urn_fit *first = NULL;
        for (int threads = 1; threads <= 4; threads *= 2) {
            urn_fit_options options = options_for(engines[e], NULL, 0, NULL);
            options.threads = threads;
            options.warmup = 120;
            options.draws = 80;
            urn_fit *fit = fit_model(s.model, &options);
            const size_t bytes = 4 * 80 * 12 * sizeof(double);
            if (first) {
                urn_fit_stat a, b;
                assert_memory_equal(urn_posterior_loc(urn_fit_posterior(first)),
                                    urn_posterior_loc(urn_fit_posterior(fit)), bytes);
                for (int k = 0; urn_fit_stat_at(first, k, &a); k++) {
                    assert_true(urn_fit_stat_at(fit, k, &b));
                    assert_memory_equal(a.values, b.values, 4 * 80 * sizeof(double));
                }
                urn_fit_free(fit);
            } else {
                first = fit;
            }
        }
        urn_fit_free(first);
    }
    scene_clear(&s);
}

/* ---- warnings ---- */

/* Eight schools, centred: tau may go to 0, and theta is squeezed there. */
static void centred(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_var five = urn_real(m, 5.0);
    urn_var mu = urn_sample(m, "mu", normal, .loc = urn_real(m, 0.0), .scale = five);
    urn_var tau = urn_sample(m, "tau", half_cauchy, .scale = five);
    urn_var theta = urn_sample(m, "theta", normal, .loc = mu, .scale = tau, .plate = rows);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = theta,
                .scale = urn_data(rows, "sigma"), .plate = rows);
}
URN_MODEL(centred, "eight schools, centred");

static scene eight_schools(void)
{
    static const char *const names[] = {"y", "sigma"};
    static const double y[8] = {28, 8, -3, 7, -1, 1, 18, 12};
    static const double sigma[8] = {15, 10, 16, 11, 9, 11, 10, 18};
    const double *const columns[] = {y, sigma};
    scene s = {.data = dataset_of(8, names, columns, 2)};
    s.model = trace_rows(urn_model_centred(), s.data, URN_ROWS_TRAINING);
    return s;
}

static void funnels_are_reported(void **state)
{
    (void)state;
    scene s = eight_schools();
    for (uint64_t seed = 1; seed <= 3; seed++) {
        urn_fit_options options = options_for("nuts", NULL, 0, NULL);
        options.seed = seed;
        urn_fit *fit = fit_model(s.model, &options);
        const double n = number_of(fit, "divergences");
        assert_true(n >= 5.0);
        assert_true(warns_of(fit, "diverged"));
        assert_true(warns_of(fit, "--delta 0.95"));
        assert_true(warns_of(fit, "non-centred"));
        char count[64];
        snprintf(count, sizeof count, "%g of 4000 draws", n);
        assert_true(warns_of(fit, count));
        urn_fit_free(fit);
    }
    scene_clear(&s);
}

/* ---- forms ---- */

/* The centred model itself, non-centred by a handler that a pilot chose: no divergences, and the
 * moments of a quadrature over (mu, log tau) by the trapezium rule, theta integrated out (means and
 * sds; those of the pilot's variances are 0.87 to 0.98). */
static void a_pilot_mends_the_funnel(void **state)
{
    (void)state;
    static const double theta_mean[8] = {6.21192, 4.94019, 3.92699, 4.7571,
                                         3.61545, 4.0426,  6.29677, 4.85426};
    static const double theta_sd[8] = {5.59317, 4.6743, 5.26266, 4.78033,
                                       4.65748, 4.8269, 5.07788, 5.29084};
    scene s = eight_schools();
    urn_fit_options options = options_for("nuts", NULL, 0, NULL);
    urn_trace_options trace = {.bytes = sizeof trace, .data = s.data};
    urn_error error = {0};
    urn_forms *forms;
    const urn_fit_options by_svi = options_for("svi", NULL, 0, NULL);
    assert_ok(urn_forms_choose(urn_model_centred(), &trace, &by_svi, &forms, &error), &error);
    assert_true(urn_forms_at(forms, 0)->noncentred && urn_forms_at(forms, 0)->variance < 1.4);
    urn_forms_free(forms);
    options.seed = 4;
    assert_ok(urn_forms_choose(urn_model_centred(), &trace, &options, &forms, &error), &error);
    assert_int_equal(urn_forms_count(forms), 1);
    const urn_form *form = urn_forms_at(forms, 0);
    assert_string_equal(form->site, "theta");
    assert_true(form->noncentred && form->variance > 0.6 && form->variance < 1.4);
    const urn_handler handler = {URN_HANDLER_NONCENTRED, form->site, NULL, 0};
    trace.handlers = &handler;
    trace.n_handlers = 1;
    urn_model *model;
    assert_ok(urn_model_trace(urn_model_centred(), &trace, &model, &error), &error);
    const urn_setting settings[] = {{"delta", "0.95"}};
    options.settings = settings;
    options.n_settings = 1;
    urn_fit *fit = fit_model(model, &options);
    assert_true(number_of(fit, "divergences") == 0.0);
    double mean[8], sd[8];
    const urn_posterior *p = urn_fit_posterior(fit);
    const int theta = urn_model_site_find(model, "theta"), mu = urn_model_site_find(model, "mu");
    assert_ok(urn_summarise_site(model, p, theta, 1, mean, sd, 0, NULL, NULL, &error), &error);
    for (int j = 0; j < 8; j++) { /* ESS of 2,000 at least: four standard errors */
        assert_close(mean[j], theta_mean[j], 4.0 * theta_sd[j] / sqrt(2000.0));
        assert_close(sd[j], theta_sd[j], 4.0 * theta_sd[j] / sqrt(1000.0));
    }
    assert_ok(urn_summarise_site(model, p, mu, 1, mean, sd, 0, NULL, NULL, &error), &error);
    assert_close(mean[0], 4.39682, 4.0 * 3.31771 / sqrt(2000.0));
    urn_fit_free(fit);
    urn_model_free(model);
    urn_forms_free(forms);
    scene_clear(&s);
}

/* Groups of which the data say all: mu[g] ~ normal(m, t), 40 rows a group with a small sd. */
static void informed(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), groups = urn_plate_size(m, "groups", 12);
    urn_var mean = urn_sample(m, "m", normal, .loc = urn_real(m, 0.0), .scale = urn_real(m, 5.0));
    urn_var sd = urn_sample(m, "t", half_normal, .scale = urn_real(m, 2.0));
    urn_var mu = urn_sample(m, "mu", normal, .loc = mean, .scale = sd, .plate = groups);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"),
                .loc = urn_gather(mu, urn_index(rows, "g", groups)), .scale = urn_real(m, 0.3),
                .plate = rows);
}
URN_MODEL(informed, "groups that the data know");

static void informed_sites_stay_centred(void **state)
{
    (void)state;
    enum { N = 480 };
    static double y[N], g[N];
    static const char *const names[] = {"y", "g"};
    const double *const columns[] = {y, g};
    for (int i = 0; i < N; i++) {
        g[i] = i % 12;
        y[i] = sin(2.0 * g[i]) + 0.3 * sin(40.0 * i);
    }
    urn_dataset *data = dataset_of(N, names, columns, 2);
    const urn_trace_options trace = {.bytes = sizeof trace, .data = data};
    static const char *const engines[] = {"nuts", "svi"};
    for (int e = 0; e < 2; e++) {
        const urn_fit_options options = options_for(engines[e], NULL, 0, NULL);
        urn_forms *forms;
        urn_error error = {0};
        assert_ok(urn_forms_choose(urn_model_informed(), &trace, &options, &forms, &error), &error);
        assert_int_equal(urn_forms_count(forms), 1);
        assert_string_equal(urn_forms_at(forms, 0)->site, "mu");
        assert_false(urn_forms_at(forms, 0)->noncentred);
        urn_forms_free(forms);
    }
    urn_dataset_free(data);
}

/* ---- a mixture, and its labels ---- */

static void two_clouds(urn_model *m, urn_var *p, urn_var *y, urn_plate *rows)
{
    *rows = urn_plate_rows(m, "rows");
    *y = urn_data_columns(*rows, "y*");
    *p = urn_sample(m, "p", beta, .concentration1 = urn_real(m, 2.0),
                    .concentration0 = urn_real(m, 2.0));
}

static void clouds(urn_model *m)
{
    urn_plate rows, two = urn_plate_size(m, "two", 2);
    urn_var p, y;
    two_clouds(m, &p, &y, &rows);
    urn_var mu = urn_sample(m, "mu", normal, .loc = urn_zeros(m, 2), .scale = urn_real(m, 2.0),
                            .plate = two);
    urn_observe(m, "y", mvn, .value = y, .loc = urn_as_event(mu), .scale_tril = urn_eye(m, 2, 0.7),
                .mixture = urn_stack(p, urn_sub(urn_real(m, 1.0), p)), .plate = rows);
}
URN_MODEL(clouds, "two clouds, labels summed out");

static void labelled(urn_model *m)
{
    urn_plate rows;
    urn_var p, y, mu[2], zero = urn_zeros(m, 2), two = urn_real(m, 2.0);
    two_clouds(m, &p, &y, &rows);
    mu[0] = urn_sample(m, "mu0", normal, .loc = zero, .scale = two);
    mu[1] = urn_sample(m, "mu1", normal, .loc = zero, .scale = two);
    urn_var z = urn_sample(m, "z", bernoulli, .probs = p, .plate = rows);
    urn_observe(m, "y", mvn, .value = y, .loc = urn_where(z, mu[0], mu[1]),
                .scale_tril = urn_eye(m, 2, 0.7), .plate = rows);
}
URN_MODEL(labelled, "two clouds with labels");

/* What does not change when labels are swapped: the mean's two elements, the clouds' squared
 * distance, and p (1 - p). */
enum { LABEL_FREE = 4 };
static void label_free(const double *x, double *q)
{
    const double p = 1.0 / (1.0 + exp(-x[0]));
    q[0] = p * x[1] + (1.0 - p) * x[3];
    q[1] = p * x[2] + (1.0 - p) * x[4];
    q[2] = (x[1] - x[3]) * (x[1] - x[3]) + (x[2] - x[4]) * (x[2] - x[4]);
    q[3] = p * (1.0 - p);
}

static void label_free_summaries(const urn_model_def *def, const char *engine,
                                 const urn_dataset *data, urn__chains_summary *summary)
{
    urn_model *model = trace_rows(def, data, URN_ROWS_TRAINING);
    urn_fit_options options = options_for(engine, NULL, 0, NULL);
    options.chains = 4;
    options.warmup = 300;
    options.draws = 1500;
    urn_fit *fit = fit_model(model, &options);
    const urn_posterior *p = urn_fit_posterior(fit);
    const int64_t size = urn_posterior_size(p), draws = urn_posterior_draws(p);
    const int64_t n = draws * urn_posterior_chains(p);
    double *q = malloc((size_t)(n * LABEL_FREE) * sizeof *q);
    urn__chains *chains;
    assert_non_null(q);
    assert_int_equal(urn__chains_new(NULL, urn_posterior_chains(p), draws, &chains, NULL), URN_OK);
    for (int64_t s = 0; s < n; s++)
        label_free(urn_posterior_loc(p) + s * size, q + s * LABEL_FREE);
    for (int i = 0; i < LABEL_FREE; i++) {
        urn__chains_read(chains, q + i, draws * LABEL_FREE, LABEL_FREE);
        urn__chains_summarise(chains, &summary[i]);
        assert_true(summary[i].r_hat < 1.02);
    }
    urn__chains_free(chains);
    free(q);
    urn_fit_free(fit);
    urn_model_free(model);
}

static void labels_summed_out_and_drawn_agree(void **state)
{
    (void)state;
    enum { N = 40 };
    static const char *const names[] = {"y1", "y2"};
    static double y1[N], y2[N];
    const double *const values[] = {y1, y2};
    for (int i = 0; i < N; i++) { /* a third about (-0.6, 0.2), the others about (0.9, 1) */
        y1[i] = (i % 3 == 0 ? -0.6 : 0.9) + 0.9 * sin(7.0 * i + 1.0);
        y2[i] = (i % 3 == 0 ? 0.2 : 1.0) + 0.9 * sin(11.0 * i + 2.0);
    }
    urn_dataset *data = dataset_of(N, names, values, 2);
    urn__chains_summary summed[LABEL_FREE], drawn[LABEL_FREE];
    label_free_summaries(urn_model_clouds(), "nuts", data, summed);
    label_free_summaries(urn_model_labelled(), "gibbs", data, drawn);
    for (int i = 0; i < LABEL_FREE; i++) {
        assert_close(summed[i].mean, drawn[i].mean,
                     4.0 * hypot(summed[i].mcse_mean, drawn[i].mcse_mean));
        assert_close(summed[i].sd, drawn[i].sd, 4.0 * hypot(summed[i].mcse_sd, drawn[i].mcse_sd));
        assert_true(summed[i].mcse_mean < 0.1 * summed[i].sd && /* or it would say little */
                    drawn[i].mcse_mean < 0.1 * drawn[i].sd);
    }
    urn_dataset_free(data);
}

/* Trajectories too short for the target are reported, and energies that hardly move. */
static void saturation_and_energy_are_reported(void **state)
{
    (void)state;
    const urn_setting settings[] = {{"max-depth", "2"}, {"metric", "unit"}};
    normal_target *t = normals_new(30);
    for (int i = 0; i < 30; i++) {
        t->mean[i] = 0.0;
        t->sd[i] = i == 0 ? 1000.0 : 1.0;
    }
    urn_fit_options options = options_for("nuts", settings, 2, NULL);
    options.warmup = options.draws = 200;
    urn_fit *fit;
    assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
    assert_true(number_of(fit, "max_depth_reached") > 700.0);
    assert_true(warns_of(fit, "used all 2 doublings of --max-depth"));
    assert_false(warns_of(fit, "diverged"));
    assert_true(number_of(fit, "e_bfmi") > 0.3);
    assert_false(warns_of(fit, "E-BFMI"));
    urn_fit_free(fit);
    free(t);
    /* the same numbers from given energies: a slow random walk, e_bfmi of which is known */
    double values[2][100][URN__STAT_DEPTH + 1] = {{{0.0}}};
    for (int d = 0; d < 100; d++) {
        values[0][d][URN__STAT_ENERGY] = d;     /* 1 / var(0..99) */
        values[1][d][URN__STAT_ENERGY] = d % 2; /* 1 / 0.2525 */
    }
    const urn__chain_stats chains[2] = {{100, URN__STAT_DEPTH + 1, values[0][0]},
                                        {100, URN__STAT_DEPTH + 1, values[1][0]}};
    urn__arena *arena = urn__arena_new(NULL);
    urn__settings read;
    urn_error error = {0};
    assert_int_equal(urn__settings_read(urn_engine_find("nuts"), NULL, 0, arena, &read, &error),
                     URN_OK);
    urn__run run = {.settings = &read};
    assert_int_equal(urn__fit_new(NULL, &run.fit, &error), URN_OK);
    assert_int_equal(urn__hmc_conclude(&run, 2, chains, &error), URN_OK);
    assert_close(number_of(run.fit, "e_bfmi"), 1.0 / (100.0 * 101.0 / 12.0), 1e-12);
    assert_true(warns_of(run.fit, "E-BFMI of chain 0 is 0.0012, below 0.3"));
    assert_false(warns_of(run.fit, "chain 1"));
    urn_fit_free(run.fit);
    urn__arena_free(arena);
}

/* ---- refusals ---- */

static void refusals(void **state)
{
    (void)state;
    const double y[4] = {1, 2, 0, 1};
    urn_fit *fit;
    urn_error error = {0};
    urn_fit_options options = options_for("nuts", NULL, 0, NULL);
    scene s = scene_y(urn_model_discrete(), 4, y);
    assert_int_equal(urn_fit_run(s.model, &options, &fit, &error), URN_ERR_MODEL);
    assert_string_equal(error.site, "z");
    assert_non_null(strstr(error.message, "the latent site is discrete"));
    assert_non_null(strstr(error.hint, "--engine gibbs"));
    scene_clear(&s);
    s = scene_y(urn_model_with_param(), 4, y);
    assert_int_equal(urn_fit_run(s.model, &options, &fit, &error), URN_ERR_MODEL);
    assert_string_equal(error.site, "c");
    assert_non_null(strstr(error.message, "a parameter without a distribution"));
    scene_clear(&s);
    s = scene_y(urn_model_impossible(), 4, y);
    assert_int_equal(urn_fit_run(s.model, &options, &fit, &error), URN_ERR_RUNTIME);
    assert_non_null(strstr(error.message, "at any of 100 random first positions"));
    assert_non_null(strstr(error.message, "\"y\" (normal): log density is nan at row 0"));
    assert_non_null(strstr(error.message, "value 1, loc "));
    assert_non_null(strstr(error.message, ", scale -"));
    const double init[1] = {0.5};
    options.init = init;
    assert_int_equal(urn_fit_run(s.model, &options, &fit, &error), URN_ERR_RUNTIME);
    assert_non_null(strstr(error.message, "at the first position"));
    scene_clear(&s);
}

/* A start whose density is not finite is drawn again; so is one with a bad gradient. */
static void starts_are_drawn_until_finite(void **state)
{
    (void)state;
    normal_target *t = normals_new(5);
    urn_fit_options options = options_for("nuts", NULL, 0, NULL);
    urn_fit *fit;
    urn_error error = {0};
    options.chains = 1;
    for (int k = 0; k < 2; k++) {
        t->bad_from = 1;
        t->evaluations = 0;
        t->bad_gradient = k == 1;
        assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_RUNTIME);
        assert_int_equal(t->evaluations, 100);
        assert_non_null(strstr(error.message, "site \"b\" is -inf"));
    }
    free(t);
}

static void inverse_metrics_are_taken(void **state)
{
    (void)state;
    normal_target *t = normals_new(3);
    const double variances[9] = {1, 0, 0, 0, 4, 0, 0, 0, 9};
    const urn_setting dense[] = {{"metric", "dense"}}, unit[] = {{"metric", "unit"}};
    urn_fit_options options = options_for("nuts", NULL, 0, NULL);
    urn_fit *fit;
    urn_error error = {0};
    options.draws = options.warmup = 20;
    options.inverse_metric = variances;
    options.n_inverse_metric = 2;
    assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_USAGE);
    assert_non_null(
        strstr(error.message, "has 2 numbers; for 3 coordinates --metric diag takes 3"));
    options = options_for("nuts", dense, 1, NULL);
    options.draws = options.warmup = 20;
    options.inverse_metric = variances;
    options.n_inverse_metric = 9;
    assert_ok(fit_target(&t->target, &options, &fit, &error), &error);
    urn_fit_free(fit);
    options.settings = unit;
    assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "a unit metric has none"));
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normals_have_their_moments),
        cmocka_unit_test(warm_up_reaches_delta),
        cmocka_unit_test(steps_report_what_they_did),
        cmocka_unit_test(step_sizes_as_given),
        cmocka_unit_test(a_rate),
        cmocka_unit_test(ranks_are_uniform),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(funnels_are_reported),
        cmocka_unit_test(a_pilot_mends_the_funnel),
        cmocka_unit_test(informed_sites_stay_centred),
        cmocka_unit_test(labels_summed_out_and_drawn_agree),
        cmocka_unit_test(saturation_and_energy_are_reported),
        cmocka_unit_test(refusals),
        cmocka_unit_test(starts_are_drawn_until_finite),
        cmocka_unit_test(inverse_metrics_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
