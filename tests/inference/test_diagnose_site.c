/* Diagnostics of sites: stored chains through the supports of a model. */
#include "tests/inference/models.h"

#include "inference/diagnostics/sites.h"

enum { M = 3, N = 60, SIZE = 7 };

/* Waves that repeat in no coordinate; the last chain lies higher. */
static void fill_draws(double *loc)
{
    for (int s = 0; s < M * N; s++)
        for (int i = 0; i < SIZE; i++)
            loc[s * SIZE + i] = sin(1.7 * s + i) + 0.5 * sin(0.31 * s * (i + 1)) + (s >= 2 * N);
}

static void assert_same(const urn__chains_summary *a, const urn__chains_summary *b)
{
    const double *x = (const double *)a, *y = (const double *)b;
    for (size_t i = 0; i < sizeof *a / sizeof *x; i++)
        assert_close(x[i], y[i], 1e-10 * (1.0 + fabs(y[i])));
}

static void sites_are_diagnosed_in_their_natural_space(void **state)
{
    (void)state;
    static double loc[M * N * SIZE], values[M * N];
    const double y[1] = {0.0};
    scene s = scene_y(urn_model_supports(), 1, y);
    urn_error error = {0};
    urn_posterior *p;
    fill_draws(loc);
    assert_int_equal(urn_model_position_size(s.model), SIZE);
    assert_ok(urn_posterior_new(URN_POSTERIOR_DRAWS, SIZE, M, N, loc, NULL, 3, &p, &error), &error);
    urn__chains *chains;
    urn__chains_summary found, expected;
    assert_ok(urn__chains_new(NULL, M, N, &chains, &error), &error);
    static const char *const names[] = {"real", "positive"};
    for (int k = 0; k < 2; k++) {
        const int64_t at = offset_of(s.model, names[k]);
        for (int d = 0; d < M * N; d++)
            values[d] = k ? exp(loc[d * SIZE + at]) : loc[d * SIZE + at];
        urn__chains_read(chains, values, N, 1);
        urn__chains_summarise(chains, &expected);
        const int site = urn_model_site_find(s.model, names[k]);
        assert_ok(urn__diagnose_site(s.model, p, site, 1, &found, &error), &error);
        assert_same(&found, &expected);
        assert_true(found.r_hat > 1.05 && found.ess_bulk > 0.0 && found.sd > 0.0);
    }
    urn__chains_free(chains);

    /* every element of a matrix: its corner and upper part are constants */
    urn__chains_summary rows[9];
    double mean[9], sd[9], quantiles[27];
    static const double probs[] = {0.05, 0.5, 0.95};
    const int tril = urn_model_site_find(s.model, "tril");
    assert_ok(urn__diagnose_site(s.model, p, tril, 2, rows, &error), &error);
    assert_ok(urn_summarise_site(s.model, p, tril, 1, mean, sd, 3, probs, quantiles, &error),
              &error);
    for (int i = 0; i < 9; i++) {
        assert_close(rows[i].mean, mean[i], 1e-12);
        assert_close(rows[i].sd, sd[i], 1e-12);
        for (int q = 0; q < 3; q++)
            assert_close(rows[i].quantile[q], quantiles[q * 9 + i], 1e-12);
    }
    assert_true(isnan(rows[1].r_hat) && rows[1].ess_bulk == M * N && rows[3].r_hat > 1.0);
    urn_posterior_free(p);
    scene_clear(&s);
}

static void what_has_no_chains_is_refused(void **state)
{
    (void)state;
    const double y[1] = {0.0}, loc[2 * SIZE] = {0.0}, scale[SIZE] = {1, 1, 1, 1, 1, 1, 1};
    scene s = scene_y(urn_model_supports(), 1, y);
    urn_error error = {0};
    urn__chains_summary row;
    urn_posterior *p;
    assert_ok(urn_posterior_new(URN_POSTERIOR_NORMAL, SIZE, 1, 0, loc, scale, 3, &p, &error),
              &error);
    assert_int_equal(urn__diagnose_site(s.model, p, 0, 1, &row, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "no chains to diagnose"));
    urn_posterior_free(p);
    assert_ok(urn_posterior_new(URN_POSTERIOR_DRAWS, 2, 1, 2, loc, NULL, 3, &p, &error), &error);
    assert_int_equal(urn__diagnose_site(s.model, p, 99, 1, &row, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "site 99 was asked for"));
    assert_int_equal(urn__diagnose_site(s.model, p, 0, 1, &row, &error), URN_ERR_USAGE);
    assert_non_null(strstr(error.message, "2 coordinates, but the model has 7"));
    urn_posterior_free(p);
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sites_are_diagnosed_in_their_natural_space),
        cmocka_unit_test(what_has_no_chains_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
