/* What the tests of kernels share: the CPU paths of this machine, numbers to feed them, distances.
 */
#ifndef URN_TESTS_TENSOR_PATHS_H
#define URN_TESTS_TENSOR_PATHS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/tensor/tensor.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Runs `check` on every path the machine has, and says on which. */
static inline void on_each_path(void (*check)(const urn__kernels *kernels))
{
    static const char *const names[] = {"base", "v3", "v4"};
    int n = 0;
    for (int i = 0; i < 3; i++) {
        const urn__kernels *kernels;
        if (urn__kernels_select(names[i], &kernels, NULL) != URN_OK) {
            print_message("no path %s here\n", names[i]);
            continue;
        }
        check(kernels);
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

static inline double *test_array(uint64_t *state, int64_t n, double low, double high)
{
    double *x = malloc((size_t)(n > 0 ? n : 1) * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < n; i++)
        x[i] = test_uniform(state, low, high);
    return x;
}

static inline void assert_same_bits(int64_t n, const double *a, const double *b)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t u, v;
        memcpy(&u, a + i, sizeof u);
        memcpy(&v, b + i, sizeof v);
        if (u != v)
            fail_msg("element %lld: %.17g and %.17g differ", (long long)i, a[i], b[i]);
    }
}

/* |value - expected| <= bound * max(floor, |expected|) */
static inline void assert_close(double value, double expected, double bound, double floor)
{
    if (!(fabs(value - expected) <= bound * fmax(floor, fabs(expected))))
        fail_msg("%.17g, expected %.17g (off by %.3g)", value, expected, fabs(value - expected));
}

#endif
