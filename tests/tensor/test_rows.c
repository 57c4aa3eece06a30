/* Row kernels against plain loops: every specialised row length and some others, indices repeated,
 * missing or constant, targets without rows, parts of a range. */
#include "tests/tensor/paths.h"

enum { ROWS = 53, A_ROWS = 17, B_ROWS = 9 };

static const int64_t lengths[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 13,
                                  15, 16, 17, 30, 31, 32, 33, 63, 64, 65, 100};
#define N_LENGTHS ((int)(sizeof lengths / sizeof *lengths))

static void fill_index(uint64_t *seed, int32_t *index, int64_t n, int32_t bound)
{
    for (int64_t i = 0; i < n; i++)
        index[i] = (int32_t)(test_word(seed) % (uint64_t)bound);
}

/* Arrays are as large as they must be and no larger, so that valgrind sees a read past the end. */
typedef struct fixture {
    double *a, *b; /* ROWS x d each */
    int32_t ia[ROWS], ib[ROWS];
} fixture;

static fixture fixture_new(int64_t d)
{
    uint64_t seed = (uint64_t)d;
    fixture f;
    f.a = test_array(&seed, ROWS * d, -1.0, 1.0);
    f.b = test_array(&seed, ROWS * d, -1.0, 1.0);
    fill_index(&seed, f.ia, ROWS, A_ROWS);
    fill_index(&seed, f.ib, ROWS, B_ROWS);
    f.ia[3] = ROWS - 1; /* the last row of all */
    f.ib[ROWS - 1] = ROWS - 1;
    return f;
}

static void fixture_clear(fixture *f)
{
    free(f->a);
    free(f->b);
}

static double naive_dot(int64_t d, const double *a, const double *b)
{
    long double s = 0.0L;
    for (int64_t k = 0; k < d; k++)
        s += (long double)a[k] * (long double)b[k];
    return (double)s;
}

static int64_t row_number(const int32_t *index, int64_t stride, int64_t i)
{
    return stride == 0 ? 0 : index ? index[i] : i;
}

static void check_row_dot_of(const urn__kernels *kernels, const fixture *f, int64_t d, int kinds)
{
    const int kind_a = kinds % 3, kind_b = kinds / 3; /* indexed, row by row, one row */
    const int32_t *ia = kind_a == 0 ? f->ia : NULL, *ib = kind_b == 0 ? f->ib : NULL;
    const int64_t stride_a = kind_a == 2 ? 0 : d, stride_b = kind_b == 2 ? 0 : d;
    double whole[ROWS], part[ROWS];
    kernels->row_dot(0, ROWS, d, f->a, ia, stride_a, f->b, ib, stride_b, whole);
    for (int64_t i = 0; i < ROWS; i++)
        assert_close(whole[i],
                     naive_dot(d, f->a + row_number(ia, stride_a, i) * d,
                               f->b + row_number(ib, stride_b, i) * d),
                     1e-15, (double)d);
    for (int64_t from = 0; from < ROWS; from += 5) {
        for (int64_t i = 0; i < ROWS; i++)
            part[i] = 12345.0;
        const int64_t to = from + (ROWS - from) / 2;
        kernels->row_dot(from, to, d, f->a, ia, stride_a, f->b, ib, stride_b, part);
        assert_same_bits(to - from, part + from, whole + from);
        for (int64_t i = 0; i < ROWS; i++)
            assert_true((part[i] == 12345.0) == (i < from || i >= to));
    }
}

static void check_row_dot(const urn__kernels *kernels)
{
    for (int l = 0; l < N_LENGTHS; l++) {
        fixture f = fixture_new(lengths[l]);
        for (int kinds = 0; kinds < 9; kinds++)
            check_row_dot_of(kernels, &f, lengths[l], kinds);
        fixture_clear(&f);
    }
}

static void dot_products_of_rows(void **state)
{
    (void)state;
    on_each_path(check_row_dot);
}

/* An index array together with stride 0 is the first row for all. */
static void check_stride_zero(const urn__kernels *kernels)
{
    fixture f = fixture_new(5);
    double y[ROWS], expected[ROWS];
    kernels->row_dot(0, ROWS, 5, f.a, f.ia, 0, f.b, f.ib, 5, y);
    kernels->row_dot(0, ROWS, 5, f.a, NULL, 0, f.b, f.ib, 5, expected);
    assert_same_bits(ROWS, y, expected);
    fixture_clear(&f);
}

static void stride_zero_wins_over_an_index(void **state)
{
    (void)state;
    on_each_path(check_stride_zero);
}

/* ROWS rows sorted by target; targets 0, 3 and the last have none, target 1 has most. */
enum { TARGETS = 12 };

typedef struct csr {
    int64_t start[TARGETS + 1];
    int32_t order[ROWS];
} csr;

static csr csr_new(void)
{
    csr c = {{0}, {0}};
    int32_t target[ROWS];
    for (int32_t r = 0; r < ROWS; r++) {
        const int32_t t = r % 3 == 0 ? 1 : 1 + r % (TARGETS - 2);
        target[r] = t == 3 ? 1 : t;
        c.start[target[r] + 1]++;
    }
    for (int t = 0; t < TARGETS; t++)
        c.start[t + 1] += c.start[t];
    int64_t next[TARGETS];
    memcpy(next, c.start, sizeof next);
    for (int32_t r = ROWS - 1; r >= 0; r--) /* not in the rows' own order */
        c.order[next[target[r]]++] = r;
    return c;
}

static void check_scatter_of(const urn__kernels *kernels, const fixture *f, const csr *c, int64_t d,
                             int kinds)
{
    const double *weight = kinds & 1 ? f->b : NULL;
    const int32_t *ix = kinds & 2 ? f->ia : NULL;
    double *out = malloc((size_t)(TARGETS * d) * sizeof *out);
    double *part = malloc((size_t)(TARGETS * d) * sizeof *part);
    assert_non_null(out);
    assert_non_null(part);
    kernels->scatter_rows(0, TARGETS, d, c->start, c->order, weight, f->a, ix, NULL, out);
    for (int64_t t = 0; t < TARGETS; t++) {
        for (int64_t k = 0; k < d; k++) {
            long double s = 0.0L;
            for (int64_t j = c->start[t]; j < c->start[t + 1]; j++) {
                const int32_t r = c->order[j];
                s += (long double)(weight ? weight[r] : 1.0) *
                     (long double)f->a[(ix ? ix[r] : r) * d + k];
            }
            assert_close(out[t * d + k], (double)s, 1e-15, 30.0);
        }
    }
    for (int64_t i = 0; i < TARGETS * d; i++)
        part[i] = 12345.0;
    kernels->scatter_rows(2, 5, d, c->start, c->order, weight, f->a, ix, NULL, part);
    assert_same_bits(3 * d, part + 2 * d, out + 2 * d);
    assert_true(part[2 * d - 1] == 12345.0 && part[5 * d] == 12345.0);
    free(out);
    free(part);
}

static void check_scatter(const urn__kernels *kernels)
{
    const csr c = csr_new();
    assert_true(c.start[1] == 0 && c.start[4] == c.start[3] && c.start[TARGETS] == c.start[11]);
    for (int l = 0; l < N_LENGTHS; l++) {
        fixture f = fixture_new(lengths[l]);
        for (int kinds = 0; kinds < 4; kinds++)
            check_scatter_of(kernels, &f, &c, lengths[l], kinds);
        fixture_clear(&f);
    }
}

static void sums_of_rows_by_target(void **state)
{
    (void)state;
    on_each_path(check_scatter);
}

static void check_weights(const urn__kernels *kernels)
{
    const csr c = csr_new();
    fixture f = fixture_new(1);
    double counts[TARGETS], sums[TARGETS];
    kernels->scatter_rows(0, TARGETS, 1, c.start, c.order, NULL, NULL, NULL, NULL, counts);
    kernels->scatter_rows(0, TARGETS, 1, c.start, c.order, f.b, NULL, NULL, NULL, sums);
    for (int64_t t = 0; t < TARGETS; t++) {
        double s = 0.0;
        for (int64_t j = c.start[t]; j < c.start[t + 1]; j++)
            s += f.b[c.order[j]];
        assert_true(counts[t] == (double)(c.start[t + 1] - c.start[t]));
        assert_close(sums[t], s, 1e-15, 30.0);
    }
    fixture_clear(&f);
}

static void sums_of_weights_by_target(void **state)
{
    (void)state;
    on_each_path(check_weights);
}

/* The order of a target's rows is the order of the sum: 1e16 + 1 - 1e16 tells. */
static void check_order(const urn__kernels *kernels)
{
    const int64_t start[] = {0, 3};
    const double x[] = {1e16, 1.0, -1e16};
    const int32_t first[] = {0, 1, 2}, second[] = {0, 2, 1};
    double out;
    kernels->scatter_rows(0, 1, 1, start, first, NULL, x, NULL, NULL, &out);
    assert_true(out == 0.0);
    kernels->scatter_rows(0, 1, 1, start, second, NULL, x, NULL, NULL, &out);
    assert_true(out == 1.0);
}

static void sums_follow_the_order(void **state)
{
    (void)state;
    on_each_path(check_order);
}

static void check_gather(const urn__kernels *kernels)
{
    for (int l = 0; l < N_LENGTHS; l++) {
        const int64_t d = lengths[l];
        fixture f = fixture_new(d);
        double *y = malloc((size_t)(ROWS * d) * sizeof *y);
        assert_non_null(y);
        for (int64_t i = 0; i < ROWS * d; i++)
            y[i] = 12345.0;
        kernels->gather_rows(3, ROWS - 2, d, f.a, f.ia, y);
        for (int64_t i = 3; i < ROWS - 2; i++)
            assert_same_bits(d, y + i * d, f.a + f.ia[i] * d);
        assert_true(y[3 * d - 1] == 12345.0 && y[(ROWS - 2) * d] == 12345.0);
        kernels->gather_rows(5, 5, d, f.a, f.ia, NULL);
        free(y);
        fixture_clear(&f);
    }
}

static void rows_gathered(void **state)
{
    (void)state;
    on_each_path(check_gather);
}

/* Added to what is there, part by part; against sums in extended precision. */
static void check_weighed(const urn__kernels *kernels)
{
    for (int l = 0; l < N_LENGTHS; l++) {
        const int64_t d = lengths[l];
        fixture f = fixture_new(d);
        double *out = malloc((size_t)d * sizeof *out);
        assert_non_null(out);
        for (int64_t k = 0; k < d; k++)
            out[k] = 0.5;
        kernels->weigh_rows(2, 20, d, f.b, f.a, out);
        kernels->weigh_rows(20, ROWS, d, f.b, f.a, out);
        kernels->weigh_rows(7, 7, d, NULL, NULL, out);
        for (int64_t k = 0; k < d; k++) {
            long double s = 0.5L;
            for (int64_t i = 2; i < ROWS; i++)
                s += (long double)f.b[i] * (long double)f.a[i * d + k];
            /* ROWS terms below 1: each addition is off by half an ulp of at most ROWS */
            assert_true(fabs(out[k] - (double)s) <= ROWS * ROWS * 0x1p-53);
        }
        free(out);
        fixture_clear(&f);
    }
}

static void weighted_sums_of_rows(void **state)
{
    (void)state;
    on_each_path(check_weighed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dot_products_of_rows),   cmocka_unit_test(stride_zero_wins_over_an_index),
        cmocka_unit_test(sums_of_rows_by_target), cmocka_unit_test(sums_of_weights_by_target),
        cmocka_unit_test(sums_follow_the_order),  cmocka_unit_test(rows_gathered),
        cmocka_unit_test(weighted_sums_of_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
