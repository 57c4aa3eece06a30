/* Bulk normals: the generator against a plain transcription of its definition, its extremes, cuts
 * of a range, and the statistics of one stream, of many, and between them (in double: the float
 * normals are the same ones, rounded, which the definition tells). */
#include "tests/tensor/paths.h"

#include <gsl/gsl_cdf.h>

/* One output after another, as in the definition of PCG RXS-M-XS 64/64. */
static uint64_t next_output(uint64_t *state, uint64_t increment)
{
    const uint64_t s = *state;
    *state = s * UINT64_C(6364136223846793005) + increment;
    const uint64_t word = ((s >> ((s >> 59) + 5)) ^ s) * UINT64_C(12605985483714917081);
    return (word >> 43) ^ word;
}

static long double unit(uint64_t word)
{
    return (long double)(word >> 12) * 0x1p-52L;
}

/* Sine of `turns` turns, without the error of a large angle. */
static long double sine_of(long double turns)
{
    const long double half_turns = 2.0L * turns, nearest = rintl(half_turns);
    const long double s = sinl(3.141592653589793238462643383279502884L * (half_turns - nearest));
    return fmodl(nearest, 2.0L) == 0.0L ? s : -s;
}

/* Each normal is off by at most 12 roundings of itself: 6 of the radius (the logarithm's 10 are
 * halved by the root), 5 of the sine or cosine, one of their product. */
static void assert_pair(urn__real first, urn__real second, uint64_t word, uint64_t other)
{
    const long double radius = sqrtl(-2.0L * log1pl(-unit(word)));
    const long double x = radius * sine_of(unit(other) + 0.25L), y = radius * sine_of(unit(other));
    assert_within((double)first, x, 12.0 * ROUNDING * fabs((double)x));
    assert_within((double)second, y, 12.0 * ROUNDING * fabs((double)y));
}

static void check_definition(const urn__kernels_real *kernels)
{
    enum { BLOCKS = 2000, N = BLOCKS * URN__NORMAL_BLOCK };
    const urn__stream stream = urn__stream_at(1, 2, "site", 3);
    urn__real *z = test_zeros(N);
    kernels->normals(&stream, 0, N, z);
    uint64_t state = stream.key;
    for (int b = 0; b < BLOCKS; b++) {
        uint64_t words[URN__NORMAL_BLOCK];
        for (int i = 0; i < URN__NORMAL_BLOCK; i++)
            words[i] = next_output(&state, stream.key2 | 1);
        const urn__real *block = z + b * URN__NORMAL_BLOCK;
        for (int k = 0; k < 256; k++)
            assert_pair(block[k], block[256 + k], words[k], words[256 + k]);
    }
    free(z);
}

static void is_the_generator_it_says(void **state)
{
    (void)state;
    on_each_path(check_definition);
}

/* 1 / odd modulo 2^64, by Newton's iteration. */
static uint64_t inverse(uint64_t odd)
{
    uint64_t x = odd;
    for (int i = 0; i < 6; i++)
        x *= 2 - odd * x;
    return x;
}

/* The state whose output is `word`: each step of the output function is a bijection. */
static uint64_t state_of(uint64_t word)
{
    word ^= word >> 43;
    word *= inverse(UINT64_C(12605985483714917081));
    const int shift = (int)(word >> 59) + 5; /* the top bits are the state's own */
    uint64_t s = word;
    for (int known = shift; known < 64; known += shift)
        s = word ^ (s >> shift);
    return s;
}

/* A stream whose word number `at` is `word`. */
static urn__stream stream_with(uint64_t word, int at)
{
    urn__stream stream = {.key = state_of(word), .key2 = 77};
    for (int i = 0; i < at; i++)
        stream.key = (stream.key - 77) * inverse(UINT64_C(6364136223846793005));
    return stream;
}

/* The shortest and longest radii, and angles next to whole quarters of a turn. */
static void check_extremes(const urn__kernels_real *kernels)
{
    static const uint64_t units[] = {0,
                                     1,
                                     2,
                                     UINT64_C(0x0fffffffffffff),
                                     UINT64_C(0x0ffffffffffffe),
                                     UINT64_C(0x08000000000000),
                                     UINT64_C(0x08000000000001),
                                     UINT64_C(0x07ffffffffffff),
                                     UINT64_C(0x04000000000001),
                                     UINT64_C(0x03ffffffffffff),
                                     UINT64_C(0x02000000000000),
                                     UINT64_C(0x0c000000000001),
                                     UINT64_C(0x04afb0ccc06219),
                                     UINT64_C(0x04afb0ccc0621a)}; /* 1 - sqrt(1/2) */
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        for (int at = 0; at <= 256; at += 256) {
            const urn__stream stream = stream_with(units[i] << 12 | 5, at);
            urn__real z[URN__NORMAL_BLOCK];
            kernels->normals(&stream, 0, URN__NORMAL_BLOCK, z);
            uint64_t state = stream.key, words[257];
            for (int k = 0; k <= 256; k++)
                words[k] = next_output(&state, stream.key2);
            assert_true(words[at] >> 12 == units[i]);
            assert_pair(z[0], z[256], words[0], words[256]);
        }
    }
}

static void extremes(void **state)
{
    (void)state;
    on_each_path(check_extremes);
}

static void check_cuts(const urn__kernels_real *kernels)
{
    enum { BLOCK = URN__NORMAL_BLOCK, N = 7 * BLOCK + 100 };
    const int64_t first = (int64_t)BLOCK * INT64_C(123456789012);
    const urn__stream stream = urn__stream_at(7, 0, "U", 9);
    urn__real whole[N], part[N + 1];
    kernels->normals(&stream, first, N, whole);
    static const int64_t sizes[] = {0, 1, 2, 255, 256, 257, 511, 512, 513, 1024, 2000};
    for (int b = 0; b < 3; b++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            const int64_t n = sizes[s];
            part[n] = UNTOUCHED;
            kernels->normals(&stream, first + b * BLOCK, n, part);
            assert_same_bits(n, part, whole + b * BLOCK);
            assert_true(part[n] == UNTOUCHED);
        }
    }
}

static void cuts_do_not_matter(void **state)
{
    (void)state;
    on_each_path(check_cuts);
}

#ifndef URN_SINGLE

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov's distance times sqrt(n); sorts z. 1.95 is passed with probability .999.
 */
static double distance_from_normal(int64_t n, double *z)
{
    qsort(z, (size_t)n, sizeof *z, by_value);
    double worst = 0.0;
    for (int64_t i = 0; i < n; i++) {
        const double p = gsl_cdf_ugaussian_P(z[i]);
        worst = fmax(worst, fmax(p - (double)i / (double)n, (double)(i + 1) / (double)n - p));
    }
    return worst * sqrt((double)n);
}

/* Mean of x^power within 4.5 of its standard errors. */
static void assert_moment(int64_t n, const double *z, int power, double mean, double sd)
{
    long double sum = 0.0L;
    for (int64_t i = 0; i < n; i++)
        sum += (long double)pow(z[i], power);
    const double off = ((double)(sum / (long double)n) - mean) / (sd / sqrt((double)n));
    if (!(fabs(off) < 4.5))
        fail_msg("moment %d is %.2f standard errors off", power, off);
}

static void check_distribution(const urn__kernels_real *kernels)
{
    enum { N = 1 << 20 };
    double *z = malloc(N * sizeof *z);
    assert_non_null(z);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        const urn__stream stream = urn__stream_at(seed, 0, "V", 0);
        kernels->normals(&stream, 0, N, z);
        assert_moment(N, z, 1, 0.0, 1.0);
        assert_moment(N, z, 2, 1.0, sqrt(2.0));
        assert_moment(N, z, 3, 0.0, sqrt(15.0));
        assert_moment(N, z, 4, 3.0, sqrt(96.0));
        assert_moment(N, z, 6, 15.0, sqrt(10395.0 - 225.0));
        int64_t beyond = 0;
        for (int64_t i = 0; i < N; i++)
            beyond += fabs(z[i]) > 4.0;
        const double expected = N * 2.0 * gsl_cdf_ugaussian_Q(4.0); /* 66 */
        assert_close((double)beyond, expected, 4.5 / sqrt(expected), 0.0);
        assert_true(distance_from_normal(N, z) < 1.95);
    }
    free(z);
}

static void is_standard_normal(void **state)
{
    (void)state;
    on_each_path(check_distribution);
}

/* Correlation of x and y, and of their squares, in standard errors. */
static void assert_uncorrelated(int64_t n, const double *x, const double *y, const char *what,
                                int64_t which)
{
    double plain = 0.0, squares = 0.0;
    for (int64_t i = 0; i < n; i++) {
        plain += x[i] * y[i];
        squares += (x[i] * x[i] - 1.0) * (y[i] * y[i] - 1.0);
    }
    plain /= sqrt((double)n);
    squares /= 2.0 * sqrt((double)n);
    if (!(fabs(plain) < 4.8 && fabs(squares) < 4.8))
        fail_msg("%s %lld: correlated by %.2f and (squares) %.2f standard errors", what,
                 (long long)which, plain, squares);
}

static void check_lags(const urn__kernels_real *kernels)
{
    enum { N = 1 << 18, LONGEST = 4096 };
    static const int64_t lags[] = {1,  2,   3,   4,   7,   8,   9,    16,  31,
                                   64, 128, 255, 256, 257, 512, 1024, 4096};
    const urn__stream stream = urn__stream_at(5, 0, "U", 1);
    double *z = malloc((N + LONGEST) * sizeof *z);
    assert_non_null(z);
    kernels->normals(&stream, 0, N + LONGEST, z);
    for (size_t l = 0; l < sizeof lags / sizeof *lags; l++)
        assert_uncorrelated(N, z, z + lags[l], "lag", lags[l]);
    free(z);
}

static void a_stream_is_independent_within(void **state)
{
    (void)state;
    on_each_path(check_lags);
}

static void check_streams(const urn__kernels_real *kernels)
{
    enum { N = 1 << 14, STREAMS = 60 };
    double *z = malloc((size_t)STREAMS * N * sizeof *z);
    assert_non_null(z);
    for (int s = 0; s < STREAMS; s++) { /* neighbours in step, chain, seed and site */
        const urn__stream stream = urn__stream_at(1 + (uint64_t)(s % 2), (uint64_t)(s / 2 % 2),
                                                  s / 4 % 2 ? "U" : "V", (uint64_t)(s / 8));
        kernels->normals(&stream, 0, N, z + (int64_t)s * N);
    }
    for (int s = 0; s < STREAMS; s++)
        for (int t = 0; t < s; t++)
            assert_uncorrelated(N, z + (int64_t)s * N, z + (int64_t)t * N, "streams", s * 100 + t);
    free(z);
}

static void streams_are_independent(void **state)
{
    (void)state;
    on_each_path(check_streams);
}

/* What a small site sees: the first numbers of one stream a step. */
static void check_firsts(const urn__kernels_real *kernels)
{
    enum { STEPS = 40000 };
    double *z[3];
    for (int k = 0; k < 3; k++) {
        z[k] = malloc(STEPS * sizeof *z[k]);
        assert_non_null(z[k]);
    }
    for (int64_t step = 0; step < STEPS; step++) {
        const urn__stream stream = urn__stream_at(3, 0, "loc_u", (uint64_t)step);
        double first[3];
        kernels->normals(&stream, 0, 3, first);
        for (int k = 0; k < 3; k++)
            z[k][step] = first[k];
    }
    assert_uncorrelated(STEPS, z[0], z[1], "first and second", 0);
    assert_uncorrelated(STEPS, z[0], z[2], "first and third", 0);
    assert_uncorrelated(STEPS - 1, z[0], z[0] + 1, "first of the next step", 0);
    for (int k = 0; k < 3; k++) {
        assert_moment(STEPS, z[k], 1, 0.0, 1.0);
        assert_moment(STEPS, z[k], 2, 1.0, sqrt(2.0));
        assert_true(distance_from_normal(STEPS, z[k]) < 1.95);
        free(z[k]);
    }
}

static void first_numbers_of_streams(void **state)
{
    (void)state;
    on_each_path(check_firsts);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_generator_it_says),
        cmocka_unit_test(extremes),
        cmocka_unit_test(cuts_do_not_matter),
#ifndef URN_SINGLE
        cmocka_unit_test(is_standard_normal),
        cmocka_unit_test(a_stream_is_independent_within),
        cmocka_unit_test(streams_are_independent),
        cmocka_unit_test(first_numbers_of_streams),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
