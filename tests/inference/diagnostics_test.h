/* What the tests of diagnostics share: made chains, and ArviZ's figures. */
#ifndef URN_TESTS_INFERENCE_DIAGNOSTICS_TEST_H
#define URN_TESTS_INFERENCE_DIAGNOSTICS_TEST_H

#include "tests/inference/check.h"

#include "inference/diagnostics/chains.h"
#include "runtime/base/rng.h"

#include <gsl/gsl_randist.h>
#include <jansson.h>

static inline urn__chains *chains_of(int64_t m, int64_t n, const double *x)
{
    urn__chains *chains;
    assert_int_equal(urn__chains_new(NULL, m, n, &chains, NULL), URN_OK);
    if (x)
        urn__chains_read(chains, x, n, 1);
    return chains;
}

/* Stationary AR(1) chains with standard normal margins. */
static inline void fill_ar1(double phi, int64_t m, int64_t n, uint64_t seed, double *x)
{
    for (int64_t c = 0; c < m; c++) {
        const urn__stream stream = urn__stream_at(seed, (uint64_t)c, "ar1", 0);
        urn_rng rng;
        urn__rng_at_row(&rng, &stream, 0);
        for (int64_t d = 0; d < n; d++) {
            const double z = gsl_ran_ugaussian(urn_rng_gsl(&rng));
            x[c * n + d] = d == 0 ? z : phi * x[c * n + d - 1] + sqrt(1.0 - phi * phi) * z;
        }
    }
}

static inline double *room_for(int64_t n)
{
    double *x = calloc((size_t)n, sizeof *x);
    assert_non_null(x);
    return x;
}

/* The file of ArviZ's figures; skips aloud where it is not there. */
static inline json_t *open_fixture(void)
{
    char path[1024];
    const char *shared = getenv("URN_SHARED");
    snprintf(path, sizeof path, "%s/fixtures/diagnostics.json", shared ? shared : "../shared");
    json_error_t why;
    json_t *root = json_load_file(path, 0, &why);
    if (!root) {
        print_message("skipped: no %s\n", path);
        skip();
    }
    return root;
}

static inline double number_in(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_non_null(value);
    return json_is_null(value) ? (double)NAN : json_number_value(value);
}

/* Null stands for NaN. An error of a part in a million, or rounding where the figure is 0. */
static inline void check_figure(const char *set, const char *what, double found, double expected)
{
    if (isnan(found) && isnan(expected))
        return;
    if (!(fabs(found - expected) <= 1e-6 * fabs(expected) + 1e-14))
        fail_msg("%s, %s: %.15g, ArviZ has %.15g", set, what, found, expected);
}

/* [chain][draw] numbers, in an array that is the caller's to free. */
static inline double *read_chains(const json_t *draws, int64_t *m, int64_t *n)
{
    *m = (int64_t)json_array_size(draws);
    *n = (int64_t)json_array_size(json_array_get(draws, 0));
    double *x = room_for(*m * *n);
    for (int64_t i = 0; i < *m * *n; i++) {
        const json_t *chain = json_array_get(draws, (size_t)(i / *n));
        const json_t *value = json_array_get(chain, (size_t)(i % *n));
        x[i] = json_is_null(value) ? (double)NAN : json_number_value(value);
    }
    return x;
}

#endif
