/* Permutations without memory: each is one, and together they are as even as random ones. */
#include "runtime/base/permutation.h"
#include "tests/base/check.h"

#include <math.h>
#include <stdlib.h>

static urn__permutation of_epoch(uint64_t seed, uint64_t epoch, int64_t n)
{
    const urn__stream stream = urn__stream_at(seed, 0, "mini-batch", epoch);
    return urn__permutation_of(&stream, n);
}

static void check_all(const urn__permutation *p)
{
    bool *seen = calloc((size_t)p->n + 1, sizeof *seen);
    assert_non_null(seen);
    for (int64_t i = 0; i < p->n; i++) {
        const int64_t at = urn__permutation_at(p, i);
        assert_true(at >= 0 && at < p->n);
        assert_false(seen[at]);
        seen[at] = true;
    }
    free(seen);
}

static void every_number_once(void **state)
{
    (void)state;
    for (int64_t n = 0; n <= 260; n++)
        for (uint64_t epoch = 0; epoch < 3; epoch++) {
            const urn__permutation p = of_epoch(1, epoch, n);
            check_all(&p);
        }
    static const int64_t large[] = {1023, 1024, 1025, 65535, 65537, 1000209};
    for (size_t k = 0; k < sizeof large / sizeof *large; k++) {
        const urn__permutation p = of_epoch(9, k, large[k]);
        check_all(&p);
    }
}

/* Each number at each place equally often, over epochs, and each pair of neighbours: chi squared of
 * (n - 1)^2 and n (n - 1) - 1 degrees of freedom, refused beyond 5 standard deviations, 1 in 10^6.
 */
static void even_over_epochs(void **state)
{
    (void)state;
    enum { MOST = 12, EPOCHS = 60000 };
    for (int n = 2; n <= MOST; n++) {
        int64_t at[MOST][MOST] = {{0}}, after[MOST][MOST] = {{0}};
        for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
            const urn__permutation p = of_epoch(5, epoch, n);
            for (int64_t i = 0; i < n; i++) {
                const int64_t here = urn__permutation_at(&p, i);
                at[i][here]++;
                if (i + 1 < n)
                    after[here][urn__permutation_at(&p, i + 1)]++;
            }
        }
        double squares = 0, of_pairs = 0;
        const double expected = (double)EPOCHS / n, pairs = (double)EPOCHS / n;
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
                squares += ((double)at[i][j] - expected) * ((double)at[i][j] - expected) / expected;
                if (i != j)
                    of_pairs +=
                        ((double)after[i][j] - pairs) * ((double)after[i][j] - pairs) / pairs;
            }
        const double free_at = (n - 1.0) * (n - 1.0), free_pairs = n * (n - 1.0) - 1.0;
        if (!(squares < free_at + 5 * sqrt(2 * free_at) + 12))
            fail_msg("n = %d: places: chi squared %g with %g degrees of freedom", n, squares,
                     free_at);
        if (!(of_pairs < free_pairs + 5 * sqrt(2 * free_pairs) + 12))
            fail_msg("n = %d: pairs: chi squared %g with %g degrees of freedom", n, of_pairs,
                     free_pairs);
    }
}

/* Of a large one, the first thousandth: its mean and its correlation with the places are those of
 * draws without order, within 5 standard deviations. */
static void large_ones_have_no_order(void **state)
{
    (void)state;
    const int64_t n = 20000263, some = 20000;
    for (uint64_t epoch = 0; epoch < 20; epoch++) {
        const urn__permutation p = of_epoch(3, epoch, n);
        double sum = 0, with_place = 0, with_next = 0, last = 0;
        for (int64_t i = 0; i < some; i++) {
            const double u = ((double)urn__permutation_at(&p, i) + 0.5) / (double)n - 0.5;
            sum += u;
            with_place += u * (((double)i + 0.5) / (double)some - 0.5);
            with_next += u * last;
            last = u;
        }
        const double m = sqrt((double)some); /* of a uniform number the variance is 1 / 12 */
        assert_true(fabs(sum) < 5 * m / sqrt(12));
        assert_true(fabs(with_place) < 5 * m / 12);
        assert_true(fabs(with_next) < 5 * m / 12);
    }
}

static void named_by_seed_and_epoch(void **state)
{
    (void)state;
    const urn__permutation a = of_epoch(1, 2, 5000), again = of_epoch(1, 2, 5000);
    const urn__permutation seed = of_epoch(2, 2, 5000), epoch = of_epoch(1, 3, 5000);
    int same_seed = 0, same_epoch = 0;
    for (int64_t i = 0; i < 5000; i++) {
        const int64_t here = urn__permutation_at(&a, i);
        assert_int_equal(here, urn__permutation_at(&again, i));
        same_seed += here == urn__permutation_at(&seed, i);
        same_epoch += here == urn__permutation_at(&epoch, i);
    }
    assert_true(same_seed < 8 && same_epoch < 8); /* one on average */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_once),
        cmocka_unit_test(even_over_epochs),
        cmocka_unit_test(large_ones_have_no_order),
        cmocka_unit_test(named_by_seed_and_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
