/* Quantiles by selection, and of sorted columns, against those of sorted numbers. */
#include "tests/inference/check.h"

#include "inference/columns.h"
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

/* Columns of a block: as one by one, on any number of threads, also the last ones, which do not
 * fill a line; a NaN spoils its own column only. */
static void quantiles_of_columns(void **state)
{
    (void)state;
    enum { N = 90, ROWS = 21 };
    static double block[N * ROWS], scratch[3 * N * 8 + 8], own[N];
    static const double probs[] = {0.05, 0.5, 0.95};
    assert_true(urn__columns_scratch(3, N) <= (int64_t)N_OF(scratch));
    const urn__kernels *kernels;
    assert_int_equal(urn__kernels_select(NULL, &kernels, NULL), URN_OK);
    for (int threads = 1; threads <= 3; threads++)
        for (int n = 1; n <= N; n += n < 9 ? 1 : 27)
            for (int rows = 1; rows <= ROWS; rows++) {
                double low[ROWS], middle[ROWS], high[ROWS];
                double *const out[] = {low, middle, high};
                for (int i = 0; i < n * rows; i++)
                    block[i] = i % rows % 2 == 0 ? sin(i) : (double)(i / rows % 4);
                if (n > 3 && rows > 4) {
                    block[rows + 3] = (double)NAN;
                    block[2 * rows + 1] = HUGE_VAL;
                }
                const urn__columns c = {.kernels = kernels,
                                        .threads = threads,
                                        .n = n,
                                        .rows = rows,
                                        .block = block,
                                        .scratch = scratch,
                                        .n_probs = 3,
                                        .probs = probs,
                                        .out = out};
                urn__columns_quantiles(&c);
                for (int r = 0; r < rows; r++)
                    for (int k = 0; k < 3; k++) {
                        for (int i = 0; i < n; i++)
                            own[i] = block[i * rows + r];
                        const double one = urn__quantile(n, own, probs[k]);
                        assert_true(isnan(one) == (n > 3 && rows > 4 && r == 3));
                        assert_true(isnan(one) ? isnan(out[k][r]) : out[k][r] == one);
                    }
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_those_of_sorted_numbers),
        cmocka_unit_test(infinities_and_nan),
        cmocka_unit_test(quantiles_of_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
