/* Quantiles by selection against those of sorted numbers. */
#include "tests/inference/check.h"

#include "inference/replays.h"

#include <stdlib.h>

enum { MOST = 1500 };

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Linear between order statistics, by the definition. */
static double expected(int n, const double *x, double p)
{
    static double sorted[MOST];
    memcpy(sorted, x, (size_t)n * sizeof *x);
    qsort(sorted, (size_t)n, sizeof *x, ascending);
    const double at = p * (n - 1);
    const int below = (int)at;
    if (below >= n - 1 || at == below || sorted[below] == sorted[below + 1])
        return sorted[below];
    return sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]);
}

static void check(int n, const double *x)
{
    static const double probs[] = {0.0, 0.05, 0.25, 1.0 / 3.0, 0.5, 0.95, 0.999, 1.0};
    static double own[MOST];
    for (size_t k = 0; k < N_OF(probs); k++) {
        memcpy(own, x, (size_t)n * sizeof *x);
        assert_true(urn__quantile(n, own, probs[k]) == expected(n, x, probs[k]));
    }
    for (size_t k = N_OF(probs); k-- > 0;) /* one after another, as the order changes */
        assert_true(urn__quantile(n, own, probs[k]) == expected(n, x, probs[k]));
}

static void quantiles_are_those_of_sorted_numbers(void **state)
{
    (void)state;
    static const int sizes[] = {1, 2, 3, 4, 5, 7, 64, 65, 400, MOST};
    static double x[MOST];
    for (size_t s = 0; s < N_OF(sizes); s++)
        for (int kind = 0; kind < 7; kind++) {
            const int n = sizes[s];
            for (int i = 0; i < n; i++)
                x[i] = kind == 0   ? i
                       : kind == 1 ? -i
                       : kind == 2 ? (i < n / 2 ? i : n - i) /* up and down: bad for pivots */
                       : kind == 3 ? i % 3
                       : kind == 4 ? 4.0
                       : kind == 5 ? (double)(urn__hash_u64(7, (uint64_t)i) >> 40) / 1024.0
                                   : sin(i) * 1e300;
            check(n, x);
        }
}

static void infinities_and_nan(void **state)
{
    (void)state;
    double x[5] = {3, HUGE_VAL, -HUGE_VAL, 1, HUGE_VAL};
    assert_true(urn__quantile(5, x, 0.0) == -HUGE_VAL);
    assert_true(urn__quantile(5, x, 0.25) == 1.0);
    assert_true(urn__quantile(5, x, 0.375) == 2.0);
    assert_true(urn__quantile(5, x, 0.9) == HUGE_VAL);
    x[2] = (double)NAN;
    assert_true(isnan(urn__quantile(5, x, 0.0)));
    assert_true(isnan(urn__quantile(5, x, 1.0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_those_of_sorted_numbers),
        cmocka_unit_test(infinities_and_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
