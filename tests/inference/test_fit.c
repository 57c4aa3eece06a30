/* Fits of models whose posterior is known in closed form, through the whole library. */
#include "tests/inference/models.h"

static const double few[8] = {2.1, 1.4, 1.9, 2.6, 1.1, 2.3, 1.7, 2.0};

static double sum_of(int64_t n, const double *x)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

/* The learning rate falls from 0.05 to 1e-5 in 20,000 steps. */
static const urn_setting decaying[] = {
    {"steps", "20000"}, {"lr", "0.05"}, {"schedule", "exponential"}, {"lr-final", "1e-5"}};

static void check_normal(const urn_fit *fit, int64_t at, double mean, double sd)
{
    const urn_posterior *p = urn_fit_posterior(fit);
    assert_close(urn_posterior_loc(p)[at], mean, 0.02 * sd);
    assert_close(urn_posterior_scale(p)[at], sd, 0.02 * sd);
}

/* precision 1/4 + 8/0.25, mean (1/4 * 1 + sum y / 0.25) / precision; the log evidence is normal. */
static void a_normal_mean(void **state)
{
    (void)state;
    scene s = scene_y(urn_model_normal_mean(), 8, few);
    const urn_fit_options options = options_for("svi", decaying, 4, NULL);
    urn_fit *fit = fit_model(s.model, &options);
    const double precision = 0.25 + 8.0 / 0.25;
    const double mean = (0.25 + sum_of(8, few) / 0.25) / precision;
    check_normal(fit, 0, mean, 1.0 / sqrt(precision));
    /* log p(y) = log p(mu) + log p(y | mu) - log p(mu | y), at any mu */
    double evidence = -0.5 * (mean - 1.0) * (mean - 1.0) / 4.0 - log(2.0) - 0.5 * LOG_2PI;
    for (int i = 0; i < 8; i++)
        evidence -= 2.0 * (few[i] - mean) * (few[i] - mean) + log(0.5) + 0.5 * LOG_2PI;
    evidence -= 0.5 * log(precision) - 0.5 * LOG_2PI;
    const double error = number_of(fit, "loss_standard_error");
    assert_close(number_of(fit, "loss_per_observation"), -evidence / 8.0, 4.0 * error + 1e-4);
    assert_true(number_of(fit, "observations") == 8.0);
    assert_true(number_of(fit, "k_hat") < 0.7);
    assert_null(urn_fit_warning_at(fit, 0));
    urn_fit_free(fit);
    scene_clear(&s);
}

/* Three orthogonal columns over eight rows: the posterior is diagonal. */
static scene regression_scene(double *x, double *y)
{
    static const char *const names[] = {"x0", "x1", "x2", "y"};
    for (int i = 0; i < 8; i++) {
        x[i] = 1.0;
        x[8 + i] = i & 1 ? 1.0 : -1.0;
        x[16 + i] = i & 2 ? 2.0 : -2.0;
        y[i] = 0.8 - 1.3 * x[8 + i] + 0.4 * x[16 + i] + 0.3 * sin(5.0 * i);
    }
    const double *const columns[] = {x, x + 8, x + 16, y};
    scene s = {.data = dataset_of(8, names, columns, 4)};
    s.model = trace_rows(urn_model_regression(), s.data, URN_ROWS_TRAINING);
    return s;
}

static void regression_truth(const double *x, const double *y, int k, double *mean, double *sd)
{
    double squares = 0.0, products = 0.0;
    for (int i = 0; i < 8; i++) {
        squares += x[8 * k + i] * x[8 * k + i];
        products += x[8 * k + i] * y[i];
    }
    const double precision = 1.0 / 9.0 + squares / 0.49;
    *mean = products / 0.49 / precision;
    *sd = 1.0 / sqrt(precision);
}

static void a_regression(void **state)
{
    (void)state;
    static const char *const sites[] = {"b0", "b1", "b2"};
    double x[24], y[8], mean, sd;
    scene s = regression_scene(x, y);
    const urn_fit_options options = options_for("svi", decaying, 4, NULL);
    urn_fit *fit = fit_model(s.model, &options);
    for (int k = 0; k < 3; k++) {
        regression_truth(x, y, k, &mean, &sd);
        check_normal(fit, offset_of(s.model, sites[k]), mean, sd);
    }
    urn_fit_free(fit);
    scene_clear(&s);
}

static const struct point_case {
    const char *engine;
    urn_setting settings[5];
    size_t n;
} points[] = {
    {"svi",
     {{"guide", "delta"},
      {"steps", "5000"},
      {"lr", "0.05"},
      {"schedule", "cosine"},
      {"lr-final", "0"}},
     5},
    {"map", {{"tolerance", "1e-9"}}, 1},
    {"map",
     {{"method", "adam"},
      {"steps", "5000"},
      {"lr", "0.05"},
      {"schedule", "exponential"},
      {"tolerance", "1e-8"}},
     5},
};

static void modes_of_a_regression(void **state)
{
    (void)state;
    static const char *const sites[] = {"b0", "b1", "b2"};
    double x[24], y[8], mean, sd;
    scene s = regression_scene(x, y);
    for (size_t k = 0; k < N_OF(points); k++) {
        const urn_fit_options options =
            options_for(points[k].engine, points[k].settings, points[k].n, NULL);
        urn_fit *fit = fit_model(s.model, &options);
        for (int i = 0; i < 3; i++) {
            regression_truth(x, y, i, &mean, &sd);
            assert_close(urn_posterior_loc(urn_fit_posterior(fit))[offset_of(s.model, sites[i])],
                         mean, 1e-6);
        }
        urn_fit_free(fit);
    }
    scene_clear(&s);
}

/* Gamma(3 + sum y, 2 + 5): its mode is that of lambda itself, not of log(lambda). */
static void modes_of_a_positive_site(void **state)
{
    (void)state;
    const double y[5] = {2, 0, 3, 1, 4};
    scene s = scene_y(urn_model_rate(), 5, y);
    for (size_t k = 0; k < N_OF(points); k++) {
        const urn_fit_options options =
            options_for(points[k].engine, points[k].settings, points[k].n, NULL);
        urn_fit *fit = fit_model(s.model, &options);
        double mean;
        urn_error error = {0};
        assert_ok(urn_summarise_site(s.model, urn_fit_posterior(fit),
                                     urn_model_site_find(s.model, "lambda"), 1, &mean, NULL, 0,
                                     NULL, NULL, &error),
                  &error);
        assert_close(mean, (3.0 + 10.0 - 1.0) / 7.0, 1e-6);
        urn_fit_free(fit);
    }
    scene_clear(&s);
}

/* mu ~ N(c, 1) with c free: the best c makes the loss of the normal posterior smallest, c =
 * mean(y). */
static void a_parameter_is_a_point(void **state)
{
    (void)state;
    scene s = scene_y(urn_model_with_param(), 8, few);
    const urn_fit_options options = options_for("svi", decaying, 4, NULL);
    urn_fit *fit = fit_model(s.model, &options);
    const urn_posterior *p = urn_fit_posterior(fit);
    const int64_t c = offset_of(s.model, "c"), mu = offset_of(s.model, "mu");
    const double sd = 1.0 / sqrt(1.0 + 8.0 / 0.25);
    assert_close(urn_posterior_loc(p)[c], sum_of(8, few) / 8.0, 0.01);
    assert_true(urn_posterior_scale(p)[c] == 0.0);
    assert_close(urn_posterior_loc(p)[mu], sum_of(8, few) / 8.0, 0.05 * sd);
    assert_close(urn_posterior_scale(p)[mu], sd, 0.02 * sd);
    urn_fit_free(fit);
    scene_clear(&s);
}

/* The guide starts at prior medians: after a step of size nothing it is still there. */
static void fits_start_at_prior_medians(void **state)
{
    (void)state;
    const urn_setting settings[] = {{"steps", "1"}, {"lr", "1e-12"}};
    const double y[1] = {0.0};
    scene s = scene_y(urn_model_supports(), 1, y);
    const urn_fit_options options = options_for("svi", settings, 2, NULL);
    urn_fit *fit = fit_model(s.model, &options);
    const double *loc = urn_posterior_loc(urn_fit_posterior(fit));
    assert_close(loc[offset_of(s.model, "real")], 1.0, 1e-9);
    assert_close(loc[offset_of(s.model, "positive")], 0.3, 1e-9);
    assert_close(loc[offset_of(s.model, "bounded")], 0.0, 1e-9);
    assert_close(loc[offset_of(s.model, "moving")], 0.0, 1e-9);
    for (int k = 0; k < 3; k++)
        assert_close(loc[offset_of(s.model, "tril") + k], 0.0, 1e-9);
    for (int64_t i = 0; i < urn_model_position_size(s.model); i++)
        assert_close(urn_posterior_scale(urn_fit_posterior(fit))[i], 0.1, 1e-9);
    urn_fit_free(fit);
    scene_clear(&s);
}

/* Many groups, so that there are several chunks: equal bits for any number of threads. */
static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    enum { N = 30000, GROUPS = 9000 };
    static const int threads[] = {1, 2, 3, 8};
    static const urn_setting settings[] = {{"steps", "30"}, {"lr", "0.05"}};
    static double group[N], y[N], loc[GROUPS], scale[GROUPS];
    static const char *const names[] = {"group", "y"};
    const double *const columns[] = {group, y};
    for (int i = 0; i < N; i++) {
        group[i] = i < GROUPS ? i : (i * 7919) % GROUPS;
        y[i] = sin(group[i]) + 0.5 * cos(3.0 * i);
    }
    scene s = {.data = dataset_of(N, names, columns, 2)};
    s.model = trace_rows(urn_model_groups(), s.data, URN_ROWS_TRAINING);
    record *first = calloc(1, sizeof *first), *r = calloc(1, sizeof *r);
    for (size_t round = 0; round < 2 * N_OF(threads); round++) {
        const size_t k = round % N_OF(threads);
        memset(r, 0, sizeof *r);
        urn_fit_options options = options_for("svi", settings, 2, r);
        options.threads = threads[k];
        options.precision = (urn_precision)(round / N_OF(threads));
        urn_fit *fit = fit_model(s.model, &options);
        const urn_posterior *p = urn_fit_posterior(fit);
        if (k == 0) {
            *first = *r;
            memcpy(loc, urn_posterior_loc(p), sizeof loc);
            memcpy(scale, urn_posterior_scale(p), sizeof scale);
        }
        assert_memory_equal(loc, urn_posterior_loc(p), sizeof loc);
        assert_memory_equal(scale, urn_posterior_scale(p), sizeof scale);
        assert_memory_equal(first->losses, r->losses, sizeof r->losses);
        urn_fit_free(fit);
    }
    free(first);
    free(r);
    scene_clear(&s);
}

/* Floats and doubles on the same draws of a model of many groups. The first steps differ by
 * rounding alone: the density is a sum in double of 30,000 terms good to about 1e-6 each. Later the
 * parameters have drifted apart by as much, and the fits end at the same place. */
static void single_precision_agrees(void **state)
{
    (void)state;
    enum { N = 30000, GROUPS = 9000 };
    static const urn_setting settings[] = {
        {"steps", "400"}, {"lr", "0.05"}, {"batch", "rows=10000"}};
    static double group[N], y[N];
    static const char *const names[] = {"group", "y"};
    const double *const columns[] = {group, y};
    for (int i = 0; i < N; i++) {
        group[i] = i < GROUPS ? i : (i * 7919) % GROUPS;
        y[i] = sin(group[i]) + 0.5 * cos(3.0 * i);
    }
    urn_dataset *data = dataset_of(N, names, columns, 2);
    record *seen[2] = {calloc(1, sizeof(record)), calloc(1, sizeof(record))};
    for (int batched = 0; batched < 2; batched++) {
        const urn_trace_options trace = {.bytes = sizeof trace,
                                         .data = data,
                                         .batch_plate = batched ? "rows" : NULL,
                                         .batch_size = batched ? 10000 : 0};
        urn_error error = {0};
        urn_model *model;
        assert_ok(urn_model_trace(urn_model_groups(), &trace, &model, &error), &error);
        urn_fit *fit[2];
        for (int single = 0; single < 2; single++) {
            memset(seen[single], 0, sizeof(record));
            urn_fit_options options = options_for("svi", settings, batched ? 3 : 2, seen[single]);
            options.precision = (urn_precision)single;
            fit[single] = fit_model(model, &options);
        }
        for (int i = 0; i < 400; i++) {
            const double a = seen[0]->losses[i], b = seen[1]->losses[i];
            assert_close(b, a, (i < 10 ? 1e-6 : 1e-4) * fabs(a));
        }
        assert_true(seen[0]->losses[0] != seen[1]->losses[0]);
        assert_close(number_of(fit[1], "loss_per_observation"),
                     number_of(fit[0], "loss_per_observation"), 1e-4);
        const double *p = urn_posterior_loc(urn_fit_posterior(fit[0]));
        const double *q = urn_posterior_loc(urn_fit_posterior(fit[1]));
        for (int64_t i = 0; i < urn_model_position_size(model); i++)
            assert_close(q[i], p[i], 2e-3);
        urn_fit_free(fit[0]);
        urn_fit_free(fit[1]);
        urn_model_free(model);
    }
    free(seen[0]);
    free(seen[1]);
    urn_dataset_free(data);
}

/* What the hook is told, and that it can refuse. */
typedef struct admission {
    int asked, refuse_at;
    urn_fit_memory memory[2];
} admission;

static urn_status on_admit(void *context, const urn_fit_memory *memory, urn_error *error)
{
    admission *a = context;
    assert_true(a->asked < 2);
    a->memory[a->asked++] = *memory;
    if (a->asked != a->refuse_at)
        return URN_OK;
    return urn__fail(error, URN_ERR_MEMORY, NULL, NULL, "buy more", "too much");
}

static int64_t engine_memory(const char *engine, const urn_setting *settings, size_t n,
                             urn_precision precision, urn_model *model, int64_t *posterior)
{
    admission a = {0};
    urn_fit_options options = options_for(engine, settings, n, NULL);
    options.precision = precision;
    options.context = &a;
    options.admit = on_admit;
    urn_fit_free(fit_model(model, &options));
    assert_int_equal(a.asked, 2);
    assert_true(a.memory[0].program > 0 && a.memory[1].program == 0);
    assert_int_equal(a.memory[0].engine, a.memory[1].engine);
    *posterior = a.memory[0].posterior;
    return a.memory[0].engine;
}

static void memory_is_asked_for(void **state)
{
    (void)state;
    enum { N = 5000 };
    static double group[N], y[N];
    static const char *const names[] = {"group", "y"};
    const double *const columns[] = {group, y};
    for (int i = 0; i < N; i++)
        group[i] = i;
    scene s = {.data = dataset_of(N, names, columns, 2)};
    s.model = trace_rows(urn_model_groups(), s.data, URN_ROWS_TRAINING);
    const int64_t n = urn_model_position_size(s.model);
    static const struct {
        const char *engine;
        urn_setting settings[3];
        size_t n;
        int arrays, posterior; /* of numbers; of doubles */
        bool single;
    } cases[] = {
        {"svi", {{"steps", "1"}}, 1, 8, 2, true},
        {"svi", {{"steps", "1"}, {"particles", "2"}}, 2, 10, 2, true},
        {"svi", {{"steps", "1"}, {"guide", "delta"}}, 2, 4, 1, true},
        {"svi", {{"steps", "1"}, {"optimizer", "sgd"}}, 2, 8, 2, true},
        {"map", {{"steps", "1"}, {"method", "adam"}}, 2, 4, 1, true},
        {"map", {{"steps", "1"}, {"history", "6"}}, 2, 19, 1, false},
    };
    for (size_t k = 0; k < N_OF(cases); k++)
        for (int single = 0; single <= cases[k].single; single++) {
            int64_t posterior;
            const int64_t engine = engine_memory(cases[k].engine, cases[k].settings, cases[k].n,
                                                 (urn_precision)single, s.model, &posterior);
            const int64_t arrays = n * cases[k].arrays * (single ? 4 : 8);
            assert_true(engine >= arrays && engine < arrays + 2048);
            assert_int_equal(posterior, n * cases[k].posterior * 8);
        }
    for (int refuse_at = 1; refuse_at <= 2; refuse_at++) {
        admission a = {.refuse_at = refuse_at};
        urn_fit_options options = options_for("svi", NULL, 0, NULL);
        urn_fit *fit;
        urn_error error = {0};
        options.context = &a;
        options.admit = on_admit;
        assert_int_equal(urn_fit_run(s.model, &options, &fit, &error), URN_ERR_MEMORY);
        assert_string_equal(error.message, "too much");
        assert_null(fit);
    }
    scene_clear(&s);
}

/* Mini-batches of a third of the rows: the scaled density is unbiased, so the fit is the same. */
static void mini_batches_find_the_same_posterior(void **state)
{
    (void)state;
    static const urn_setting settings[] = {{"steps", "20000"},
                                           {"lr", "0.05"},
                                           {"schedule", "exponential"},
                                           {"lr-final", "1e-5"},
                                           {"batch", "rows=4"}};
    static const char *const names[] = {"y"};
    const double *const columns[] = {few};
    scene s = {.data = dataset_of(8, names, columns, 1)};
    const urn_trace_options trace = {
        .bytes = sizeof trace, .data = s.data, .batch_plate = "rows", .batch_size = 4};
    urn_error error = {0};
    assert_ok(urn_model_trace(urn_model_normal_mean(), &trace, &s.model, &error), &error);
    const urn_fit_options options = options_for("svi", settings, 5, NULL);
    urn_fit *fit = fit_model(s.model, &options);
    const double precision = 0.25 + 8.0 / 0.25;
    const double mean = (0.25 + sum_of(8, few) / 0.25) / precision;
    const double sd = 1.0 / sqrt(precision);
    assert_close(urn_posterior_loc(urn_fit_posterior(fit))[0], mean, 0.05 * sd);
    assert_close(urn_posterior_scale(urn_fit_posterior(fit))[0], sd, 0.03 * sd);
    assert_true(number_of(fit, "observations") == 8.0);
    assert_true(warns_of(fit, "k-hat needs the whole density"));
    urn_fit_free(fit);
    const urn_fit_options map = options_for("map", NULL, 0, NULL);
    assert_int_equal(urn_fit_run(s.model, &map, &fit, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "L-BFGS needs the whole density"));
    scene_clear(&s);
}

static void refusals(void **state)
{
    (void)state;
    urn_fit *fit;
    urn_error error = {0};
    scene s = scene_y(urn_model_discrete(), 8, few);
    urn_fit_options options = options_for("svi", NULL, 0, NULL);
    assert_int_equal(urn_fit_run(s.model, &options, &fit, &error), URN_ERR_MODEL);
    assert_string_equal(error.site, "z");
    assert_non_null(strstr(error.where, "zoo.h:"));
    assert_non_null(strstr(error.message, "the latent site is discrete"));
    options.engine = NULL;
    assert_int_equal(urn_fit_run(s.model, &options, &fit, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "no engine"));
    assert_int_equal(urn_fit_run(s.model, NULL, &fit, &error), URN_ERR_USAGE);
    options = options_for("svi", NULL, 0, NULL);
    options.cpu = "v9";
    scene_clear(&s);
    s = scene_y(urn_model_normal_mean(), 8, few);
    assert_int_equal(urn_fit_run(s.model, &options, &fit, &error), URN_ERR_USAGE);
    assert_non_null(
        strstr(error.message, "there is no CPU path \"v9\" on this machine; it has base"));
    options.cpu = "base";
    fit = fit_model(s.model, &options);
    assert_string_equal(urn_fit_cpu(fit), "base");
    urn_fit_free(fit);
    options.engine = urn_engine_find("map");
    options.precision = URN_PRECISION_SINGLE;
    assert_int_equal(urn_fit_run(s.model, &options, &fit, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "L-BFGS works in double precision only"));
    scene_clear(&s);
    s = scene_y(urn_model_impossible(), 8, few);
    options = options_for("svi", NULL, 0, NULL);
    assert_int_equal(urn_fit_run(s.model, &options, &fit, &error), URN_ERR_RUNTIME);
    assert_non_null(
        strstr(error.message, "not finite at 10 steps in a row, the last of them step 10"));
    if (!strstr(error.message, "\"y\""))
        fail_msg("the site is not named: %s", error.message);
    options = options_for("map", NULL, 0, NULL);
    assert_int_equal(urn_fit_run(s.model, &options, &fit, &error), URN_ERR_RUNTIME);
    assert_non_null(strstr(error.message, "at the first position"));
    scene_clear(&s);
}

/* Fits, and keeps the position and the losses. */
typedef struct outcome {
    urn_status status;
    urn_error error;
    record seen;
    int64_t size;
    double loss, loc[64];
} outcome;

static void fit_once(urn_model *model, const urn_engine *engine, int threads,
                     urn_precision precision, outcome *o)
{
    const urn_setting settings[] = {{"steps", "60"}, {"method", "adam"}}; /* map's, for floats */
    const bool map = strcmp(urn_engine_name(engine), "map") == 0;
    const bool draws = engine->kind == URN__SAMPLER; /* no losses to record */
    const size_t n = draws ? 0 : map && precision == URN_PRECISION_SINGLE ? 2 : 1;
    urn_fit_options options =
        options_for(urn_engine_name(engine), settings, n, draws ? NULL : &o->seen);
    options.warmup = options.draws = draws ? 30 : 0;
    urn_fit *fit;
    memset(o, 0, sizeof *o);
    options.threads = threads;
    options.precision = precision;
    o->status = urn_fit_run(model, &options, &fit, &o->error);
    if (o->status == URN_OK) {
        urn_fit_stat stat;
        o->size = urn_posterior_size(urn_fit_posterior(fit));
        o->loss = urn_fit_stat_at(fit, 0, &stat) ? stat.values[29]
                                                 : number_of(fit, "loss_per_observation");
        memcpy(o->loc, urn_posterior_loc(urn_fit_posterior(fit)), (size_t)o->size * sizeof(double));
    }
    urn_fit_free(fit);
}

/* Whatever an engine accepts it fits, no matter which model: finite numbers, a posterior of the
 * right size, the same bits again and with eight threads. What it does not accept it refuses by
 * name. */
static void every_engine_meets_every_model(void **state)
{
    (void)state;
    static const char *const names[] = {"group", "y"};
    const double group[6] = {1, 2, 3, 1, 2, 3}, y[6] = {2, 0, 3, 1, 4, 1};
    const double *const columns[] = {group, y};
    urn_dataset *data = dataset_of(6, names, columns, 2);
    outcome *first = calloc(1, sizeof *first), *again = calloc(1, sizeof *again);
    assert_true(first && again);
    for (size_t i = 0; i < N_OF(zoo_models); i++)
        for (int round = 0; round < 2 * urn_engine_count(); round++) {
            const zoo_model *zoo = &zoo_models[i];
            const urn_engine *engine = urn_engine_at(round / 2);
            const urn_precision precision = (urn_precision)(round % 2);
            urn_model *model = trace_rows(zoo->def(), data, URN_ROWS_TRAINING);
            fit_once(model, engine, 1, precision, first);
            fit_once(model, engine, 8, precision, again);
            assert_int_equal(first->status, again->status);
            assert_string_equal(first->error.message, again->error.message);
            assert_memory_equal(&first->seen, &again->seen, sizeof first->seen);
            assert_memory_equal(first->loc, again->loc, sizeof first->loc);
            assert_memory_equal(&first->loss, &again->loss, sizeof first->loss);
            const bool draws = engine->kind == URN__SAMPLER, ends_in_draws = engine->draws > 0;
            const bool blocks = engine->own_programs; /* takes discrete sites, too */
            const char *refused = zoo->refused && !blocks ? zoo->refused
                                  : ends_in_draws         ? zoo->not_drawn
                                                          : NULL;
            if (precision == URN_PRECISION_SINGLE && !engine->single) {
                assert_true(first->status == URN_ERR_USAGE || (refused && first->status != URN_OK));
            } else if (refused) {
                assert_int_equal(first->status, URN_ERR_MODEL);
                assert_string_equal(first->error.site, refused);
            } else if (zoo->broken) {
                assert_int_equal(first->status, URN_ERR_RUNTIME);
            } else {
                assert_ok(first->status, &first->error);
                assert_int_equal(first->size, draws ? urn_model_state_size(model)
                                                    : urn_model_position_size(model));
                assert_true(isfinite(first->loss) && (draws || first->seen.rows > 0));
            }
            urn_model_free(model);
        }
    free(first);
    free(again);
    urn_dataset_free(data);
}

/* Every allocation of trace, compile and fit fails once. */
static void memory_running_out_is_an_error(void **state)
{
    (void)state;
    static const urn_setting settings[] = {{"steps", "12"}, {"lr", "1e-6"}};
    static const char *const names[] = {"y"};
    const double y[3] = {2, 0, 3};
    const double *const columns[] = {y};
    urn_dataset *data = dataset_of(3, names, columns, 1);
    for (long fail_at = 1;; fail_at++) {
        failing_memory memory;
        failing_memory_init(&memory, fail_at, fail_at % 2 == 0);
        const urn_trace_options trace = {
            .bytes = sizeof trace, .data = data, .allocator = &memory.hook};
        urn_fit_options options = options_for("svi", settings, 2, NULL);
        urn_model *model = NULL;
        urn_fit *fit = NULL;
        urn_error error = {0};
        options.allocator = &memory.hook;
        options.threads = 1;
        urn_status status = urn_model_trace(urn_model_rate(), &trace, &model, &error);
        if (status == URN_OK)
            status = urn_fit_run(model, &options, &fit, &error);
        const bool all = memory.calls < fail_at;
        if (status != (all ? URN_OK : URN_ERR_MEMORY))
            fail_msg("allocation %ld: %s: %s", fail_at, urn_status_text(status), error.message);
        urn_fit_free(fit);
        urn_model_free(model);
        assert_int_equal(memory.live, 0);
        if (all) {
            assert_true(fail_at > 10);
            break;
        }
    }
    urn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_normal_mean),
        cmocka_unit_test(a_regression),
        cmocka_unit_test(modes_of_a_regression),
        cmocka_unit_test(modes_of_a_positive_site),
        cmocka_unit_test(a_parameter_is_a_point),
        cmocka_unit_test(fits_start_at_prior_medians),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(single_precision_agrees),
        cmocka_unit_test(memory_is_asked_for),
        cmocka_unit_test(mini_batches_find_the_same_posterior),
        cmocka_unit_test(refusals),
        cmocka_unit_test(every_engine_meets_every_model),
        cmocka_unit_test(memory_running_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
