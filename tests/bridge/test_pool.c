/* Bridges inside the program: many threads on one, what a bridge refuses, what it leaves behind. */
#include "tests/base/check.h"
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <urn/bridge.h>
#include <urn/urn.h>

static void pair(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "N");
    urn_var mu = urn_sample(m, "mu", normal, .loc = urn_real(m, 0.0), .scale = urn_real(m, 1.0));
    urn_var sd = urn_sample(m, "sd", half_normal, .scale = urn_real(m, 2.0));
    urn_record(m, "twice", urn_scaled(mu, 2.0));
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = mu, .scale = sd,
                .plate = rows);
}
URN_MODEL(pair, "a location and a scale");

static void ordered_pair(urn_model *m)
{
    urn_var low = urn_sample(m, "low", half_normal, .scale = urn_real(m, 1.0));
    urn_sample(m, "high", uniform, .low = low, .high = urn_real(m, 10.0));
}
URN_MODEL(ordered_pair, "a bound that is a site");

static void point(urn_model *m)
{
    urn_factor(m, "f", urn_neg(urn_square(urn_param(m, "p", 0.0, 0, (urn_plate){0}))));
}
URN_MODEL(point, "a parameter without a distribution");

static void empty(urn_model *m)
{
    urn_observe(m, "y", normal, .value = urn_real(m, 1.0), .loc = urn_real(m, 0.0),
                .scale = urn_real(m, 1.0));
}
URN_MODEL(empty, "nothing to sample");

static const char *const data = "{\"N\": 3, \"y\": [0.5, 1.5, -1]}";

static urn_bridge *open_bridge(const urn_model_def *def, const char *text)
{
    urn_error error;
    urn_bridge *bridge;
    if (urn_bridge_new(def, text, NULL, 0, &bridge, &error) != URN_OK)
        fail_msg("%s", error.message);
    return bridge;
}

/* ---- threads ---- */

enum { THREADS = 4, PLACES = 60, NUMBERS = 13 };

typedef struct worker {
    const urn_bridge *bridge;
    double result[PLACES][NUMBERS];
} worker;

static void *work(void *of)
{
    worker *w = of;
    for (int i = 0; i < PLACES; i++) {
        const double position[2] = {0.1 * i - 1.0, 0.02 * i}, vector[2] = {1.0, -1.0};
        double *r = w->result[i];
        urn_bridge_density(w->bridge, i % 2, position, r, r + 1, NULL);
        urn_bridge_constrain(w->bridge, true, position, r + 3, NULL);
        urn_bridge_unconstrain(w->bridge, r + 3, r + 6, NULL);
        urn_bridge_hessian_product(w->bridge, true, position, vector, r + 8, r + 9, NULL);
        urn_bridge_start(w->bridge, "{\"sd\": 1.5}", 7, (uint64_t)i, 1.0, 3, true, r + 11, NULL);
    }
    return NULL;
}

static void threads_share_a_bridge(void **state)
{
    (void)state;
    urn_bridge *bridge = open_bridge(urn_model_pair(), data);
    worker *workers = calloc(THREADS + 1, sizeof *workers);
    pthread_t thread[THREADS];
    assert_non_null(workers);
    for (int t = 0; t <= THREADS; t++)
        workers[t].bridge = bridge;
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&thread[t], NULL, work, &workers[t]), 0);
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_join(thread[t], NULL), 0);
    work(&workers[THREADS]);
    for (int t = 0; t < THREADS; t++)
        assert_memory_equal(workers[t].result, workers[THREADS].result, sizeof workers[t].result);
    const double *r = workers[0].result[20]; /* position (1, 0.4) */
    assert_true(r[3] == 1.0 && fabs(r[4] - exp(0.4)) < 1e-15 && r[5] == 2.0);
    assert_true(r[6] == 1.0 && fabs(r[7] - 0.4) < 1e-15);
    assert_true(fabs(r[11]) < 1.0 && r[12] == log(1.5));
    free(workers);
    urn_bridge_free(bridge);
}

/* ---- refusals ---- */

static void expect_refusal(const urn_model_def *def, const char *text, urn_status status,
                           const char *site, const char *message)
{
    urn_error error = {0};
    urn_bridge *bridge;
    assert_int_equal(urn_bridge_new(def, text, NULL, 0, &bridge, &error), status);
    assert_null(bridge);
    assert_string_equal(error.site, site);
    if (strstr(error.message, message) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", message, error.message);
}

static void what_cannot_be_sampled(void **state)
{
    (void)state;
    expect_refusal(urn_model_point(), NULL, URN_ERR_MODEL, "p",
                   "it is a parameter without a distribution");
    expect_refusal(urn_model_empty(), "", URN_ERR_MODEL, "", "there is nothing to sample");
    expect_refusal(urn_model_pair(), "{\"N\": 3", URN_ERR_DATA, "", "this is not JSON");
    expect_refusal(urn_model_pair(), "[1]", URN_ERR_DATA, "", "expected one JSON object");
    expect_refusal(urn_model_pair(), "1", URN_ERR_IO, "", "cannot read this file"); /* a path */
    urn_bridge_free(NULL);
}

static void bounds_that_are_sites(void **state)
{
    (void)state;
    urn_bridge *bridge = open_bridge(urn_model_ordered_pair(), NULL);
    const double values[2] = {1.0, 2.0};
    double position[2] = {0.25, -0.5}, there[2];
    urn_error error;
    assert_int_equal(urn_bridge_constrain(bridge, false, position, there, &error), URN_OK);
    assert_true(there[0] == exp(0.25) && there[1] > there[0] && there[1] < 10.0);
    assert_int_equal(urn_bridge_unconstrain(bridge, values, position, &error), URN_OK);
    assert_true(position[0] == 0.0 && fabs(position[1] - log(1.0 / 8.0)) < 1e-14);
    assert_int_equal(
        urn_bridge_unconstrain_json(bridge, "{\"high\": 2, \"low\": 1}", there, &error), URN_OK);
    assert_memory_equal(there, position, sizeof there);
    assert_int_equal(
        urn_bridge_start(bridge, "{\"high\": 9}", 3, 0, 1.0, 1, true, position, &error), URN_OK);
    assert_int_equal(urn_bridge_constrain(bridge, false, position, there, &error), URN_OK);
    assert_true(fabs(there[1] - 9.0) < 1e-13 && there[0] > exp(-1.0) && there[0] < exp(1.0));
    assert_int_equal(
        urn_bridge_unconstrain_json(bridge, "{\"high\": 2, \"low\": 3}", there, &error),
        URN_ERR_DATA);
    assert_string_equal(error.site, "high");
    assert_non_null(strstr(error.message, "outside the support"));
    urn_bridge_free(bridge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_a_bridge),
        cmocka_unit_test(what_cannot_be_sampled),
        cmocka_unit_test(bounds_that_are_sites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
