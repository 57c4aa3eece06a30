/* Row kernels against plain loops in extended precision: every specialised row length and some
 * others, indices repeated, missing or constant, targets without rows, parts of a range. A sum of n
 * products in any order is off by at most n roundings of the sum of their sizes. */
#include "tests/tensor/paths.h"

enum { ROWS = 53, A_ROWS = 17, B_ROWS = 9 };

static const int64_t lengths[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13,  14,  15,
                                  16, 17, 19, 20, 21, 23, 24, 25, 27, 29, 30, 31, 32,  33,  35,
                                  40, 41, 47, 48, 49, 50, 63, 64, 65, 79, 96, 97, 100, 128, 131};
#define N_LENGTHS ((int)(sizeof lengths / sizeof *lengths))

static void fill_index(uint64_t *seed, int32_t *index, int64_t n, int32_t bound)
{
    for (int64_t i = 0; i < n; i++)
        index[i] = (int32_t)(test_word(seed) % (uint64_t)bound);
}

/* Arrays are as large as they must be and no larger, so that valgrind sees a read past the end. */
typedef struct fixture {
    urn__real *a, *b; /* ROWS x d each */
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

/* The sum of a value's terms, and of their sizes. */
typedef struct terms {
    long double sum, size;
} terms;

static void add_term(terms *t, urn__real a, urn__real b)
{
    t->sum += (long double)a * (long double)b;
    t->size += fabsl((long double)a * (long double)b);
}

static terms dot_terms(int64_t d, const urn__real *a, const urn__real *b)
{
    terms t = {0.0L, 0.0L};
    for (int64_t k = 0; k < d; k++)
        add_term(&t, a[k], b[k]);
    return t;
}

static int64_t row_number(const int32_t *index, int64_t stride, int64_t i)
{
    return stride == 0 ? 0 : index ? index[i] : i;
}

static void check_row_dot_of(const urn__kernels_real *kernels, const fixture *f, int64_t d,
                             int kinds)
{
    const int kind_a = kinds % 3, kind_b = kinds / 3; /* indexed, row by row, one row */
    const int32_t *ia = kind_a == 0 ? f->ia : NULL, *ib = kind_b == 0 ? f->ib : NULL;
    const int64_t stride_a = kind_a == 2 ? 0 : d, stride_b = kind_b == 2 ? 0 : d;
    urn__real whole[ROWS], part[ROWS];
    kernels->row_dot(0, ROWS, d, f->a, ia, stride_a, f->b, ib, stride_b, whole);
    for (int64_t i = 0; i < ROWS; i++) {
        const terms t = dot_terms(d, f->a + row_number(ia, stride_a, i) * d,
                                  f->b + row_number(ib, stride_b, i) * d);
        assert_within((double)whole[i], t.sum, (double)d * ROUNDING * (double)t.size);
    }
    for (int64_t from = 0; from < ROWS; from += 5) {
        for (int64_t i = 0; i < ROWS; i++)
            part[i] = UNTOUCHED;
        const int64_t to = from + (ROWS - from) / 2;
        kernels->row_dot(from, to, d, f->a, ia, stride_a, f->b, ib, stride_b, part);
        assert_same_bits(to - from, part + from, whole + from);
        for (int64_t i = 0; i < ROWS; i++)
            assert_true((part[i] == UNTOUCHED) == (i < from || i >= to));
    }
}

static void check_row_dot(const urn__kernels_real *kernels)
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
static void check_stride_zero(const urn__kernels_real *kernels)
{
    fixture f = fixture_new(5);
    urn__real y[ROWS], expected[ROWS];
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

/* Which of the optional arguments are there. */
enum { WEIGHT = 1, INDEX = 2, ORDER = 4, BASE = 8, KINDS = 16 };

static terms scatter_terms(const fixture *f, const csr *c, int64_t d, int kinds, int64_t t,
                           int64_t k)
{
    terms sum = {0.0L, 0.0L};
    for (int64_t j = c->start[t]; j < c->start[t + 1]; j++) {
        const int64_t r = kinds & ORDER ? c->order[j] : j;
        add_term(&sum, kinds & WEIGHT ? f->b[r] : 1, f->a[(kinds & INDEX ? f->ia[r] : r) * d + k]);
    }
    if (kinds & BASE)
        add_term(&sum, f->b[t * d + k], 1);
    return sum;
}

static void scatter(const urn__kernels_real *kernels, const fixture *f, const csr *c, int64_t d,
                    int kinds, int64_t from, int64_t to, const urn__real *base, urn__real *out)
{
    kernels->scatter_rows(from, to, d, c->start, kinds & ORDER ? c->order : NULL,
                          kinds & WEIGHT ? f->b : NULL, f->a, kinds & INDEX ? f->ia : NULL,
                          kinds & BASE ? base : NULL, out);
}

static void check_scatter_of(const urn__kernels_real *kernels, const fixture *f, const csr *c,
                             int64_t d, int kinds)
{
    urn__real *out = test_zeros(TARGETS * d), *part = test_zeros(TARGETS * d);
    scatter(kernels, f, c, d, kinds, 0, TARGETS, f->b, out);
    for (int64_t t = 0; t < TARGETS; t++) {
        const double rows = (double)(c->start[t + 1] - c->start[t]);
        for (int64_t k = 0; k < d; k++) {
            const terms sum = scatter_terms(f, c, d, kinds, t, k);
            assert_within((double)out[t * d + k], sum.sum,
                          (rows + 1.0) * ROUNDING * (double)sum.size);
        }
    }
    for (int64_t i = 0; i < TARGETS * d; i++)
        part[i] = UNTOUCHED;
    scatter(kernels, f, c, d, kinds, 2, 5, f->b, part);
    assert_same_bits(3 * d, part + 2 * d, out + 2 * d);
    assert_true(part[2 * d - 1] == UNTOUCHED && part[5 * d] == UNTOUCHED);
    if (kinds & BASE) { /* in place */
        memcpy(part, f->b, (size_t)(TARGETS * d) * sizeof *part);
        scatter(kernels, f, c, d, kinds, 0, TARGETS, part, part);
        assert_same_bits(TARGETS * d, part, out);
    }
    free(out);
    free(part);
}

static void check_scatter(const urn__kernels_real *kernels)
{
    const csr c = csr_new();
    assert_true(c.start[1] == 0 && c.start[4] == c.start[3] && c.start[TARGETS] == c.start[11]);
    for (int l = 0; l < N_LENGTHS; l++) {
        fixture f = fixture_new(lengths[l]);
        for (int kinds = 0; kinds < KINDS; kinds++)
            check_scatter_of(kernels, &f, &c, lengths[l], kinds);
        fixture_clear(&f);
    }
}

static void sums_of_rows_by_target(void **state)
{
    (void)state;
    on_each_path(check_scatter);
}

static void check_weights(const urn__kernels_real *kernels)
{
    const csr c = csr_new();
    fixture f = fixture_new(1);
    urn__real counts[TARGETS], sums[TARGETS], plain[TARGETS];
    kernels->scatter_rows(0, TARGETS, 1, c.start, c.order, NULL, NULL, NULL, NULL, counts);
    kernels->scatter_rows(0, TARGETS, 1, c.start, c.order, f.b, NULL, NULL, f.a, sums);
    kernels->scatter_rows(0, TARGETS, 1, c.start, NULL, f.b, NULL, NULL, NULL, plain);
    for (int64_t t = 0; t < TARGETS; t++) {
        terms sum = {0.0L, 0.0L}, in_order = {0.0L, 0.0L};
        for (int64_t j = c.start[t]; j < c.start[t + 1]; j++) {
            add_term(&sum, f.b[c.order[j]], 1);
            add_term(&in_order, f.b[j], 1);
        }
        add_term(&sum, f.a[t], 1);
        const double rows = (double)(c.start[t + 1] - c.start[t]);
        assert_true((double)counts[t] == rows);
        assert_within((double)sums[t], sum.sum, (rows + 1.0) * ROUNDING * (double)sum.size);
        assert_within((double)plain[t], in_order.sum, rows * ROUNDING * (double)in_order.size);
    }
    fixture_clear(&f);
}

static void sums_of_weights_by_target(void **state)
{
    (void)state;
    on_each_path(check_weights);
}

/* More of everything: tables larger than what counts as near, targets of more than a block's rows,
 * pairs sorted by the left side and not. */
enum { MANY = 1500, MANY_ROWS = 3000, MANY_TARGETS = 9 };

typedef struct many {
    urn__real *a, *b, *weight;
    int32_t sorted[MANY], random[MANY], order[MANY];
} many;

static many many_new(int64_t d)
{
    uint64_t seed = 77;
    many m;
    m.a = test_array(&seed, MANY_ROWS * d, -1.0, 1.0);
    m.b = test_array(&seed, MANY_ROWS * d, -1.0, 1.0);
    m.weight = test_array(&seed, MANY, -1.0, 1.0);
    fill_index(&seed, m.random, MANY, MANY_ROWS);
    for (int i = 0; i < MANY; i++) {
        m.sorted[i] = (i / 40) * 80;
        m.order[i] = (i * 7 + 3) % MANY; /* 7 and MANY have no common divisor */
    }
    return m;
}

static void many_clear(many *m)
{
    free(m->a);
    free(m->b);
    free(m->weight);
}

static void check_many_dots(const urn__kernels_real *kernels, const many *m, int64_t d,
                            const int32_t *ia)
{
    static const int64_t cuts[] = {0, 1, 8, 255, 256, 257, 300, 511, 1000, 1499};
    urn__real whole[MANY], part[MANY];
    kernels->row_dot(0, MANY, d, m->a, ia, d, m->b, m->random, d, whole);
    for (int64_t i = 0; i < MANY; i++) {
        const terms t = dot_terms(d, m->a + ia[i] * d, m->b + m->random[i] * d);
        assert_within((double)whole[i], t.sum, (double)d * ROUNDING * (double)t.size);
    }
    for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
        kernels->row_dot(cuts[c], MANY, d, m->a, ia, d, m->b, m->random, d, part);
        kernels->row_dot(0, cuts[c], d, m->a, ia, d, m->b, m->random, d, part);
        assert_same_bits(MANY, part, whole);
    }
}

static void check_many_sums(const urn__kernels_real *kernels, const many *m, int64_t d, int kinds)
{
    static const int64_t start[MANY_TARGETS + 1] = {0, 0, 1, 256, 512, 769, 1281, 1282, MANY, MANY};
    const int32_t *order = kinds & ORDER ? m->order : NULL, *ix = kinds & INDEX ? m->random : NULL;
    const urn__real *weight = kinds & WEIGHT ? m->weight : NULL;
    const urn__real *base = kinds & BASE ? m->b : NULL;
    urn__real *out = test_zeros(MANY_TARGETS * d), *part = test_zeros(MANY_TARGETS * d);
    kernels->scatter_rows(0, MANY_TARGETS, d, start, order, weight, m->a, ix, base, out);
    for (int64_t t = 0; t < MANY_TARGETS; t++) {
        for (int64_t k = 0; k < d; k++) {
            terms sum = {0.0L, 0.0L};
            for (int64_t j = start[t]; j < start[t + 1]; j++) {
                const int64_t r = order ? order[j] : j;
                add_term(&sum, weight ? weight[r] : 1, m->a[(ix ? ix[r] : r) * d + k]);
            }
            if (base)
                add_term(&sum, base[t * d + k], 1);
            assert_within((double)out[t * d + k], sum.sum,
                          (double)(start[t + 1] - start[t] + 1) * ROUNDING * (double)sum.size);
        }
    }
    for (int64_t t = 0; t < MANY_TARGETS; t++)
        kernels->scatter_rows(t, t + 1, d, start, order, weight, m->a, ix, base, part);
    assert_same_bits(MANY_TARGETS * d, part, out);
    free(out);
    free(part);
}

static void check_many(const urn__kernels_real *kernels)
{
    static const int64_t few_lengths[] = {1, 2, 3, 5, 12, 33, 150};
    for (size_t l = 0; l < sizeof few_lengths / sizeof *few_lengths; l++) {
        many m = many_new(few_lengths[l]);
        check_many_dots(kernels, &m, few_lengths[l], m.sorted);
        check_many_dots(kernels, &m, few_lengths[l], m.random);
        for (int kinds = 0; kinds < KINDS; kinds++)
            check_many_sums(kernels, &m, few_lengths[l], kinds);
        many_clear(&m);
    }
}

static void many_rows(void **state)
{
    (void)state;
    on_each_path(check_many);
}

static void check_gather(const urn__kernels_real *kernels)
{
    for (int l = 0; l < N_LENGTHS; l++) {
        const int64_t d = lengths[l];
        fixture f = fixture_new(d);
        urn__real *y = test_zeros(ROWS * d);
        for (int64_t i = 0; i < ROWS * d; i++)
            y[i] = UNTOUCHED;
        kernels->gather_rows(3, ROWS - 2, d, f.a, f.ia, y);
        for (int64_t i = 3; i < ROWS - 2; i++)
            assert_same_bits(d, y + i * d, f.a + f.ia[i] * d);
        assert_true(y[3 * d - 1] == UNTOUCHED && y[(ROWS - 2) * d] == UNTOUCHED);
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

/* Added to what is there, part by part. */
static void check_weighed(const urn__kernels_real *kernels)
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
            terms t = {0.5L, 0.5L};
            for (int64_t i = 2; i < ROWS; i++)
                add_term(&t, f.b[i], f.a[i * d + k]);
            assert_within(out[k], t.sum, ROWS * 0x1p-53 * (double)t.size); /* double in both */
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

static int ascending(const void *a, const void *b)
{
    const urn__real x = *(const urn__real *)a, y = *(const urn__real *)b;
    return (x > y) - (x < y);
}

/* Columns of random numbers, many of them equal, of falling and of infinite ones. */
static void fill_columns(int64_t n, int64_t width, urn__real *x)
{
    uint64_t seed = (uint64_t)(n * 1000 + width);
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < width; k++)
            x[i * width + k] = k % 3 == 0   ? (urn__real)test_uniform(&seed, -1.0, 1.0)
                               : k % 3 == 1 ? (urn__real)(test_word(&seed) % 5) - 2
                                            : (urn__real)(n - i);
    for (int64_t i = 0; i < n; i += 7)
        x[i * width] = (urn__real)(i % 2 == 0 ? INFINITY : -INFINITY);
}

static void check_sorted(const urn__kernels_real *kernels)
{
    static const int64_t widths[] = {1, 2, 7, 8, 9, 16};
    for (int64_t n = 0; n < 70; n += 1 + n / 35 * 12)
        for (int w = 0; w < (int)(sizeof widths / sizeof *widths); w++) {
            const int64_t width = widths[w];
            urn__real *x = test_zeros(n * width), *own = test_zeros(n * width);
            urn__real *column = test_zeros(n);
            fill_columns(n, width, x);
            memcpy(own, x, (size_t)(n * width) * sizeof *x);
            kernels->sort_columns(n, width, own);
            for (int64_t k = 0; k < width; k++) {
                for (int64_t i = 0; i < n; i++)
                    column[i] = x[i * width + k];
                qsort(column, (size_t)n, sizeof *column, ascending);
                for (int64_t i = 0; i < n; i++)
                    assert_true(own[i * width + k] == column[i]);
            }
            free(x), free(own), free(column);
        }
}

static void columns_are_sorted(void **state)
{
    (void)state;
    on_each_path(check_sorted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dot_products_of_rows),
        cmocka_unit_test(stride_zero_wins_over_an_index),
        cmocka_unit_test(sums_of_rows_by_target),
        cmocka_unit_test(sums_of_weights_by_target),
        cmocka_unit_test(rows_gathered),
        cmocka_unit_test(weighted_sums_of_rows),
        cmocka_unit_test(many_rows),
        cmocka_unit_test(columns_are_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
