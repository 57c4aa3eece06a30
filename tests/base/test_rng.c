/* PCG64 against the numbers of numpy.random.PCG64, jumps, GSL's view, addressed streams. */
#include "tests/base/check.h"

#include "runtime/base/rng.h"
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static urn__u128 parse_u128(const char *text)
{
    urn__u128 value = 0;
    for (; *text; text++)
        value = value * 10 + (unsigned)(*text - '0');
    return value;
}

static void assert_outputs(urn__pcg64 *rng, const json_t *expected)
{
    assert_true(json_array_size(expected) > 0);
    for (size_t i = 0; i < json_array_size(expected); i++) {
        const char *text = json_string_value(json_array_get(expected, i));
        assert_int_equal(urn__pcg64_next(rng), strtoull(text, NULL, 10));
    }
}

static void outputs_are_those_of_numpy(void **state)
{
    (void)state;
    char path[4096];
    const char *shared = getenv("URN_SHARED");
    snprintf(path, sizeof path, "%s/fixtures/pcg64.json", shared ? shared : "../shared");
    json_t *root = json_load_file(path, 0, NULL);
    if (!root) {
        print_message("skipped: %s is not there (set URN_SHARED)\n", path);
        skip();
    }
    const json_t *rows = json_object_get(root, "rows");
    assert_true(json_array_size(rows) >= 4);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        urn__pcg64 rng = {.state = parse_u128(json_string_value(json_object_get(row, "state"))),
                          .inc = parse_u128(json_string_value(json_object_get(row, "inc")))};
        urn__pcg64 far = rng;
        assert_outputs(&rng, json_object_get(row, "raw_u64"));
        urn__pcg64_advance(&far, UINT64_C(1000000000007));
        assert_outputs(&far, json_object_get(row, "raw_after_advance_1000000000007"));
    }
    json_decref(root);
}

static const urn__pcg64 start = {.state = 35, .inc = ((urn__u128)123456789 << 64) | 987654321};

static void advance_is_that_many_outputs(void **state)
{
    (void)state;
    urn__pcg64 walked = start;
    for (uint64_t n = 0; n < 300; n++) {
        urn__pcg64 jumped = start;
        urn__pcg64_advance(&jumped, n);
        assert_true(jumped.state == walked.state && jumped.inc == walked.inc);
        urn__pcg64_next(&walked);
    }
}

static void a_jump_is_an_advance(void **state)
{
    (void)state;
    const urn__u128 deltas[] = {0, 1, 2, URN__ROW_BLOCK, (urn__u128)1 << 127, ~(urn__u128)0};
    for (size_t i = 0; i < sizeof deltas / sizeof *deltas; i++) {
        urn__pcg64 advanced = start;
        urn__pcg64_advance(&advanced, deltas[i]);
        const urn__pcg64_jump jump = urn__pcg64_jump_of(deltas[i], start.inc);
        assert_true(jump.mult * start.state + jump.add == advanced.state);
    }
    urn__pcg64 there_and_back = start;
    urn__pcg64_advance(&there_and_back, 12345);
    urn__pcg64_advance(&there_and_back, -(urn__u128)12345);
    assert_true(there_and_back.state == start.state);
}

static void gsl_sees_a_generator(void **state)
{
    (void)state;
    gsl_rng *gsl = gsl_rng_alloc(urn__pcg64_gsl_type());
    assert_string_equal(gsl_rng_name(gsl), "pcg64");
    assert_true(gsl_rng_max(gsl) == UINT64_MAX && gsl_rng_min(gsl) == 0);
    gsl_rng_set(gsl, 1);
    const unsigned long first = gsl_rng_get(gsl), second = gsl_rng_get(gsl);
    assert_true(first != second);
    gsl_rng_set(gsl, 1);
    assert_true(gsl_rng_get(gsl) == first && gsl_rng_get(gsl) == second);
    gsl_rng_set(gsl, 2);
    assert_true(gsl_rng_get(gsl) != first);
    double sum = 0;
    for (int i = 0; i < 100000; i++) {
        const double u = gsl_rng_uniform(gsl);
        assert_true(u >= 0 && u < 1);
        sum += u;
    }
    assert_true(fabs(sum / 100000 - 0.5) < 5 * sqrt(1.0 / 12 / 100000));
    int seen[7] = {0};
    for (int i = 0; i < 70000; i++)
        seen[gsl_rng_uniform_int(gsl, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 10000 - 500, 10000 + 500);
    gsl_rng_free(gsl);
}

static void the_gsl_view_shares_the_state(void **state)
{
    (void)state;
    const urn__stream stream = urn__stream_at(1, 2, "U", 3);
    urn_rng ours, theirs;
    urn__rng_at_row(&ours, &stream, 9);
    urn__rng_at_row(&theirs, &stream, 9);
    gsl_rng *gsl = urn_rng_gsl(&theirs);
    for (int i = 0; i < 100; i++)
        assert_int_equal(gsl_rng_get(gsl), urn__pcg64_next(&ours.pcg));
    assert_true(theirs.pcg.state == ours.pcg.state);
}

static void the_cursor_visits_the_rows(void **state)
{
    (void)state;
    const urn__stream stream = urn__stream_at(42, 0, "V", 7);
    urn__row_cursor cursor = urn__row_cursor_at(&stream, -1);
    for (int64_t row = 0; row < 50; row++) {
        urn_rng walked, jumped;
        urn__row_cursor_next(&cursor, &walked);
        urn__rng_at_row(&jumped, &stream, row);
        assert_true(walked.pcg.state == jumped.pcg.state && walked.pcg.inc == jumped.pcg.inc);
        assert_ptr_equal(walked.gsl.state, &walked.pcg);
        assert_ptr_equal(walked.gsl.type, urn__pcg64_gsl_type());
        urn__pcg64 by_hand = stream.base;
        urn__pcg64_advance(&by_hand, (urn__u128)row << 20);
        assert_true(by_hand.state == jumped.pcg.state);
        urn_rng_normal(&walked); /* drawing from a row does not move the cursor */
    }
}

static void uniforms_of_rows_are_those_of_the_cursor(void **state)
{
    (void)state;
    const urn__stream stream = urn__stream_at(42, 3, "V", 7);
    for (int64_t first = 0; first < 40; first += 13) {
        double u[20], v[20];
        urn__row_cursor cursor = urn__row_cursor_at(&stream, first);
        urn__row_uniforms(&stream, first, 20, u, v);
        for (int i = 0; i < 20; i++) {
            urn_rng rng;
            urn__row_cursor_next(&cursor, &rng);
            assert_true(u[i] == urn_rng_uniform(&rng));
            assert_true(v[i] == urn_rng_uniform(&rng));
        }
    }
}

/* ---- streams ---- */

typedef struct fingerprint {
    uint64_t word[6];
} fingerprint;

static fingerprint fingerprint_of(uint64_t seed, uint64_t chain, const char *site, uint64_t step)
{
    const urn__stream s = urn__stream_at(seed, chain, site, step);
    assert_true(s.base.inc & 1);
    return (fingerprint){{(uint64_t)(s.base.state >> 64), (uint64_t)s.base.state,
                          (uint64_t)(s.base.inc >> 64), (uint64_t)s.base.inc, s.key, s.key2}};
}

static void streams_have_the_address_and_nothing_else(void **state)
{
    (void)state;
    const fingerprint one = fingerprint_of(1, 0, "U", 5), again = fingerprint_of(1, 0, "U", 5);
    assert_memory_equal(&one, &again, sizeof one);
    const fingerprint others[] = {
        fingerprint_of(2, 0, "U", 5),  fingerprint_of(1, 1, "U", 5), fingerprint_of(1, 0, "V", 5),
        fingerprint_of(1, 0, "U", 6),  fingerprint_of(0, 1, "U", 5), fingerprint_of(5, 0, "U", 1),
        fingerprint_of(1, 0, "UU", 5), fingerprint_of(1, 0, "", 5),
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        for (size_t w = 0; w < 6; w++)
            assert_int_not_equal(one.word[w], others[i].word[w]);
}

static int compare_u64(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* 163,840 addresses of small numbers; by chance alone 64-bit words meet with probability 1e-9.
 * Every word on its own must be free of collisions, and so are the streams. */
static void no_two_streams_collide(void **state)
{
    (void)state;
    static const char *const sites[] = {"U", "V", "u", "U1", "U.1", "loc_u", "obs_scale", "R"};
    enum { SEEDS = 16, CHAINS = 8, STEPS = 160, SITES = 8, N = SEEDS * CHAINS * STEPS * SITES };
    fingerprint *prints = malloc(N * sizeof *prints);
    uint64_t *column = malloc(N * sizeof *column);
    size_t n = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (uint64_t chain = 0; chain < CHAINS; chain++)
            for (uint64_t step = 0; step < STEPS; step++)
                for (size_t site = 0; site < SITES; site++)
                    prints[n++] = fingerprint_of(seed, chain, sites[site], step);
    for (size_t w = 0; w < 6; w++) {
        for (size_t i = 0; i < n; i++)
            column[i] = prints[i].word[w];
        qsort(column, n, sizeof *column, compare_u64);
        for (size_t i = 1; i < n; i++)
            assert_int_not_equal(column[i], column[i - 1]);
    }
    free(column);
    free(prints);
}

/* First outputs of neighbouring addresses are uncorrelated: the streams are not shifts of each
 * other. */
static void neighbouring_streams_are_uncorrelated(void **state)
{
    (void)state;
    enum { N = 20000 };
    double sum_step = 0, sum_chain = 0, sum_row = 0;
    for (uint64_t i = 0; i < N; i++) {
        const urn__stream a = urn__stream_at(3, 0, "z", i), b = urn__stream_at(3, 0, "z", i + 1),
                          c = urn__stream_at(3, 1, "z", i);
        urn_rng of_a, of_b, of_c, next_row;
        urn__rng_at_row(&of_a, &a, 0);
        urn__rng_at_row(&of_b, &b, 0);
        urn__rng_at_row(&of_c, &c, 0);
        urn__rng_at_row(&next_row, &a, 1);
        const double x = urn_rng_normal(&of_a);
        sum_step += x * urn_rng_normal(&of_b);
        sum_chain += x * urn_rng_normal(&of_c);
        sum_row += x * urn_rng_normal(&next_row);
    }
    const double bound = 4.5 * sqrt(N);
    assert_true(fabs(sum_step) < bound);
    assert_true(fabs(sum_chain) < bound);
    assert_true(fabs(sum_row) < bound);
}

/* ---- distributions ---- */

static int compare_double(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov-Smirnov distance of n probabilities from uniform, times sqrt(n). */
static double ks_statistic(double *p, size_t n)
{
    qsort(p, n, sizeof *p, compare_double);
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, p[i] - (double)i / (double)n);
        most = fmax(most, (double)(i + 1) / (double)n - p[i]);
    }
    return most * sqrt((double)n);
}

/* P(statistic > 1.95) = 0.001; seeds are fixed, so a right generator passes for good. */
static void uniforms_and_normals_have_their_distribution(void **state)
{
    (void)state;
    enum { N = 200000 };
    double *p = malloc(N * sizeof *p);
    const urn__stream stream = urn__stream_at(11, 0, "x", 0);
    urn_rng rng;
    urn__rng_at_row(&rng, &stream, 0);
    for (size_t i = 0; i < N; i++) {
        p[i] = urn_rng_uniform(&rng);
        assert_true(p[i] > 0 && p[i] < 1);
    }
    assert_true(ks_statistic(p, N) < 1.95);
    double fourth = 0;
    for (size_t i = 0; i < N; i++) {
        const double z = urn_rng_normal(&rng);
        fourth += z * z * z * z;
        p[i] = gsl_cdf_ugaussian_P(z);
    }
    assert_true(ks_statistic(p, N) < 1.95);
    assert_true(fabs(fourth / N - 3) < 5 * sqrt(96.0 / N)); /* var z^4 = 105 - 9 */
    for (size_t i = 0; i < N; i++)                          /* the first draw of each row, too */
    {
        urn__rng_at_row(&rng, &stream, (int64_t)i);
        p[i] = gsl_cdf_ugaussian_P(urn_rng_normal(&rng));
    }
    assert_true(ks_statistic(p, N) < 1.95);
    urn__rng_at_row(&rng, &stream, 5);
    for (size_t i = 0; i < N; i++)
        p[i] = gsl_cdf_gamma_P(gsl_ran_gamma(urn_rng_gsl(&rng), 2.5, 3.0), 2.5, 3.0);
    assert_true(ks_statistic(p, N) < 1.95);
    free(p);
}

static void a_normal_takes_two_outputs(void **state)
{
    (void)state;
    const urn__stream stream = urn__stream_at(1, 1, "x", 1);
    urn_rng rng, other;
    urn__rng_at_row(&rng, &stream, 0);
    other = rng;
    for (int i = 0; i < 100; i++)
        urn_rng_normal(&rng);
    urn__pcg64_advance(&other.pcg, 200);
    assert_true(rng.pcg.state == other.pcg.state);
}

/* The states whose outputs are all zeros and all ones: neither end is reached, and normals are
 * finite. */
static void the_ends_are_never_reached(void **state)
{
    (void)state;
    urn_rng rng = {.pcg = {.state = 0, .inc = 1}};
    /* next state 0 gives output 0: state = -inc / mult, found by stepping back one output from 0 */
    urn__pcg64_advance(&rng.pcg, -(urn__u128)1);
    urn_rng again = rng;
    const double lowest = urn_rng_uniform(&rng);
    assert_true(lowest == 0x1p-53);
    assert_true(isfinite(urn_rng_normal(&again)));
    /* a state of high half ~0 and low half 0 folds to all ones, whatever the turn */
    urn_rng high = {.pcg = {.state = (urn__u128)UINT64_MAX << 64, .inc = 1}};
    urn__pcg64_advance(&high.pcg, -(urn__u128)1);
    assert_true(urn_rng_uniform(&high) == 1 - 0x1p-53);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_are_those_of_numpy),
        cmocka_unit_test(advance_is_that_many_outputs),
        cmocka_unit_test(a_jump_is_an_advance),
        cmocka_unit_test(gsl_sees_a_generator),
        cmocka_unit_test(the_gsl_view_shares_the_state),
        cmocka_unit_test(the_cursor_visits_the_rows),
        cmocka_unit_test(uniforms_of_rows_are_those_of_the_cursor),
        cmocka_unit_test(streams_have_the_address_and_nothing_else),
        cmocka_unit_test(no_two_streams_collide),
        cmocka_unit_test(neighbouring_streams_are_uncorrelated),
        cmocka_unit_test(uniforms_and_normals_have_their_distribution),
        cmocka_unit_test(a_normal_takes_two_outputs),
        cmocka_unit_test(the_ends_are_never_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
