/* Ranks of truths: bins, the chi-square test and the two scores, against sums over all ranks. */
#include "tests/inference/check.h"

#include "inference/diagnostics/ranks.h"

static void bins_divide_the_ranks_evenly(void **state)
{
    (void)state;
    static const struct {
        int64_t draws, trials;
        int bins;
    } cases[] = {{99, 200, 20},  {99, 1000, 20}, {99, 99, 10}, {19, 100, 20},
                 {18, 1000, 19}, {100, 500, 1},  {9, 5, 1},    {23, 60, 12}};
    for (size_t k = 0; k < N_OF(cases); k++) {
        urn__ranks r;
        urn__ranks_start(&r, cases[k].draws, cases[k].trials);
        assert_int_equal(r.n_bins, cases[k].bins);
        for (int64_t rank = 0; rank <= cases[k].draws; rank++)
            urn__ranks_add(&r, rank);
        for (int b = 0; b < r.n_bins; b++)
            assert_int_equal(r.bin[b], (cases[k].draws + 1) / r.n_bins);
    }
}

/* Every rank once: no score at all, and the scores' variances are those of the definition. */
static void scores_are_standard(void **state)
{
    (void)state;
    enum { DRAWS = 12 };
    urn__ranks r;
    urn__ranks_start(&r, DRAWS, 100);
    double shift = 0.0, spread = 0.0, mean = 0.0;
    for (int rank = 0; rank <= DRAWS; rank++) {
        urn__ranks one;
        urn__ranks_add(&r, rank);
        urn__ranks_start(&one, DRAWS, 100);
        urn__ranks_add(&one, rank);
        shift += urn__ranks_shift(&one) * urn__ranks_shift(&one) / (DRAWS + 1);
        spread += urn__ranks_spread(&one) * urn__ranks_spread(&one) / (DRAWS + 1);
        mean += urn__ranks_spread(&one);
    }
    assert_close(urn__ranks_shift(&r), 0.0, 1e-12);
    assert_close(urn__ranks_spread(&r), 0.0, 1e-12);
    assert_close(mean, 0.0, 1e-12);
    assert_close(shift, 1.0, 1e-12);
    assert_close(spread, 1.0, 1e-12);
    assert_close(urn__ranks_p(&r), 1.0, 1e-12);
}

/* 10 and 20 in two bins: chi-square 10 / 3 with one degree of freedom (R: pchisq(10 / 3, 1, lower =
 * F) = 0.06788915). */
static void uneven_bins_are_improbable(void **state)
{
    (void)state;
    urn__ranks r;
    urn__ranks_start(&r, 1, 30);
    assert_int_equal(r.n_bins, 2);
    for (int t = 0; t < 30; t++)
        urn__ranks_add(&r, t % 3 > 0);
    assert_close(urn__ranks_p(&r), 0.06788915486182, 1e-12);
    assert_true(urn__ranks_shift(&r) > 1.8); /* truths are high: draws too low */
    urn__ranks_start(&r, 99, 200);
    for (int t = 0; t < 200; t++)
        urn__ranks_add(&r, t % 2 ? 99 - t % 20 : t % 20);
    assert_true(urn__ranks_spread(&r) > 4.0 && urn__ranks_p(&r) < 1e-9);
    urn__ranks_start(&r, 99, 200);
    for (int t = 0; t < 200; t++)
        urn__ranks_add(&r, 40 + t % 20);
    assert_true(urn__ranks_spread(&r) < -4.0);
    assert_close(urn__ranks_shift(&r), 0.0, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bins_divide_the_ranks_evenly),
        cmocka_unit_test(scores_are_standard),
        cmocka_unit_test(uneven_bins_are_improbable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
