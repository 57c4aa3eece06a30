/* Pathfinder: its inverse Hessians against the BFGS recursion they stand for, normal posteriors
 * where it is exact or near, its paths, and what it says when they fail. */
#include "tests/inference/free_target.h"
#include "tests/inference/models.h"

#include "inference/pathfinder/inverse.h"

#include <lapacke.h>

/* ---- the inverse Hessian ---- */

enum { MOST = 8 };

/* H = (I - s z' / s'z) H (I - z s' / s'z) + s s' / s'z, on a dense matrix. */
static void bfgs(int n, double *h, const double *s, const double *z)
{
    double product = 0.0, hz[MOST], zhz = 0.0, old[MOST * MOST];
    memcpy(old, h, sizeof old);
    for (int i = 0; i < n; i++) {
        product += s[i] * z[i];
        hz[i] = 0.0;
        for (int j = 0; j < n; j++)
            hz[i] += h[i * n + j] * z[j];
    }
    for (int i = 0; i < n; i++)
        zhz += z[i] * hz[i];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            h[i * n + j] = old[i * n + j] - (s[i] * hz[j] + hz[i] * s[j]) / product +
                           (1.0 + zhz / product) * s[i] * s[j] / product;
}

/* Gradient of the log density at x: a quartic with cross terms, concave. */
static void slope(int n, const double *x, double *g)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++)
        sum += (1.0 + i) * x[i];
    for (int i = 0; i < n; i++)
        g[i] = -(1.0 + i) * (sum + sum * sum * sum) - (2.0 + i) * x[i];
}

/* Covariance of the draws: the sum over unit vectors of what they become. */
static void covariance_of(const urn__low_rank *q, const urn__kernels *kernels, int n,
                          urn__small_room *room, double *covariance)
{
    memset(covariance, 0, (size_t)(n * n) * sizeof *covariance);
    for (int k = 0; k < n; k++) {
        double z[MOST] = {0.0};
        z[k] = 1.0;
        urn__low_rank_draw(q, kernels, z, room);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                covariance[i * n + j] += (z[i] - q->mean[i]) * (z[j] - q->mean[j]);
    }
}

/* The log density of draw x under normal(mean, covariance), by LAPACK. */
static double density_of(int n, const double *x, const double *mean, const double *covariance)
{
    double l[MOST * MOST], d[MOST], sum = -0.5 * n * LOG_2PI;
    memcpy(l, covariance, (size_t)(n * n) * sizeof *l);
    assert_int_equal(LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', n, l, n), 0);
    for (int i = 0; i < n; i++)
        d[i] = x[i] - mean[i];
    LAPACKE_dtrtrs(LAPACK_ROW_MAJOR, 'L', 'N', 'N', n, 1, l, n, d, 1);
    for (int i = 0; i < n; i++)
        sum -= 0.5 * d[i] * d[i] + log(l[i * n + i]);
    return sum;
}

static void check_inverse(int n, int most, int steps, urn__arena *arena)
{
    const urn__kernels *kernels;
    urn__history h;
    urn__low_rank q;
    urn__small_room room;
    double x[32][MOST], g[32][MOST], dense[MOST * MOST] = {0.0}, covariance[MOST * MOST];
    assert_int_equal(urn__kernels_select(NULL, &kernels, NULL), URN_OK);
    urn__history_init(&h, n, most, arena);
    urn__low_rank_init(&q, n, most, arena);
    urn__small_room_init(&room, most, arena);
    assert_false(urn__arena_failed(arena));
    for (int k = 0; k <= steps; k++) {
        for (int i = 0; i < n; i++)
            x[k][i] = sin(3.0 * i + 2.0 * k) * pow(0.8, k);
        slope(n, x[k], g[k]);
        if (k > 0)
            assert_true(urn__history_add(&h, x[k - 1], g[k - 1], x[k], g[k]));
    }
    assert_true(urn__low_rank_at(&q, &h, kernels, x[steps], g[steps], &room));
    for (int i = 0; i < n; i++)
        dense[i * n + i] = h.diagonal[i];
    for (int k = steps > most ? steps - most : 0; k < steps; k++) {
        double s[MOST], z[MOST];
        for (int i = 0; i < n; i++) {
            s[i] = x[k + 1][i] - x[k][i];
            z[i] = g[k][i] - g[k + 1][i];
        }
        bfgs(n, dense, s, z);
    }
    covariance_of(&q, kernels, n, &room, covariance);
    for (int i = 0; i < n; i++) {
        double mean = x[steps][i];
        for (int j = 0; j < n; j++) {
            const double scale = sqrt(dense[i * n + i] * dense[j * n + j]);
            assert_close(covariance[i * n + j], dense[i * n + j], 1e-8 * scale);
            mean += dense[i * n + j] * g[steps][j];
        }
        assert_close(q.mean[i], mean, 1e-8 * fmax(1.0, fabs(mean)));
    }
    double draw[MOST];
    for (int i = 0; i < n; i++)
        draw[i] = cos(5.0 * i);
    const double log_q = urn__low_rank_draw(&q, kernels, draw, &room);
    assert_close(log_q, density_of(n, draw, q.mean, dense), 1e-7);
}

/* Fewer columns than coordinates, as many, and more, which depend on each other. */
static void inverses_are_those_of_bfgs(void **state)
{
    (void)state;
    urn__arena *arena = urn__arena_new(NULL);
    for (int n = 1; n <= MOST; n++)
        for (int most = 1; most <= 5; most++)
            for (int steps = 1; steps <= 7; steps += 3)
                check_inverse(n, most, steps, arena);
    urn__arena_free(arena);
}

/* The diagonal is the inverse of that of BFGS's update of the Hessian diag(1 / d), scaled first by
 * z'Dz / s'z (Gilbert and Lemarechal). A step along which the density curves upward is left out. */
static void diagonals_are_updated(void **state)
{
    (void)state;
    const double from[3] = {1.0, 2.0, -1.0}, to[3] = {0.5, 1.0, -1.5};
    const double at_from[3] = {-2.0, -1.0, 3.0}, at_to[3] = {-1.0, 0.5, 3.5};
    const double d[3] = {0.5, 2.0, 1.5};
    urn__arena *arena = urn__arena_new(NULL);
    urn__history h;
    urn__history_init(&h, 3, 2, arena);
    memcpy(h.diagonal, d, sizeof d);
    assert_false(urn__history_add(&h, to, at_from, from, at_to));
    assert_int_equal(h.count, 0);
    assert_memory_equal(h.diagonal, d, sizeof d);
    assert_false(urn__history_add(&h, from, at_from, to, at_from)); /* not curved at all */
    /* flip the gradients, so that the density curves downward */
    assert_true(urn__history_add(&h, to, at_from, from, (const double[3]){-3.0, -2.5, 2.5}));
    double zdz = 0.0, sz = 0.0, sbs = 0.0;
    const double z[3] = {1.0, 1.5, 0.5}, s[3] = {0.5, 1.0, 0.5};
    for (int i = 0; i < 3; i++) {
        zdz += z[i] * d[i] * z[i];
        sz += s[i] * z[i];
    }
    for (int i = 0; i < 3; i++)
        sbs += s[i] * s[i] * zdz / sz / d[i];
    for (int i = 0; i < 3; i++) {
        const double b = zdz / sz / d[i]; /* the scaled Hessian */
        const double updated = b - b * s[i] * s[i] * b / sbs + z[i] * z[i] / sz;
        assert_close(h.diagonal[i], 1.0 / updated, 1e-12);
    }
    urn__arena_free(arena);
}

/* ---- normal posteriors ---- */

static const double *stat_of(const urn_fit *fit, const char *name)
{
    urn_fit_stat stat;
    for (int i = 0; urn_fit_stat_at(fit, i, &stat); i++)
        if (strcmp(stat.name, name) == 0)
            return stat.values;
    fail_msg("there is no %s", name);
    return NULL;
}

static void make_truth(normal_truth *of, int n, double ratio, double tilt)
{
    *of = (normal_truth){.n = n, .evidence = -2.5};
    for (int i = 0; i < n; i++) {
        of->mean[i] = sin(1.0 + i);
        const double sd = 0.3 * pow(ratio, i / fmax(1.0, n - 1.0));
        of->precision[i * n + i] = 1.0 / (sd * sd);
        of->log_determinant -= 2.0 * log(sd);
    }
    if (tilt > 0.0) { /* two coordinates of equal sd, correlated */
        of->precision[1] = of->precision[n] = tilt * of->precision[0];
        of->log_determinant += log(1.0 - tilt * tilt);
    }
}

static urn_fit *fit_truth(free_target *t, const normal_truth *of, const urn_fit_options *options)
{
    urn_fit *fit;
    urn_error error = {0};
    const int threads = options->threads > 0 ? options->threads : 1;
    free_target_init(t, of->n, normal_truth_density, of, threads);
    const urn_status status = fit_target(&t->target, options, &fit, &error);
    if (status != URN_OK)
        fail_msg("%s", error.message);
    return fit;
}

/* One coordinate, or equal scales: the first step already knows the curvature. */
static void round_normal_posteriors_are_exact(void **state)
{
    (void)state;
    static const int sizes[] = {1, 2, 24};
    for (size_t k = 0; k < N_OF(sizes); k++) {
        normal_truth of;
        free_target t;
        make_truth(&of, sizes[k], 1.0, 0.0);
        const urn_fit_options options = options_for("pathfinder", NULL, 0, NULL);
        urn_fit *fit = fit_truth(&t, &of, &options);
        assert_int_equal(urn_posterior_kind_of(urn_fit_posterior(fit)), URN_POSTERIOR_INDEPENDENT);
        assert_int_equal(urn_posterior_draws(urn_fit_posterior(fit)), 1000);
        for (int s = 0; s < 1000; s++)
            assert_close(stat_of(fit, "lp")[s] - of.evidence, stat_of(fit, "lp_approx")[s], 1e-6);
        assert_close(number_of(fit, "importance_log_evidence"), of.evidence, 1e-6);
        assert_close(number_of(fit, "elbo"), of.evidence, 1e-6);
        assert_true(number_of(fit, "k_hat") == 0.0);
        assert_true(number_of(fit, "paths") == 4.0 && number_of(fit, "paths_failed") == 0.0);
        assert_null(urn_fit_warning_at(fit, 0));
        urn_fit_free(fit);
    }
}

/* Scales that differ and correlation: what is left over is reweighted. */
static void normal_posteriors_are_found(void **state)
{
    (void)state;
    normal_truth of;
    free_target t;
    make_truth(&of, 6, 10.0, 0.0);
    of.precision[1] = of.precision[6] = 0.6 * sqrt(of.precision[0] * of.precision[7]);
    of.log_determinant += log(1.0 - 0.36);
    urn_fit_options options = options_for("pathfinder", NULL, 0, NULL);
    options.draws = 4000;
    urn_fit *fit = fit_truth(&t, &of, &options);
    assert_true(number_of(fit, "k_hat") < 0.7);
    const double size = fmin(4000.0, number_of(fit, "importance_size"));
    assert_true(size > 1000.0);
    assert_close(number_of(fit, "importance_log_evidence"), of.evidence, 4.0 / sqrt(size));
    const double *x = urn_posterior_loc(urn_fit_posterior(fit));
    for (int i = 0; i < 6; i++) {
        double mean = 0.0, square = 0.0;
        for (int s = 0; s < 4000; s++) {
            mean += x[s * 6 + i] / 4000.0;
            square += x[s * 6 + i] * x[s * 6 + i] / 4000.0;
        }
        const double sd = (i < 2 ? 1.0 / 0.8 : 1.0) / sqrt(of.precision[i * 7]);
        assert_close(mean, of.mean[i], 5.0 * sd / sqrt(size / 2.0));
        assert_close(sqrt(square - mean * mean), sd, 5.0 * sd / sqrt(size / 2.0));
    }
    urn_fit_free(fit);
}

/* ---- paths ---- */

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    static double first[1000 * 12];
    static record seen, first_seen;
    normal_truth of;
    free_target t;
    make_truth(&of, 12, 30.0, 0.5);
    for (int threads = 1; threads <= 8; threads *= 2)
        for (int resample = 0; resample < 2; resample++) {
            const urn_setting settings[] = {{"resample", "none"}, {"paths", "5"}};
            memset(&seen, 0, sizeof seen);
            urn_fit_options options =
                options_for("pathfinder", settings + resample, (size_t)(2 - resample), &seen);
            options.threads = threads;
            urn_fit *fit = fit_truth(&t, &of, &options);
            const double *loc = urn_posterior_loc(urn_fit_posterior(fit));
            assert_int_equal(seen.rows, (int64_t)number_of(fit, "steps"));
            if (resample && threads == 1) {
                memcpy(first, loc, sizeof first);
                first_seen = seen;
            } else if (resample) {
                assert_memory_equal(first, loc, sizeof first);
                assert_memory_equal(&first_seen, &seen, sizeof seen);
            }
            urn_fit_free(fit);
        }
}

/* Finite on one side of 0 alone: random starts are drawn again, zeros are not. */
static double half(void *context, const double *x, double *g)
{
    (void)context;
    for (int i = 0; g && i < 2; i++)
        g[i] = -16.0 * (x[i] - 1.0);
    return x[0] > 0.0 ? -8.0 * (x[0] - 1.0) * (x[0] - 1.0) - 8.0 * (x[1] - 1.0) * (x[1] - 1.0)
                      : -HUGE_VAL;
}

static double level(void *context, const double *x, double *g)
{
    (void)context, (void)x;
    if (g)
        g[0] = g[1] = 0.0;
    return 0.0;
}

/* Finite on a line alone, along which L-BFGS goes. */
static double needle(void *context, const double *x, double *g)
{
    (void)context;
    if (g) {
        g[0] = -x[0];
        g[1] = 0.0;
    }
    return x[1] == 0.0 ? -0.5 * x[0] * x[0] : -HUGE_VAL;
}

static void paths_that_fail_are_told(void **state)
{
    (void)state;
    static const struct {
        double (*density)(void *, const double *, double *);
        const char *init, *parts[2];
    } cases[] = {
        {half, "zero", {"none of 4 paths came to an approximation", "at the first position"}},
        {level, "random", {"L-BFGS made no step from the start", "the gradient is zero there"}},
        {needle, "given", {"after none of its", "log density is not finite"}},
    };
    const double starts[4] = {0.5, 0.0, 1.5, 0.0};
    urn_fit *fit;
    free_target t;
    for (size_t k = 0; k < N_OF(cases); k++) {
        const bool given = strcmp(cases[k].init, "given") == 0;
        const urn_setting settings[] = {{"init", given ? "zero" : cases[k].init},
                                        {"init-jitter", "0"}};
        urn_fit_options options = options_for("pathfinder", settings, 2, NULL);
        urn_error error = {0};
        options.init = given ? starts : NULL;
        options.n_init = given ? 2 : 0;
        free_target_init(&t, 2, cases[k].density, NULL, 2);
        assert_int_equal(fit_target(&t.target, &options, &fit, &error), URN_ERR_RUNTIME);
        for (int i = 0; i < 2; i++)
            if (!strstr(error.message, cases[k].parts[i]))
                fail_msg("case %zu: %s", k, error.message);
        assert_true(error.hint[0] != '\0');
    }
    const urn_fit_options options = options_for("pathfinder", NULL, 0, NULL);
    free_target_init(&t, 2, half, NULL, 1);
    assert_int_equal(fit_target(&t.target, &options, &fit, NULL), URN_OK);
    urn_fit_free(fit);
    /* two paths begin where the density is finite, two where it is not */
    const double some[4] = {0.5, 0.0, -0.5, 0.0};
    urn_fit_options given = options;
    given.init = some;
    given.n_init = 2;
    assert_int_equal(fit_target(&t.target, &given, &fit, NULL), URN_OK);
    assert_true(number_of(fit, "paths_failed") == 2.0);
    assert_true(warns_of(fit, "path 1 came to no approximation, and is left out"));
    urn_fit_free(fit);
}

static void what_there_is_survives_an_interruption(void **state)
{
    (void)state;
    normal_truth of;
    make_truth(&of, 12, 100.0, 0.0);
    for (int64_t stop_at = 1; stop_at <= 31; stop_at += 15)
        for (int threads = 1; threads <= 2; threads++) {
            record *r = calloc(1, sizeof *r);
            free_target t;
            urn_fit *fit;
            r->stop_at = stop_at;
            free_target_init(&t, of.n, normal_truth_density, &of, threads);
            const urn_fit_options options = options_for("pathfinder", NULL, 0, r);
            assert_int_equal(fit_target(&t.target, &options, &fit, NULL), URN_INTERRUPTED);
            assert_int_equal(urn_posterior_draws(urn_fit_posterior(fit)), 100);
            assert_true(warns_of(fit, "have not been weighed"));
            assert_true(isfinite(stat_of(fit, "lp")[99]));
            urn_fit_free(fit);
            free(r);
        }
}

static void memory_running_out_is_an_error(void **state)
{
    (void)state;
    static const urn_setting settings[] = {{"paths", "2"}, {"path-draws", "20"}, {"steps", "5"}};
    each_allocation_fails(urn_model_rate(), "pathfinder", settings, 3, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inverses_are_those_of_bfgs),
        cmocka_unit_test(diagonals_are_updated),
        cmocka_unit_test(round_normal_posteriors_are_exact),
        cmocka_unit_test(normal_posteriors_are_found),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(paths_that_fail_are_told),
        cmocka_unit_test(what_there_is_survives_an_interruption),
        cmocka_unit_test(memory_running_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
