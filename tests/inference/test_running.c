/* Predictions while a sampler runs: the same as those of the stored draws, whatever order they come
 * in. */
#include "tests/inference/models.h"

#include "inference/running.h"
#include "inference/site_sums.h"

enum { CHAINS = 3, DRAWS = 40, ROWS = 3000 };

typedef struct fixture {
    scene s;
    double y[ROWS], mu[CHAINS * DRAWS];
} fixture;

static fixture *fixture_new(void)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    for (int r = 0; r < ROWS; r++)
        f->y[r] = 1.5 + 0.8 * sin(1.3 * r);
    for (int s = 0; s < CHAINS * DRAWS; s++)
        f->mu[s] = 1.4 + 0.3 * sin(0.9 * s) + 0.1 * floor((double)s / DRAWS);
    f->s = scene_y(urn_model_normal_mean(), ROWS, f->y);
    return f;
}

static void fixture_free(fixture *f)
{
    scene_clear(&f->s);
    free(f);
}

static urn__running_options options_of(int threads)
{
    return (urn__running_options){.chains = CHAINS, .draws = DRAWS, .threads = threads, .seed = 9};
}

static urn__running *running_new(const fixture *f, int threads)
{
    const urn__running_options options = options_of(threads);
    urn_error error = {0};
    urn__running *r;
    assert_ok(urn__running_new(f->s.model, f->s.model, &options, &r, &error), &error);
    return r;
}

static urn__running_errors add(const fixture *f, urn__running *r, int chain, int64_t draw)
{
    const urn_draw d = {
        .chain = chain, .draw = draw, .n_draws = DRAWS, .state = &f->mu[chain * DRAWS + draw]};
    urn__running_errors errors;
    urn_error error = {0};
    assert_ok(urn__running_add(r, &d, &errors, &error), &error);
    return errors;
}

static urn_prediction *finish(urn__running *r)
{
    urn_error error = {0};
    urn_prediction *p;
    assert_ok(urn__running_finish(r, &p, &error), &error);
    return p;
}

static void equals_the_prediction_of_stored_draws(void **state)
{
    (void)state;
    fixture *f = fixture_new();
    urn_error error = {0};
    urn_posterior *posterior;
    assert_ok(urn_posterior_new(URN_POSTERIOR_DRAWS, 1, CHAINS, DRAWS, f->mu, NULL, 9, &posterior,
                                &error),
              &error);
    const urn_predict_options options = {.bytes = sizeof options, .seed = 9, .no_interval = true};
    urn_prediction *expected;
    assert_ok(urn_predict(f->s.model, posterior, f->s.model, &options, &expected, &error), &error);
    assert_null(expected->low);
    assert_null(expected->high);
    urn__running *r = running_new(f, 2);
    for (int c = 0; c < CHAINS; c++)
        for (int64_t d = 0; d < DRAWS; d++)
            add(f, r, c, d);
    assert_int_equal(urn__running_draws(r), CHAINS * DRAWS);
    urn_prediction *got = finish(r);
    assert_int_equal(got->n_rows, ROWS);
    assert_null(got->low);
    for (int i = 0; i < ROWS; i++) {
        assert_close(got->mean[i], expected->mean[i], 1e-13);
        assert_close(got->mean_sd[i], expected->mean_sd[i], 1e-13);
        assert_close(got->sd[i], expected->sd[i], 1e-13);
        assert_close(got->log_density[i], expected->log_density[i], 1e-12);
        assert_close(got->cdf[i], expected->cdf[i], 1e-13);
    }
    urn_prediction_free(got);
    urn_prediction_free(expected);
    urn__running_free(r);
    urn_posterior_free(posterior);
    fixture_free(f);
}

static void errors_are_those_of_the_draws(void **state)
{
    (void)state;
    fixture *f = fixture_new();
    urn__running *r = running_new(f, 1);
    double sum = 0.0;
    for (int64_t d = 0; d < 10; d++) {
        const double mu = f->mu[DRAWS + d];
        const urn__running_errors errors = add(f, r, 1, d);
        double squares = 0.0, of_mean = 0.0;
        sum += mu;
        for (int i = 0; i < ROWS; i++) {
            squares += (mu - f->y[i]) * (mu - f->y[i]) / ROWS;
            of_mean += (sum / (double)(d + 1) - f->y[i]) * (sum / (double)(d + 1) - f->y[i]) / ROWS;
        }
        assert_close(errors.rmse, sqrt(squares), 1e-12);
        assert_close(errors.rmse_of_mean, sqrt(of_mean), 1e-12);
    }
    /* chains without draws are no part of it */
    urn_prediction *got = finish(r);
    assert_close(got->mean[0], sum / 10.0, 1e-13);
    urn_prediction_free(got);
    urn_error error = {0};
    urn__running_errors errors;
    const urn_draw late = {.chain = 0, .state = f->mu};
    assert_int_equal(urn__running_add(r, &late, &errors, &error), URN_ERR_USAGE);
    urn__running_free(r);
    fixture_free(f);
}

static uint64_t hash_of(const urn_prediction *p)
{
    uint64_t h = 1;
    const double *const arrays[] = {p->mean, p->sd, p->mean_sd, p->log_density, p->cdf};
    for (size_t k = 0; k < N_OF(arrays); k++)
        h = urn__hash_bytes(h, arrays[k], ROWS * sizeof(double));
    return h;
}

/* Chains one after another or in turns, on any number of threads. */
static void order_and_threads_do_not_matter(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 3, 8};
    fixture *f = fixture_new();
    uint64_t first = 0;
    for (size_t k = 0; k < N_OF(threads); k++)
        for (int turns = 0; turns < 2; turns++) {
            urn__running *r = running_new(f, threads[k]);
            for (int64_t i = 0; i < CHAINS * DRAWS; i++)
                if (turns)
                    add(f, r, (int)(CHAINS - 1 - i % CHAINS), i / CHAINS);
                else
                    add(f, r, (int)(i / DRAWS), i % DRAWS);
            urn_prediction *got = finish(r);
            const uint64_t h = hash_of(got);
            if (first == 0)
                first = h;
            assert_true(h == first);
            urn_prediction_free(got);
            urn__running_free(r);
        }
    fixture_free(f);
}

static void misuse_is_refused(void **state)
{
    (void)state;
    fixture *f = fixture_new();
    urn_error error = {0};
    urn_prediction *p;
    urn__running *r = running_new(f, 1);
    assert_int_equal(urn__running_finish(r, &p, &error), URN_ERR_USAGE);
    assert_string_equal(error.message, "no draw was predicted from");
    urn__running_errors errors;
    const urn_draw stranger = {.chain = CHAINS, .state = f->mu};
    assert_int_equal(urn__running_add(r, &stranger, &errors, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "a draw of chain 3 came to predictions of 3 chains"));
    urn__running_free(r);
    urn__running_options options = options_of(1);
    options.site = "nothing";
    assert_int_equal(urn__running_new(f->s.model, f->s.model, &options, &r, &error), URN_ERR_USAGE);
    assert_null(r);
    fixture_free(f);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    fixture *f = fixture_new();
    bool done = false;
    for (long fail_at = 1; !done; fail_at++) {
        failing_memory memory;
        failing_memory_init(&memory, fail_at, false);
        urn__running_options options = options_of(1);
        options.allocator = &memory.hook;
        urn__running *r;
        urn_error error = {0};
        const urn_status status = urn__running_new(f->s.model, f->s.model, &options, &r, &error);
        done = status == URN_OK && memory.calls < fail_at;
        if (status != URN_OK) {
            assert_int_equal(status, URN_ERR_MEMORY);
            assert_null(r);
        }
        urn__running_free(r);
        assert_int_equal(memory.live, 0);
        assert_true(fail_at < 1000);
    }
    fixture_free(f);
}

/* Means and sds of sites: those of all draws, whatever order chains come in. */
static void sites_have_moments_of_all_draws(void **state)
{
    (void)state;
    fixture *f = fixture_new();
    const int mu = urn_model_site_find(f->s.model, "mu");
    double mean = 0.0, squares = 0.0, found[2][2];
    for (int s = 0; s < CHAINS * DRAWS; s++)
        mean += f->mu[s] / (CHAINS * DRAWS);
    for (int s = 0; s < CHAINS * DRAWS; s++)
        squares += (f->mu[s] - mean) * (f->mu[s] - mean) / (CHAINS * DRAWS - 1);
    for (int turns = 0; turns < 2; turns++) {
        const urn__site_sums_options options = {.chains = CHAINS, .n = 1, .sites = &mu};
        urn_error error = {0};
        urn__site_sums *sums;
        assert_ok(urn__site_sums_new(f->s.model, &options, &sums, &error), &error);
        for (int i = 0; i < CHAINS * DRAWS; i++) {
            const int c = turns ? CHAINS - 1 - i % CHAINS : i / DRAWS;
            const int64_t d = turns ? i / CHAINS : i % DRAWS;
            const urn_draw draw = {.chain = c, .draw = d, .state = &f->mu[c * DRAWS + d]};
            assert_ok(urn__site_sums_add(sums, &draw, &error), &error);
            double one, none;
            assert_true(urn__site_sums_of(sums, 0, &one, &none) == (i > 0));
        }
        assert_true(urn__site_sums_of(sums, 0, &found[turns][0], &found[turns][1]));
        assert_close(found[turns][0], mean, 1e-13);
        assert_close(found[turns][1], sqrt(squares), 1e-13);
        const urn_draw stranger = {.chain = CHAINS, .state = f->mu};
        assert_int_equal(urn__site_sums_add(sums, &stranger, &error), URN_ERR_USAGE);
        urn__site_sums_free(sums);
    }
    assert_memory_equal(found[0], found[1], sizeof found[0]);
    bool done = false;
    for (long fail_at = 1; !done; fail_at++) {
        failing_memory memory;
        failing_memory_init(&memory, fail_at, false);
        const urn__site_sums_options options = {
            .allocator = &memory.hook, .chains = CHAINS, .n = 1, .sites = &mu};
        urn_error error = {0};
        urn__site_sums *sums;
        const urn_status status = urn__site_sums_new(f->s.model, &options, &sums, &error);
        done = status == URN_OK && memory.calls < fail_at;
        assert_true(status == URN_OK || status == URN_ERR_MEMORY);
        urn__site_sums_free(sums);
        assert_int_equal(memory.live, 0);
        assert_true(fail_at < 1000);
    }
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_prediction_of_stored_draws),
        cmocka_unit_test(errors_are_those_of_the_draws),
        cmocka_unit_test(order_and_threads_do_not_matter),
        cmocka_unit_test(misuse_is_refused),
        cmocka_unit_test(memory_may_run_out),
        cmocka_unit_test(sites_have_moments_of_all_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
