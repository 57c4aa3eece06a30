/* What the tests of kernels share: the CPU paths of this machine, numbers to feed them, distances.
 * Tests are compiled once per precision, as the kernels are (see runtime/tensor/real.h). */
#ifndef URN_TESTS_TENSOR_PATHS_H
#define URN_TESTS_TENSOR_PATHS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/tensor/real.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#ifdef URN_SINGLE
#define EPSILON 0x1p-23 /* from 1 to the next number */
static inline const urn__kernels_real *kernels_in_real(const urn__kernels *kernels)
{
    return urn__kernels_in_single(kernels);
}
#else
#define EPSILON 0x1p-52
static inline const urn__kernels_real *kernels_in_real(const urn__kernels *kernels)
{
    return kernels;
}
#endif
/* The most a rounding to the nearest changes a number, relative to it. */
#define ROUNDING (EPSILON / 2)
/* Written where nothing may be written. */
#define UNTOUCHED ((urn__real)12345)

/* Runs `check` on every path the machine has, and says on which. */
static inline void on_each_path(void (*check)(const urn__kernels_real *kernels))
{
    static const char *const names[] = {"base", "v3", "v4"};
    int n = 0;
    for (int i = 0; i < 3; i++) {
        const urn__kernels *kernels;
        if (urn__kernels_select(names[i], &kernels, NULL) != URN_OK) {
            print_message("no path %s here\n", names[i]);
            continue;
        }
        assert_string_equal(kernels_in_real(kernels)->name, names[i]);
        check(kernels_in_real(kernels));
        n++;
    }
    assert_true(n >= 1);
}

/* A small generator of the tests' own (splitmix64). */
static inline uint64_t test_word(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Uniform in [low, high). */
static inline double test_uniform(uint64_t *state, double low, double high)
{
    return low + (high - low) * ((double)(test_word(state) >> 11) * 0x1p-53);
}

static inline urn__real *test_zeros(int64_t n)
{
    urn__real *x = calloc((size_t)(n > 0 ? n : 1), sizeof *x);
    assert_non_null(x);
    return x;
}

static inline urn__real *test_array(uint64_t *state, int64_t n, double low, double high)
{
    urn__real *x = test_zeros(n);
    for (int64_t i = 0; i < n; i++)
        x[i] = (urn__real)test_uniform(state, low, high);
    return x;
}

static inline void assert_same_bits(int64_t n, const urn__real *a, const urn__real *b)
{
    for (int64_t i = 0; i < n; i++)
        if (memcmp(a + i, b + i, sizeof *a) != 0)
            fail_msg("element %lld: %.17g and %.17g differ", (long long)i, (double)a[i],
                     (double)b[i]);
}

/* |value - expected| <= bound * max(floor, |expected|) */
static inline void assert_close(double value, double expected, double bound, double floor)
{
    if (!(fabs(value - expected) <= bound * fmax(floor, fabs(expected))))
        fail_msg("%.17g, expected %.17g (off by %.3g)", value, expected, fabs(value - expected));
}

/* |value - expected| <= bound */
static inline void assert_within(double value, long double expected, double bound)
{
    if (!(fabsl((long double)value - expected) <= (long double)bound))
        fail_msg("%.17g, expected %.17Lg (off by %.3Lg, bound %.3g)", value, expected,
                 fabsl((long double)value - expected), bound);
}

#endif
