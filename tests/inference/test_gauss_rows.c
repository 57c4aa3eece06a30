/* Blocks of Gaussian rows of random shape: modes and draws against LAPACK's solution of each row's
 * conditional, which is found by loops of the test's own; sums of squares; threads; errors. */
#include "inference/gibbs/gauss_rows.h"
#include "tests/base/check.h"
#include "tests/tensor/paths.h"

#include <lapacke.h>

#define SITE "U"

enum { MOST_TERMS = 3, SOURCES = 40 };

/* A block, with all it refers to. */
typedef struct fixture {
    int64_t d;
    urn__gauss_spec spec;
    urn__gauss_term term[MOST_TERMS];
    urn__index index[MOST_TERMS];
    double squares[MOST_TERMS];
    urn__gauss_run run;
    urn__gauss_rows *rows;
    void *owned[64];
    int n_owned;
} fixture;

static void *own(fixture *f, void *memory)
{
    assert_true(f->n_owned < 64);
    return f->owned[f->n_owned++] = memory;
}

static double *numbers(fixture *f, uint64_t *seed, int64_t n, double low, double high)
{
    return own(f, test_array(seed, n, low, high));
}

static int32_t *indices(fixture *f, uint64_t *seed, int64_t n, int64_t bound)
{
    int32_t *x = own(f, calloc((size_t)n + 1, sizeof *x));
    for (int64_t i = 0; i < n; i++)
        x[i] = (int32_t)(test_word(seed) % (uint64_t)bound);
    return x;
}

/* What a term is like. */
enum {
    BY_INDEX = 1,   /* else n / n_rows child rows each */
    SORTED = 2,     /* the index is */
    GAINS = 4,      /* a gain a row */
    WEIGHTS = 8,    /* a weight a row, else one */
    FIXED = 16,     /* targets are */
    CONSTANT = 32,  /* parts have a constant coefficient */
    FACTOR = 64,    /* that is not 1 */
    OWN_ROWS = 128, /* coefficients of child row r are at r */
    SKEWED = 256    /* half of the child rows are those of row 0 */
};

static urn__index index_of(fixture *f, uint64_t *seed, int64_t n, int64_t n_rows, int kind)
{
    urn__index ix = {.n = n, .n_targets = n_rows};
    ix.row = indices(f, seed, n, n_rows);
    for (int64_t i = 0; i < n; i++)
        if ((kind & SKEWED) && (i & 1))
            ix.row[i] = 0;
        else if (n_rows > 2 && ix.row[i] == 1)
            ix.row[i] = 2; /* row 1 has none */
    if (kind & SORTED)
        for (int64_t i = 0; i < n; i++) {
            const int64_t row = i * n_rows / n;
            ix.row[i] = (int32_t)(n_rows > 2 && row == 1 ? 2 : row);
        }
    ix.start = own(f, calloc((size_t)n_rows + 2, sizeof *ix.start));
    ix.order = own(f, calloc((size_t)n + 1, sizeof *ix.order));
    urn__index_sort(&ix);
    if (ix.sorted)
        ix.order = NULL;
    return ix;
}

static void add_term(fixture *f, uint64_t *seed, int64_t n, int kind)
{
    const int k = f->spec.n_terms++;
    urn__gauss_term *t = &f->term[k];
    *t = (urn__gauss_term){.n = n, .target_fixed = (kind & FIXED) != 0, .squares = &f->squares[k]};
    if (kind & BY_INDEX) {
        f->index[k] = index_of(f, seed, n, f->spec.n_rows, kind);
        t->index = &f->index[k];
    }
    for (int p = 0; p < f->spec.n_parts; p++) {
        urn__gauss_coefficient *c = &t->coefficient[p];
        c->factor = kind & FACTOR ? -0.75 : 1.0;
        if (kind & CONSTANT)
            continue;
        const bool at_row = (kind & OWN_ROWS) != 0;
        c->stride = f->spec.dim[p] + p;
        c->x = numbers(f, seed, (at_row ? n : SOURCES) * c->stride, -1.0, 1.0);
        c->row = at_row ? NULL : indices(f, seed, n, SOURCES);
    }
    t->target = numbers(f, seed, n, -2.0, 2.0);
    if (kind & GAINS)
        t->gain = numbers(f, seed, n, -1.5, 1.5);
    t->weight_stride = (kind & WEIGHTS) != 0;
    t->weight = numbers(f, seed, kind & WEIGHTS ? n : 1, 0.1, 3.0);
}

enum { DIAGONAL = 1, OWN_PRECISION = 2, OWN_SHIFT = 4 };

/* Random symmetric matrices with a dominant diagonal. */
static void add_prior(fixture *f, uint64_t *seed, int kind)
{
    const int64_t d = f->d, n = f->spec.n_rows;
    const int64_t size = kind & DIAGONAL ? d : d * d, copies = kind & OWN_PRECISION ? n : 1;
    double *p = numbers(f, seed, size * copies, kind & DIAGONAL ? 0.5 : -0.5, 1.0);
    for (int64_t c = 0; c < copies && !(kind & DIAGONAL); c++)
        for (int64_t i = 0; i < d; i++)
            for (int64_t j = 0; j <= i; j++) {
                double *at = p + c * size + i * d + j;
                *at = i == j ? 1.0 + fabs(*at) : *at / (double)d;
            }
    f->run.prior = (urn__gauss_prior){.precision = p,
                                      .diagonal = (kind & DIAGONAL) != 0,
                                      .precision_stride = kind & OWN_PRECISION ? size : 0,
                                      .shift = numbers(f, seed, d * n, -1.0, 1.0),
                                      .shift_stride = kind & OWN_SHIFT ? d : 0};
}

static fixture fixture_new(int64_t n_rows, int n_parts, const int64_t *dim)
{
    fixture f = {.spec = {.site = SITE, .plate = "users", .n_rows = n_rows, .n_parts = n_parts}};
    for (int k = 0; k < n_parts; k++)
        f.d += f.spec.dim[k] = dim[k];
    return f;
}

static void start(fixture *f, const urn__kernels *kernels)
{
    f->spec.terms = f->run.terms = f->term;
    f->spec.threads = 8;
    f->spec.kernels = kernels;
    f->run.threads = 1;
    for (int k = 0; k < f->spec.n_parts; k++) {
        f->run.value_stride[k] = f->spec.dim[k] + 1;
        f->run.value[k] = own(f, test_zeros(f->spec.n_rows * f->run.value_stride[k]));
    }
    urn_error error;
    if (urn__gauss_rows_new(NULL, &f->spec, &f->rows, &error) != URN_OK)
        fail_msg("%s", error.message);
}

static void fixture_clear(fixture *f)
{
    urn__gauss_rows_free(f->rows);
    for (int i = 0; i < f->n_owned; i++)
        free(f->owned[i]);
}

static void run(fixture *f)
{
    urn_error error;
    if (urn__gauss_rows_run(f->rows, &f->run, &error) != URN_OK)
        fail_msg("%s", error.message);
}

/* ---- what it should be ---- */

static double coefficient(const fixture *f, const urn__gauss_term *t, int64_t r, int64_t i)
{
    int k = 0;
    for (; i >= f->spec.dim[k]; k++)
        i -= f->spec.dim[k];
    const urn__gauss_coefficient *c = &t->coefficient[k];
    const double x = c->x == NULL ? 1.0 : c->x[(c->row ? c->row[r] : r) * c->stride + i];
    return x * c->factor * (t->gain ? t->gain[r] : 1.0);
}

static bool is_child(const fixture *f, const urn__gauss_term *t, int64_t r, int64_t row)
{
    return (t->index ? t->index->row[r] : r / (t->n / f->spec.n_rows)) == row;
}

/* Q and h of a row by loops of the test's own. */
static void conditional(const fixture *f, int64_t row, double *q, double *h)
{
    const int64_t d = f->d;
    const urn__gauss_prior *prior = &f->run.prior;
    for (int64_t i = 0; i < d; i++) {
        for (int64_t j = 0; j <= i; j++) {
            const double *p = prior->precision + row * prior->precision_stride;
            q[i * d + j] = q[j * d + i] = prior->diagonal ? (i == j) * p[i] : p[i * d + j];
        }
        h[i] = prior->shift[row * prior->shift_stride + i];
    }
    for (int k = 0; k < f->spec.n_terms; k++) {
        const urn__gauss_term *t = &f->term[k];
        for (int64_t r = 0; r < t->n; r++) {
            const double w = t->weight[r * t->weight_stride];
            for (int64_t i = 0; i < d && is_child(f, t, r, row); i++) {
                const double a = coefficient(f, t, r, i);
                h[i] += w * a * t->target[r];
                for (int64_t j = 0; j < d; j++)
                    q[i * d + j] += w * a * coefficient(f, t, r, j);
            }
        }
    }
}

static double value_of(const fixture *f, int64_t row, int64_t i)
{
    int k = 0;
    for (; i >= f->spec.dim[k]; k++)
        i -= f->spec.dim[k];
    return f->run.value[k][row * f->run.value_stride[k] + i];
}

/* Relative to the largest number of each; sums of up to thousands of terms and conditions of up to
 * a thousand lose no more than this. */
static void assert_near(int64_t n, const double *x, const double *expected, double bound)
{
    double size = 0.0;
    for (int64_t i = 0; i < n; i++)
        size = fmax(size, fabs(expected[i]));
    for (int64_t i = 0; i < n; i++)
        assert_within(x[i], expected[i], bound * size);
}

static void check_row(const fixture *f, int64_t row)
{
    const int64_t d = f->d;
    double *q = test_zeros(d * d), *h = test_zeros(d), *z = test_zeros(d), *x = test_zeros(d);
    double *own_q = test_zeros(d * d), *own_h = test_zeros(d);
    conditional(f, row, q, h);
    urn__gauss_rows_conditional(f->rows, &f->run, row, own_q, own_h);
    assert_near(d * d, own_q, q, 1e-13);
    assert_near(d, own_h, h, 1e-12);
    const lapack_int n = (lapack_int)d;
    assert_int_equal(LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', n, q, n), 0);
    assert_int_equal(LAPACKE_dtrtrs(LAPACK_ROW_MAJOR, 'L', 'N', 'N', n, 1, q, n, h, 1), 0);
    if (f->run.stream != NULL) {
        const int64_t first = row * d, block = first / URN__NORMAL_BLOCK * URN__NORMAL_BLOCK;
        double *normals = test_zeros(first - block + d);
        f->spec.kernels->normals(f->run.stream, block, first - block + d, normals);
        memcpy(z, normals + first - block, (size_t)d * sizeof *z);
        free(normals);
    }
    for (int64_t i = 0; i < d; i++) {
        h[i] += z[i];
        x[i] = value_of(f, row, i);
    }
    assert_int_equal(LAPACKE_dtrtrs(LAPACK_ROW_MAJOR, 'L', 'T', 'N', n, 1, q, n, h, 1), 0);
    assert_near(d, x, h, 1e-11);
    free(q);
    free(h);
    free(z);
    free(x);
    free(own_q);
    free(own_h);
}

static void check_squares(const fixture *f)
{
    for (int k = 0; k < f->spec.n_terms; k++) {
        const urn__gauss_term *t = &f->term[k];
        long double sum = 0.0L, size = 0.0L;
        for (int64_t r = 0; r < t->n; r++) {
            const int64_t row = t->index ? t->index->row[r] : r / (t->n / f->spec.n_rows);
            long double e = t->target[r], most = fabs(t->target[r]);
            for (int64_t i = 0; i < f->d; i++) {
                const double part = coefficient(f, t, r, i) * value_of(f, row, i);
                e -= part;
                most += fabs(part);
            }
            sum += e * e;
            size += most * most;
        }
        assert_within(f->squares[k], sum, (double)(t->n + 4 * f->d) * (double)size * EPSILON);
    }
}

static void check_rows(fixture *f, int64_t step)
{
    run(f);
    for (int64_t row = 0; row < f->spec.n_rows; row += step)
        check_row(f, row);
    check_squares(f);
}

/* Modes, draws, and the same draws on other numbers of threads. */
static void check_block(fixture *f, int64_t step)
{
    f->run.stream = NULL;
    check_rows(f, step);
    const urn__stream stream = urn__stream_at(3, 1, SITE, 17);
    f->run.stream = &stream;
    check_rows(f, step);
    const int64_t n = f->spec.n_rows * f->run.value_stride[0];
    double *first = test_zeros(n), squares[MOST_TERMS];
    memcpy(first, f->run.value[0], (size_t)n * sizeof *first);
    memcpy(squares, f->squares, sizeof squares);
    const int threads[] = {2, 3, 8};
    for (int i = 0; i < 3; i++) {
        memset(f->run.value[0], 0, (size_t)n * sizeof *first);
        f->run.threads = threads[i];
        run(f);
        assert_same_bits(n, f->run.value[0], first);
        assert_same_bits(f->spec.n_terms, f->squares, squares);
    }
    f->run.threads = 1;
    f->run.stream = NULL;
    free(first);
}

/* ---- tests ---- */

static void check_kind(const urn__kernels *kernels, uint64_t *seed, int64_t d, int kind, int prior)
{
    const int64_t n_rows = 1 + (int64_t)(test_word(seed) % 60);
    fixture f = fixture_new(n_rows, 1, &d);
    add_term(&f, seed, n_rows * (1 + (int64_t)(test_word(seed) % 40)), kind);
    add_prior(&f, seed, prior);
    start(&f, kernels);
    check_block(&f, 3);
    fixture_clear(&f);
}

static const int kinds[] = {
    0,
    FIXED | OWN_ROWS,
    BY_INDEX,
    BY_INDEX | FIXED,
    BY_INDEX | SORTED,
    BY_INDEX | SORTED | FIXED | WEIGHTS,
    BY_INDEX | SORTED | OWN_ROWS,
    BY_INDEX | OWN_ROWS | FIXED,
    BY_INDEX | WEIGHTS,
    BY_INDEX | GAINS | FIXED,
    BY_INDEX | FACTOR,
    BY_INDEX | CONSTANT,
    BY_INDEX | CONSTANT | FACTOR | FIXED,
};

static void check_kinds(const urn__kernels *kernels)
{
    static const int64_t dims[] = {1, 2, 3, 5, 8, 10, 13, 17, 32, 33};
    uint64_t seed = 5;
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
            check_kind(kernels, &seed, dims[i], kinds[k], (int)(test_word(&seed) % 8));
}

static void test_kinds(void **state)
{
    (void)state;
    on_each_path(check_kinds);
}

static void check_parts(const urn__kernels *kernels)
{
    uint64_t seed = 9;
    for (int prior = 0; prior < 8; prior++) {
        const int64_t dims[] = {4 + prior, 1, 2};
        fixture f = fixture_new(23, 3, dims);
        add_term(&f, &seed, 300, BY_INDEX | FIXED);
        add_term(&f, &seed, 230, WEIGHTS | GAINS);
        add_term(&f, &seed, 80, BY_INDEX | SORTED | CONSTANT);
        f.term[0].coefficient[1].x = NULL;
        f.term[2].coefficient[0].factor = 0.0; /* not in this term */
        add_prior(&f, &seed, prior);
        start(&f, kernels);
        check_block(&f, 1);
        fixture_clear(&f);
    }
}

/* A joint block of several sites, with several terms. */
static void test_parts(void **state)
{
    (void)state;
    on_each_path(check_parts);
}

static void check_split(const urn__kernels *kernels)
{
    uint64_t seed = 13;
    for (int64_t d = 1; d <= 21; d += 4) {
        fixture f = fixture_new(5, 1, &d);
        add_term(&f, &seed, 30000, BY_INDEX | SKEWED | (d > 9 ? FIXED : 0));
        if (d == 5)
            add_term(&f, &seed, 20000, BY_INDEX | SKEWED);
        add_prior(&f, &seed, 0);
        start(&f, kernels);
        check_block(&f, 1);
        fixture_clear(&f);
    }
}

/* A row with most of the child rows is summed in pieces. */
static void test_split(void **state)
{
    (void)state;
    on_each_path(check_split);
}

static void check_large(const urn__kernels *kernels)
{
    uint64_t seed = 15;
    const int64_t dims[] = {64, 96, 97, 130};
    for (int i = 0; i < 4; i++) {
        fixture f = fixture_new(11, 1, &dims[i]);
        add_term(&f, &seed, 600, BY_INDEX);
        add_prior(&f, &seed, i);
        start(&f, kernels);
        check_block(&f, 1);
        fixture_clear(&f);
    }
}

static void test_large(void **state)
{
    (void)state;
    on_each_path(check_large);
}

/* Rows that cannot be drawn are named, the lowest first, with what is wrong. */
static void check_errors(const urn__kernels *kernels)
{
    const int64_t dims[] = {3, 100};
    for (int i = 0; i < 2; i++) {
        uint64_t seed = 17;
        fixture f = fixture_new(40, 1, &dims[i]);
        add_term(&f, &seed, 200, BY_INDEX);
        add_prior(&f, &seed, DIAGONAL | OWN_PRECISION);
        start(&f, kernels);
        double *p = (double *)f.run.prior.precision;
        double *target = (double *)f.term[0].target;
        urn_error error;
        f.run.threads = 3;
        p[30 * dims[i] + 2] = p[7 * dims[i] + 1] = -1e3;
        assert_int_equal(urn__gauss_rows_run(f.rows, &f.run, &error), URN_ERR_RUNTIME);
        assert_string_equal(error.site, SITE);
        assert_non_null(strstr(error.message, "row 7 of users"));
        assert_non_null(strstr(error.message, "not positive definite"));
        assert_non_null(strstr(error.message, "condition"));
        assert_non_null(strstr(error.hint, "no jitter"));
        p[30 * dims[i] + 2] = p[7 * dims[i] + 1] = 1.0;
        target[11] = NAN;
        char expected[64];
        snprintf(expected, sizeof expected, "row %d of users", (int)f.index[0].row[11]);
        assert_int_equal(urn__gauss_rows_run(f.rows, &f.run, &error), URN_ERR_RUNTIME);
        assert_non_null(strstr(error.message, expected));
        assert_non_null(strstr(error.message, "not finite"));
        fixture_clear(&f);
    }
}

static void test_errors(void **state)
{
    (void)state;
    on_each_path(check_errors);
}

/* Each allocation may fail; runs make none. */
static void test_memory(void **state)
{
    (void)state;
    const int64_t d = 6;
    uint64_t seed = 19;
    const urn__kernels *kernels;
    assert_int_equal(urn__kernels_select(NULL, &kernels, NULL), URN_OK);
    failing_memory memory;
    fixture f = fixture_new(20, 1, &d);
    add_term(&f, &seed, 200, BY_INDEX | FIXED);
    add_prior(&f, &seed, 0);
    start(&f, kernels);
    urn_status status = URN_ERR_MEMORY;
    urn__gauss_rows *rows = NULL;
    long at = 1;
    for (; status == URN_ERR_MEMORY; at++) {
        urn_error error;
        failing_memory_init(&memory, at, false);
        status = urn__gauss_rows_new(&memory.hook, &f.spec, &rows, &error);
        assert_true((status == URN_OK) == (rows != NULL));
        assert_true(status == URN_OK || memory.live == 0);
    }
    assert_int_equal(status, URN_OK);
    assert_true(at > 5);
    const long before = memory.calls;
    f.run.threads = 2;
    assert_int_equal(urn__gauss_rows_run(rows, &f.run, NULL), URN_OK);
    assert_int_equal(memory.calls, before);
    urn__gauss_rows_free(rows);
    assert_int_equal(memory.live, 0);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds), cmocka_unit_test(test_parts),  cmocka_unit_test(test_split),
        cmocka_unit_test(test_large), cmocka_unit_test(test_errors), cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
