/* Guides with a factor against closed forms: normal posteriors, whose mean, covariance and evidence
 * are known, and finite differences. */
#include "inference/guides/guides.h"
#include "tests/inference/models.h"
#include "tests/models/statistics.h"

#include "inference/svi/svi.h"

/* ---- a target: any normal, times a constant ---- */

enum { MOST = 12 };
#define LOG_EVIDENCE (-3.25)

typedef struct mvn_target {
    urn__target target;
    urn__block blocks[3];
    double mean[MOST], covariance[MOST * MOST], inverse[MOST * MOST], log_det;
} mvn_target;

/* Gauss and Jordan, without pivots: the matrices are positive definite. */
static double invert(int n, const double *a, double *inverse)
{
    double work[MOST * MOST], log_det = 0.0;
    memcpy(work, a, (size_t)(n * n) * sizeof *a);
    for (int i = 0; i < n * n; i++)
        inverse[i] = i % (n + 1) == 0 ? 1.0 : 0.0;
    for (int k = 0; k < n; k++) {
        const double pivot = work[k * n + k];
        assert_true(pivot > 0.0);
        log_det += log(pivot);
        for (int j = 0; j < n; j++) {
            work[k * n + j] /= pivot;
            inverse[k * n + j] /= pivot;
        }
        for (int i = 0; i < n; i++) {
            const double by = work[i * n + k];
            for (int j = 0; i != k && j < n; j++) {
                work[i * n + j] -= by * work[k * n + j];
                inverse[i * n + j] -= by * inverse[k * n + j];
            }
        }
    }
    return log_det;
}

static double mvn_log_density(void *context, const double *x, double *gradient)
{
    const mvn_target *t = context;
    const int n = (int)t->target.size;
    double sum = LOG_EVIDENCE - 0.5 * t->log_det - 0.5 * n * LOG_2PI;
    for (int i = 0; i < n; i++) {
        double product = 0.0;
        for (int j = 0; j < n; j++)
            product += t->inverse[i * n + j] * (x[j] - t->mean[j]);
        sum -= 0.5 * (x[i] - t->mean[i]) * product;
        if (gradient)
            gradient[i] = -product;
    }
    return sum;
}

/* Blocks "a" of n - 2, "b" of one and "c" of one coordinate; a's rows have `row`. */
static mvn_target *mvn_target_new(int n, int row)
{
    mvn_target *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->blocks[0] =
        (urn__block){.name = "a", .where = "x.c:1", .site = -1, .size = n - 2, .row = row};
    t->blocks[1] = (urn__block){
        .name = "b", .where = "x.c:2", .site = -1, .offset = n - 2, .size = 1, .row = 1};
    t->blocks[2] = (urn__block){
        .name = "c", .where = "x.c:3", .site = -1, .offset = n - 1, .size = 1, .row = 1};
    t->target = (urn__target){.size = n,
                              .observations = 1.0,
                              .n_blocks = 3,
                              .blocks = t->blocks,
                              .threads = 1,
                              .context = t,
                              .log_density = mvn_log_density};
    assert_int_equal(urn__kernels_select(NULL, &t->target.kernels, NULL), URN_OK);
    return t;
}

/* Scales s_i, correlations by rows r_i: covariance = s (1 + R R') s, all of it of a few numbers. */
static void set_covariance(mvn_target *t, int rank, bool rows_only)
{
    const int n = (int)t->target.size, row = (int)t->blocks[0].row;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double sum = i == j ? 1.0 : 0.0;
            for (int k = 0; k < rank; k++)
                sum += sin(1.0 + 2.3 * i + k) * sin(1.0 + 2.3 * j + k);
            const bool apart = i != j && (i >= n - 2 || j >= n - 2 || i / row != j / row);
            t->covariance[i * n + j] =
                rows_only && apart ? 0.0 : sum * (0.2 + 0.1 * (i % 4)) * (0.2 + 0.1 * (j % 4));
        }
    for (int i = 0; i < n; i++)
        t->mean[i] = cos(3.0 * i);
    t->log_det = invert(n, t->covariance, t->inverse);
}

/* ---- guides set to the posterior ---- */

static urn__guide *guide_of(const urn__target *target, const urn__guide_kind *kind, int64_t rank,
                            urn__arena *arena)
{
    urn__guide *guide = calloc(1, sizeof *guide);
    const urn__guide_plan plan = {.kind = kind, .rank = rank, .seed = 3};
    const urn__optimiser still = {.kind = URN__SGD, .n_steps = 1};
    double zeros[8192] = {0};
    urn_error error = {0};
    assert_non_null(guide);
    assert_ok(urn__guide_init(guide, arena, target, &plan, &error), &error);
    assert_ok(urn__guide_start(guide, zeros, 0.3, NULL, &error), &error);
    assert_ok(urn__guide_ready(guide, &still, true, &error), &error);
    return guide;
}

static void guide_end(urn__guide *guide)
{
    urn__guide_settle(guide);
    free(guide);
}

/* P and the scales of the Cholesky factor of the covariance (of its blocks: the rest is 0). */
static void set_cholesky(urn__guide *guide, const mvn_target *t)
{
    const int n = (int)t->target.size;
    double l[MOST * MOST];
    const urn__layout *layout = &guide->factor->layout;
    assert_true(urn__cholesky(n, t->covariance, l));
    for (int i = 0; i < n; i++) {
        ((double *)guide->arrays.loc)[i] = t->mean[i];
        ((double *)guide->arrays.log_scale)[i] = log(l[i * n + i]);
    }
    for (int b = 0; b < layout->n_blocks; b++)
        for (int64_t i = layout->blocks[b].first;
             i < layout->blocks[b].first + layout->blocks[b].rows * layout->blocks[b].width; i++) {
            const urn__factor_row row = urn__row_in_block(layout, b, i);
            for (int64_t k = 0; k < row.n; k++)
                guide->factor->p[row.at + k] = l[i * n + row.from + k] / l[i * n + i];
        }
}

static void set_rank(urn__guide *guide, const mvn_target *t, int rank)
{
    const int n = (int)t->target.size;
    for (int i = 0; i < n; i++) {
        ((double *)guide->arrays.loc)[i] = t->mean[i];
        ((double *)guide->arrays.log_scale)[i] = log(0.2 + 0.1 * (i % 4));
        for (int k = 0; k < rank; k++)
            guide->factor->p[i * rank + k] = sin(1.0 + 2.3 * i + k);
    }
}

/* A guide that is the posterior: log p - log q is the evidence at every draw, and the ELBO is the
 * evidence, since E log p = evidence - entropy (closed forms; 1e-9 for rounding of ten or so terms
 * of size ten). */
static void the_posterior_itself(void **state)
{
    (void)state;
    const urn__guide_kind *const kinds[] = {&urn__guide_full, &urn__guide_rows,
                                            &urn__guide_low_rank};
    for (int k = 0; k < 3; k++) {
        urn__arena *arena = urn__arena_new(NULL);
        mvn_target *t = mvn_target_new(10, 4);
        set_covariance(t, 3, k == 1);
        urn__guide *guide = guide_of(&t->target, kinds[k], k == 2 ? 3 : 0, arena);
        if (k == 2)
            set_rank(guide, t, 3);
        else
            set_cholesky(guide, t);
        double mean[MOST] = {0};
        for (int s = 0; s < 200; s++) {
            urn__guide_sample(guide, (urn__draw){5, 0, s});
            const double log_p = urn__guide_target_density(guide, false);
            assert_close(log_p - urn__guide_log_density(guide), LOG_EVIDENCE, 1e-9);
            for (int i = 0; i < 10; i++)
                mean[i] += ((const double *)guide->arrays.position)[i] / 200.0;
        }
        assert_close(urn__guide_entropy(guide), 0.5 * (t->log_det + 10.0 * (1.0 + LOG_2PI)), 1e-9);
        for (int i = 0; i < 10; i++)
            assert_close(mean[i], t->mean[i], 4.0 * sqrt(t->covariance[i * 11] / 200.0));
        guide_end(guide);
        urn__arena_free(arena);
        free(t);
    }
}

/* ---- gradients ---- */

/* The loss of one draw: -(log p + entropy), at the guide's parameters and fixed noise. */
static double loss_at(urn__guide *guide)
{
    guide->drawn = false;
    guide->factor->stale = true;
    urn__guide_sample(guide, (urn__draw){5, 0, 1});
    return -urn__guide_target_density(guide, true) - urn__guide_entropy(guide);
}

static void check_slope(urn__guide *guide, double *parameter, double found)
{
    const double h = 1e-5, at = *parameter;
    *parameter = at + h;
    const double up = loss_at(guide);
    *parameter = at - h;
    const double down = loss_at(guide);
    *parameter = at;
    assert_close(found, (up - down) / (2.0 * h), 2e-7 * (1.0 + fabs(up)));
}

/* Every parameter of every guide; the last coordinate is a point. The step of one sweep and that of
 * accumulated gradients are the same. */
static void gradients_are_differences(void **state)
{
    (void)state;
    const urn__guide_kind *const kinds[] = {&urn__guide_full, &urn__guide_rows,
                                            &urn__guide_low_rank};
    for (int k = 0; k < 3; k++) {
        urn__arena *arena = urn__arena_new(NULL);
        mvn_target *t = mvn_target_new(10, 4);
        set_covariance(t, 4, false);
        t->blocks[2].point = true;
        urn__guide *guide = guide_of(&t->target, kinds[k], k == 2 ? 3 : 0, arena);
        urn__factor *f = guide->factor;
        double *loc = guide->arrays.loc, *log_scale = guide->arrays.log_scale;
        for (int i = 0; i < 10; i++) {
            loc[i] = 0.3 * sin(i);
            log_scale[i] = -1.0 + 0.4 * cos(i);
        }
        const int64_t n = k == 2 ? 27 : f->layout.n_factor;
        assert_int_equal(f->layout.n_factor, k == 0 ? 45 : k == 1 ? 12 : 30);
        for (int64_t i = 0; i < n; i++)
            f->p[i] = 0.5 * cos(1.0 + 1.7 * (double)i);
        const urn__optimiser still = {.kind = URN__SGD, .n_steps = 1};
        urn__guide_zero(guide);
        loss_at(guide);
        assert_true(urn__guide_accumulate(guide, 1.0));
        urn__guide_update(guide, &still, 1.0);
        double g_loc[10], g_scale[10], g[45];
        memcpy(g_loc, guide->arrays.g_loc, sizeof g_loc);
        memcpy(g_scale, guide->arrays.g_scale, sizeof g_scale);
        memcpy(g, f->g, (size_t)f->layout.n_factor * sizeof *g);
        for (int i = 0; i < 10; i++)
            check_slope(guide, &loc[i], g_loc[i]);
        for (int i = 0; i < 9; i++)
            check_slope(guide, &log_scale[i], g_scale[i]);
        for (int64_t i = 0; i < f->layout.n_factor; i++)
            if (k != 2 || i < n)
                check_slope(guide, &f->p[i], g[i]);
            else
                assert_true(g[i] == 0.0);
        /* in one sweep: plain gradient descent */
        double before[45], old_loc[10];
        const urn__optimiser plain = {.kind = URN__SGD, .n_steps = 1, .lr_now = 0.01};
        memcpy(before, f->p, (size_t)f->layout.n_factor * sizeof *before);
        memcpy(old_loc, loc, sizeof old_loc);
        memset(f->m, 0, (size_t)f->layout.n_factor * sizeof *f->m);
        memset(guide->arrays.m_loc, 0, sizeof old_loc);
        loss_at(guide);
        assert_true(urn__factor_step(guide, &plain, 1.0));
        for (int64_t i = 0; i < f->layout.n_factor; i++)
            assert_close(f->p[i], before[i] - 0.01 * g[i], 1e-12 * (1.0 + fabs(g[i])));
        ((double *)guide->arrays.gradient)[4] = (double)NAN;
        memcpy(before, f->p, (size_t)f->layout.n_factor * sizeof *before);
        assert_false(urn__factor_step(guide, &plain, 1.0));
        assert_memory_equal(before, f->p, (size_t)f->layout.n_factor * sizeof *before);
        guide_end(guide);
        urn__arena_free(arena);
        free(t);
    }
}

/* ---- fits ---- */

static double covariance_of(const urn_posterior *p, int64_t i, int64_t j)
{
    urn_normal_form form = {.bytes = sizeof form};
    assert_true(urn_posterior_form(p, &form));
    const int64_t n = urn_posterior_size(p);
    double row[2][64] = {{0}};
    const int64_t at[2] = {i, j};
    for (int k = 0; k < 2; k++) {
        row[k][at[k]] = form.own[at[k]];
        if (form.rank > 0) {
            for (int64_t c = 0; c < form.rank; c++)
                row[k][n + c] = form.factor[at[k] * form.rank + c];
            continue;
        }
        const urn__layout layout = {.n_blocks = form.n_blocks, .blocks = form.blocks};
        int64_t start = 0;
        for (int b = 0; b < layout.n_blocks; b++) {
            const urn_normal_block *block = &layout.blocks[b];
            const int64_t in = at[k] - block->first, place = in % block->width;
            if (in >= 0 && in < block->rows * block->width)
                for (int64_t c = 0; c < place; c++)
                    row[k][at[k] - place + c] =
                        form.factor[start + urn__before_row(block->width, in) + c];
            start += block->rows * block->width * (block->width - 1) / 2;
        }
    }
    double sum = 0.0;
    for (int c = 0; c < 64; c++)
        sum += row[0][c] * row[1][c];
    return sum;
}

static const urn_setting falling[] = {
    {"steps", "6000"},    {"lr", "0.03"},     {"schedule", "exponential"},
    {"lr-final", "1e-5"}, {"particles", "4"}, {"guide", "full"},
    {"rank", "2"}};

/* The optimum is the posterior; what is left is the optimiser's noise at its last rate, measured
 * well below these bounds, which no guide without the correlations comes near (correlations here
 * are up to 0.7). */
static void fits_end_at_the_posterior(void **state)
{
    (void)state;
    if (statistics_left_out())
        return;
    static const char *const names[] = {"full", "rows", "low-rank"};
    for (int k = 0; k < 3; k++) {
        mvn_target *t = mvn_target_new(8, 3);
        urn_setting settings[N_OF(falling)];
        set_covariance(t, 2, k == 1);
        memcpy(settings, falling, sizeof falling);
        settings[5].value = names[k];
        const urn_fit_options options =
            options_for("svi", settings, k == 2 ? N_OF(falling) : N_OF(falling) - 1, NULL);
        urn_fit *fit;
        urn_error error = {0};
        assert_ok(fit_target(&t->target, &options, &fit, &error), &error);
        const urn_posterior *p = urn_fit_posterior(fit);
        for (int i = 0; i < 8; i++) {
            const double sd = sqrt(t->covariance[i * 9]);
            assert_close(urn_posterior_loc(p)[i], t->mean[i], 0.02 * sd);
            assert_close(urn_posterior_scale(p)[i], sd, 0.02 * sd);
            for (int j = 0; j < i; j++)
                assert_close(covariance_of(p, i, j), t->covariance[i * 8 + j],
                             0.03 * sd * sqrt(t->covariance[j * 9]));
        }
        /* the gap of the ELBO is KL(q, posterior), of the square of these errors */
        assert_close(number_of(fit, "loss_per_observation"), -LOG_EVIDENCE,
                     5e-3 + 4.0 * number_of(fit, "loss_standard_error"));
        urn_fit_free(fit);
        free(t);
    }
}

/* What a fit of normal coordinates should be: the precision matrix and the linear term of the
 * density's exponent. Checks locations, covariances and the loss; returns the log evidence's part:
 * -0.5 log |A| + 0.5 m' A m. */
static double check_fit(const urn_fit *fit, int64_t first, int n, const double *precision,
                        const double *linear)
{
    const urn_posterior *p = urn_fit_posterior(fit);
    double covariance[MOST * MOST], mean[MOST] = {0}, part = 0.0;
    part = -0.5 * invert(n, precision, covariance);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            mean[i] += covariance[i * n + j] * linear[j];
    for (int i = 0; i < n; i++) {
        const double sd = sqrt(covariance[i * (n + 1)]);
        part += 0.5 * mean[i] * linear[i];
        assert_close(urn_posterior_loc(p)[first + i], mean[i], 0.03 * sd);
        for (int j = 0; j <= i; j++)
            assert_close(covariance_of(p, first + i, first + j), covariance[i * n + j],
                         0.04 * sd * sqrt(covariance[j * (n + 1)]));
    }
    return part;
}

/* Bayesian linear regression with known noise: normal equations. */
static void regression_is_exact_with_a_full_guide(void **state)
{
    (void)state;
    if (statistics_left_out())
        return;
    enum { N = 40 };
    double x[3][N], y[N], precision[9] = {0}, linear[3] = {0}, log_evidence = 0.0;
    for (int i = 0; i < N; i++) {
        x[0][i] = 1.0;
        x[1][i] = 2.0 + sin(3.0 * i); /* far from 0: correlated with the intercept */
        x[2][i] = cos(5.0 * i) + 0.3 * x[1][i];
        y[i] = 0.5 + 0.7 * x[1][i] - x[2][i] + 0.6 * cos(11.0 * i);
        log_evidence -= 0.5 * (y[i] * y[i] / 0.49 + log(0.49) + LOG_2PI);
        for (int j = 0; j < 3; j++)
            linear[j] += x[j][i] * y[i] / 0.49;
        for (int j = 0; j < 9; j++)
            precision[j] += x[j / 3][i] * x[j % 3][i] / 0.49;
    }
    for (int j = 0; j < 3; j++)
        precision[4 * j] += 1.0 / 9.0;
    static const char *const names[] = {"x0", "x1", "x2", "y"};
    const double *const columns[] = {x[0], x[1], x[2], y};
    scene s = {.data = dataset_of(N, names, columns, 4)};
    s.model = trace_rows(urn_model_regression(), s.data, URN_ROWS_TRAINING);
    const urn_fit_options options = options_for("svi", falling, N_OF(falling) - 1, NULL);
    urn_fit *fit = fit_model(s.model, &options);
    log_evidence += check_fit(fit, offset_of(s.model, "b0"), 3, precision, linear) - 3.0 * log(3.0);
    assert_close(N * number_of(fit, "loss_per_observation"), -log_evidence,
                 5e-3 + 4.0 * N * number_of(fit, "loss_standard_error"));
    urn_fit_free(fit);
    scene_clear(&s);
}

/* Factors of users, given those of what they rated: a normal for each user. */
static void tastes(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows");
    urn_plate user = urn_plate_of(m, "user");
    urn_var u = urn_sample(m, "U", mvn, .loc = urn_fill(m, 3, 0.0),
                           .scale_tril = urn_eye(m, 3, 1.0), .plate = user);
    urn_var mean =
        urn_row_dot(urn_gather(u, urn_index(rows, "user", user)), urn_data_columns(rows, "v*"));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = mean,
                .scale = urn_real(m, 0.5), .plate = rows);
}
URN_MODEL(tastes, "factors of users");

static void rows_are_exact_given_the_other_factor(void **state)
{
    (void)state;
    if (statistics_left_out())
        return;
    enum { USERS = 5, N = 8 * USERS };
    double v[3][N], y[N], precision[USERS][9] = {{0}}, linear[USERS][3] = {{0}};
    double log_evidence = 0.0;
    int64_t ids[N];
    for (int i = 0; i < N; i++) {
        const int user = i % USERS;
        ids[i] = 100 + user;
        v[0][i] = 1.0 + 0.5 * sin(2.0 * i * i);
        v[1][i] = 0.8 + 0.7 * cos(3.0 * i * i);
        v[2][i] = sin(5.0 * i * i);
        y[i] = sin(1.0 + user) * v[0][i] + v[1][i] + 0.4 * cos(13.0 * i);
        log_evidence -= 0.5 * (y[i] * y[i] / 0.25 + log(0.25) + LOG_2PI);
        for (int j = 0; j < 3; j++)
            linear[user][j] += v[j][i] * y[i] / 0.25;
        for (int j = 0; j < 9; j++)
            precision[user][j] += v[j / 3][i] * v[j % 3][i] / 0.25;
    }
    static const char *const names[] = {"v0", "v1", "v2", "y"};
    const double *const columns[] = {v[0], v[1], v[2], y};
    scene s = {.data = dataset_of(N, names, columns, 4)};
    urn_error error = {0};
    assert_ok(urn_dataset_add_int(s.data, "rows", "user", ids, &error), &error);
    s.model = trace_rows(urn_model_tastes(), s.data, URN_ROWS_TRAINING);
    urn_setting settings[N_OF(falling)];
    memcpy(settings, falling, sizeof falling);
    settings[5].value = "rows";
    const urn_fit_options options = options_for("svi", settings, N_OF(falling) - 1, NULL);
    urn_fit *fit = fit_model(s.model, &options);
    const int64_t first = offset_of(s.model, "U");
    for (int user = 0; user < USERS; user++) {
        for (int j = 0; j < 3; j++)
            precision[user][4 * j] += 1.0;
        log_evidence += check_fit(fit, first + 3 * user, 3, precision[user], linear[user]);
    }
    assert_close(N * number_of(fit, "loss_per_observation"), -log_evidence,
                 1e-2 + 4.0 * N * number_of(fit, "loss_standard_error"));
    urn_fit_free(fit);
    scene_clear(&s);
}

/* A fit goes on where another one of its form ended; of another form, with the same sds. */
static void a_fit_starts_where_another_ended(void **state)
{
    (void)state;
    static const char *const kinds[] = {"full", "rows", "low-rank"};
    mvn_target *t = mvn_target_new(8, 3);
    set_covariance(t, 2, false);
    t->blocks[2].point = true;
    for (int k = 0; k < 3; k++) {
        const urn_setting settings[] = {
            {"guide", kinds[k]}, {"steps", "300"}, {"lr", "0.05"}, {"k-hat-draws", "0"}};
        urn_fit_options options = options_for("svi", settings, 4, NULL);
        urn_fit *fit, *next[3];
        urn_normal_form form = {.bytes = sizeof form}, again = form;
        assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
        const urn_posterior *p = urn_fit_posterior(fit);
        assert_true(urn_posterior_form(p, &form));
        for (int other = 0; other < 3; other++) {
            const urn_setting still[] = {{"guide", kinds[other]}, {"steps", "1"}, {"lr", "1e-12"}};
            options.settings = still;
            options.n_settings = 3;
            options.init = urn_posterior_loc(p);
            options.init_scale = urn_posterior_scale(p);
            options.init_form = &form;
            assert_int_equal(fit_target(&t->target, &options, &next[other], NULL), URN_OK);
            const urn_posterior *q = urn_fit_posterior(next[other]);
            for (int i = 0; i < 8; i++) {
                assert_close(urn_posterior_loc(q)[i], urn_posterior_loc(p)[i], 1e-10);
                assert_close(urn_posterior_scale(q)[i], urn_posterior_scale(p)[i], 1e-10);
            }
            assert_true(urn_posterior_form(q, &again));
            for (int64_t i = 0; other == k && i < form.n_factor; i++)
                assert_close(again.factor[i], form.factor[i], 1e-10);
            urn_fit_free(next[other]);
        }
        urn_fit_free(fit);
    }
    free(t);
}

/* ---- results that do not depend on threads, refusals ---- */

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    static const char *const kinds[] = {"full", "rows", "low-rank"};
    static const int threads[] = {1, 2, 3, 8};
    enum { N = 3000 };
    static double loc[N + 2], scale[N + 2];
    for (int k = 0; k < 3; k++)
        for (int particles = 1; particles <= 2; particles++) {
            const urn_setting settings[] = {{"steps", "3"},
                                            {"lr", "0.05"},
                                            {"particles", particles == 1 ? "1" : "2"},
                                            {"k-hat-draws", "0"},
                                            {"evaluations", "4"},
                                            {"guide", kinds[k]}};
            double final = 0.0;
            for (size_t i = 0; i < N_OF(threads); i++) {
                const int64_t n = k == 0 ? 500 : N;
                normal_target *t = normal_target_new(n, threads[i]);
                const size_t bytes = (size_t)(n + 2) * sizeof(double);
                t->blocks[0].row = 20;
                const urn_fit_options options = options_for("svi", settings, 6, NULL);
                urn_fit *fit;
                assert_int_equal(fit_target(&t->target, &options, &fit, NULL), URN_OK);
                const urn_posterior *p = urn_fit_posterior(fit);
                if (i == 0) {
                    memcpy(loc, urn_posterior_loc(p), bytes);
                    memcpy(scale, urn_posterior_scale(p), bytes);
                    final = number_of(fit, "loss_per_observation");
                }
                assert_memory_equal(loc, urn_posterior_loc(p), bytes);
                assert_memory_equal(scale, urn_posterior_scale(p), bytes);
                assert_true(final == number_of(fit, "loss_per_observation"));
                urn_fit_free(fit);
                free(t);
            }
        }
}

static void what_is_too_large_is_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t n, row;
        urn_setting settings[2];
        size_t n_settings;
        urn_precision precision;
        const char *says;
    } cases[] = {
        {5000,
         0,
         {{"guide", "full"}},
         1,
         URN_PRECISION_DOUBLE,
         "at most 4096 of them, but the model has 5002: 1.25e+07 numbers, 0.3 GB"},
        {5000,
         5000,
         {{"guide", "rows"}},
         1,
         URN_PRECISION_DOUBLE,
         "of at most 4096 coordinates, but a row of this one has 5000"},
        {5,
         0,
         {{"guide", "low-rank"}, {"rank", "8"}},
         2,
         URN_PRECISION_DOUBLE,
         "of rank 8 was asked for, but the model has 7 coordinates"},
        {5,
         0,
         {{"guide", "full"}, {"rank", "2"}},
         2,
         URN_PRECISION_DOUBLE,
         "option \"rank\" was given, but belongs to --guide low-rank"},
        {5,
         0,
         {{"guide", "full"}},
         1,
         URN_PRECISION_SINGLE,
         "--guide full computes in double precision only"},
    };
    for (size_t k = 0; k < N_OF(cases); k++) {
        normal_target *t = normal_target_in(cases[k].precision, cases[k].n, 1);
        const urn_fit_options options =
            options_for("svi", cases[k].settings, cases[k].n_settings, NULL);
        urn_fit *fit;
        urn_error error = {0};
        t->blocks[0].row = cases[k].row;
        assert_int_equal(fit_target(&t->target, &options, &fit, &error), URN_ERR_USAGE);
        if (!strstr(error.message, cases[k].says))
            fail_msg("%s", error.message);
        free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_posterior_itself),
        cmocka_unit_test(gradients_are_differences),
        cmocka_unit_test(fits_end_at_the_posterior),
        cmocka_unit_test(regression_is_exact_with_a_full_guide),
        cmocka_unit_test(rows_are_exact_given_the_other_factor),
        cmocka_unit_test(a_fit_starts_where_another_ended),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(what_is_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
