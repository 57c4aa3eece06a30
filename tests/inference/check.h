/* What the inference tests share: a target whose posterior is known (independent normals), options
 * to fit it, and records of what the hooks saw. */
#ifndef URN_TESTS_INFERENCE_CHECK_H
#define URN_TESTS_INFERENCE_CHECK_H

#include "inference/driver.h"
#include "tests/base/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LOG_2PI 1.83787706640934548356

/* log p = sum of normal log densities, mean and sd by coordinate, with all constants. */
typedef struct normal_target {
    urn__target target;
    urn__block blocks[3];
    double mean[16384], sd[16384];
    bool batched;     /* adds noise that depends on the address */
    double noise;     /* of the current address */
    int64_t bad_from; /* evaluations from this number on are not finite; 0: none */
    int64_t evaluations;
    bool bad_gradient; /* ... and it is the gradient alone */
} normal_target;

static inline double normal_log_density(void *context, const double *x, double *gradient)
{
    normal_target *t = context;
    double sum = t->noise;
    const bool bad = t->bad_from > 0 && ++t->evaluations >= t->bad_from;
    for (int64_t i = 0; i < t->target.size; i++) {
        const double z = (x[i] - t->mean[i]) / t->sd[i];
        sum -= 0.5 * z * z + log(t->sd[i]) + 0.5 * LOG_2PI;
        if (gradient)
            gradient[i] = -z / t->sd[i];
    }
    if (bad && gradient)
        gradient[t->target.size - 1] = (double)NAN;
    return bad && !t->bad_gradient ? -HUGE_VAL : sum;
}

/* The same in floats, summed in double. */
static inline double normal_log_density_single(void *context, const float *x, float *gradient)
{
    normal_target *t = context;
    double sum = t->noise;
    const bool bad = t->bad_from > 0 && ++t->evaluations >= t->bad_from;
    for (int64_t i = 0; i < t->target.size; i++) {
        const float sd = (float)t->sd[i], z = (x[i] - (float)t->mean[i]) / sd;
        sum -= (double)(0.5f * z * z + logf(sd) + (float)(0.5 * LOG_2PI));
        if (gradient)
            gradient[i] = -z / sd;
    }
    if (bad && gradient)
        gradient[t->target.size - 1] = NAN;
    return bad && !t->bad_gradient ? -HUGE_VAL : sum;
}

static inline urn_status normal_address(void *context, uint64_t seed, uint64_t chain, int64_t step)
{
    normal_target *t = context;
    (void)seed, (void)chain;
    t->noise = t->batched ? (double)(step % 7) : 0.0;
    return URN_OK;
}

static inline urn_status normal_explain(void *context, const double *position, char *text,
                                        size_t size, urn_error *error)
{
    (void)context, (void)position, (void)error;
    snprintf(text, size, "site \"b\" is -inf");
    return URN_OK;
}

/* A copy of a test's target, which stands first in `size` bytes. */
static inline urn_status copy_target(const void *of, size_t size, int threads, urn__target **own,
                                     urn_error *error)
{
    urn__target *copy = malloc(size);
    *own = copy;
    if (!copy)
        return urn__fail_memory(error, "a target", size);
    memcpy(copy, of, size);
    copy->context = copy;
    copy->threads = threads;
    return URN_OK;
}

static inline void free_copy(urn__target *own)
{
    free(own);
}

static inline urn_status normal_fork(void *context, int threads, urn__target **own,
                                     urn_error *error)
{
    return copy_target(context, sizeof(normal_target), threads, own, error);
}

/* Blocks "a" of n elements, "b" of one, "c", a parameter, of one. */
static inline normal_target *normal_target_new(int64_t n, int threads)
{
    normal_target *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->blocks[0] = (urn__block){.name = "a", .where = "x.c:1", .site = -1, .size = n};
    t->blocks[1] = (urn__block){.name = "b", .where = "x.c:2", .site = -1, .offset = n, .size = 1};
    t->blocks[2] = (urn__block){
        .name = "c", .where = "x.c:3", .site = -1, .offset = n + 1, .size = 1, .point = true};
    t->target = (urn__target){.size = n + 2,
                              .observations = 10.0,
                              .n_blocks = 3,
                              .blocks = t->blocks,
                              .threads = threads,
                              .context = t,
                              .log_density = normal_log_density,
                              .log_density_single = normal_log_density_single,
                              .address = normal_address,
                              .explain = normal_explain,
                              .fork = normal_fork,
                              .join = free_copy};
    assert_int_equal(urn__kernels_select(NULL, &t->target.kernels, NULL), URN_OK);
    t->target.kernels_single = urn__kernels_in_single(t->target.kernels);
    for (int64_t i = 0; i < n + 2; i++) {
        t->mean[i] = 3.0 * sin((double)i);
        t->sd[i] = 0.5 + 0.4 * cos((double)i);
    }
    return t;
}

static inline normal_target *normal_target_in(urn_precision precision, int64_t n, int threads)
{
    normal_target *t = normal_target_new(n, threads);
    t->target.precision = precision;
    return t;
}

/* What the hooks saw. */
typedef struct record {
    int64_t rows, progressed, evaluating;
    int64_t stop_at; /* interrupted once this many steps are done; 0: never */
    int64_t stop_evaluating_at;
    double losses[4096], steps[4096];
    double last_smoothed;
    int64_t n_steps;
} record;

static inline void record_row(void *context, int n, const char *const *names, const double *values)
{
    record *r = context;
    if (n == 4) { /* pathfinder: what follows the path's number is looked at */
        assert_string_equal(names[0], "path");
        assert_string_equal(names[3], "elbo");
        names++;
        values++;
    } else {
        assert_int_equal(n, 2);
        assert_string_equal(names[1], "loss");
    }
    assert_string_equal(names[0], "step");
    if (r->rows < 4096) {
        r->steps[r->rows] = values[0];
        r->losses[r->rows] = values[1];
    }
    r->rows++;
}

static inline void record_progress(void *context, const urn_progress *progress)
{
    record *r = context;
    if (strcmp(progress->phase, "steps") == 0) {
        r->progressed = progress->step;
        r->n_steps = progress->n_steps;
        r->last_smoothed = progress->smoothed_loss;
    } else if (strcmp(progress->phase, "paths") == 0) {
        r->progressed++; /* of all paths: there is no order between them */
    } else {
        assert_string_equal(progress->phase, "evaluating");
        r->evaluating = progress->n_chains > 0 ? r->evaluating + 1 : progress->step;
    }
}

static inline bool record_interrupted(void *context)
{
    const record *r = context;
    return (r->stop_at > 0 && r->progressed >= r->stop_at) ||
           (r->stop_evaluating_at > 0 && r->evaluating >= r->stop_evaluating_at);
}

static inline urn_fit_options options_for(const char *engine, const urn_setting *settings, size_t n,
                                          record *r)
{
    const urn_fit_options options = {.bytes = sizeof options,
                                     .engine = urn_engine_find(engine),
                                     .settings = settings,
                                     .n_settings = n,
                                     .seed = 7,
                                     .context = r,
                                     .progress = r ? record_progress : NULL,
                                     .interrupted = r ? record_interrupted : NULL,
                                     .log_row = r ? record_row : NULL};
    assert_non_null(options.engine);
    return options;
}

/* What urn_fit_run does, for a target of the test's own. */
static inline urn_status fit_target(const urn__target *target, const urn_fit_options *options,
                                    urn_fit **fit, urn_error *error)
{
    *fit = NULL;
    urn__arena *arena = urn__arena_new(options->allocator);
    if (!arena)
        return urn__fail_memory(error, "engine options", 1);
    urn__settings settings;
    urn_status status = urn__settings_read(options->engine, options->settings, options->n_settings,
                                           arena, &settings, error);
    if (status == URN_OK)
        status = options->engine->accepts(target, &settings, error);
    if (status == URN_OK)
        status = urn__fit_target(target, options, &settings, fit, error);
    urn__arena_free(arena);
    return status;
}

static inline double number_of(const urn_fit *fit, const char *name)
{
    urn_fit_number number;
    for (int i = 0; urn_fit_number_at(fit, i, &number); i++)
        if (strcmp(number.name, name) == 0)
            return number.value;
    return (double)NAN;
}

static inline bool warns_of(const urn_fit *fit, const char *words)
{
    const char *text;
    for (int i = 0; (text = urn_fit_warning_at(fit, i)) != NULL; i++)
        if (strstr(text, words))
            return true;
    return false;
}

static inline void assert_close(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("found %.17g, expected %.17g within %g", found, expected, tolerance);
}

#define N_OF(array) (sizeof(array) / sizeof(array)[0])

#endif
