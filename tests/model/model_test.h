/* What the model tests share: small datasets, traces that must work or must fail in one way, and
 * the replays of a program. */
#ifndef URN_TESTS_MODEL_MODEL_TEST_H
#define URN_TESTS_MODEL_MODEL_TEST_H

#include "runtime/tensor/tensor.h"
#include "tests/base/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <urn/urn.h>

#define N_OF(array) (sizeof(array) / sizeof(array)[0])

/* The definition of a model function of this file. */
#define DEF(function)                                                                              \
    (&(const urn_model_def){.bytes = sizeof(urn_model_def),                                        \
                            .abi = URN_ABI_VERSION,                                                \
                            .name = #function,                                                     \
                            .file = __FILE__,                                                      \
                            .trace = function})

static inline void assert_ok(urn_status status, const urn_error *error)
{
    char text[2048];
    if (status == URN_OK)
        return;
    urn_error_format(error, text, sizeof text);
    fail_msg("%s: %s", urn_status_text(status), text);
}

/* |found - expected| <= tolerance max(1, |expected|); two infinities or NaNs of a kind agree. */
static inline void assert_near(double found, double expected, double tolerance, const char *what)
{
    if (isnan(found) && isnan(expected))
        return;
    if (isinf(expected) && isinf(found) && (found > 0) == (expected > 0))
        return;
    if (!(fabs(found - expected) <= tolerance * fmax(1.0, fabs(expected))))
        fail_msg("%s: found %.17g, expected %.17g within %g", what, found, expected, tolerance);
}

static inline void assert_same_bits(const double *a, const double *b, int64_t n, const char *what)
{
    for (int64_t i = 0; i < n; i++)
        if (memcmp(a + i, b + i, sizeof *a) != 0)
            fail_msg("%s: element %lld is %.17g in one and %.17g in the other", what, (long long)i,
                     a[i], b[i]);
}

/* ---- numbers for tests: a small generator of their own ---- */

typedef struct dice {
    uint64_t state;
} dice;

static inline double dice_uniform(dice *d)
{
    d->state = d->state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(d->state >> 11) + 0.5) * 0x1p-53;
}

static inline double dice_normal(dice *d)
{
    const double r = sqrt(-2.0 * log(dice_uniform(d)));
    return r * cos(6.283185307179586 * dice_uniform(d));
}

static inline int64_t dice_below(dice *d, int64_t n)
{
    return (int64_t)(dice_uniform(d) * (double)n);
}

static inline void dice_normals(dice *d, int64_t n, double scale, double *to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = scale * dice_normal(d);
}

/* ---- data ---- */

/* A dataset with the table "rows" of n rows, from "rows.csv", first row on line 2. */
static inline urn_dataset *rows_new(int64_t n)
{
    urn_error error = {0};
    urn_dataset *data = urn_dataset_new(NULL);
    assert_non_null(data);
    assert_ok(urn_dataset_add_table(data, "rows", "rows.csv", n, 2, &error), &error);
    return data;
}

static inline void rows_real(urn_dataset *data, const char *column, const double *values)
{
    urn_error error = {0};
    assert_ok(urn_dataset_add_real(data, "rows", column, values, &error), &error);
}

static inline void rows_int(urn_dataset *data, const char *column, const int64_t *values)
{
    urn_error error = {0};
    assert_ok(urn_dataset_add_int(data, "rows", column, values, &error), &error);
}

static inline urn_dataset *rows_y(int64_t n, const double *y)
{
    urn_dataset *data = rows_new(n);
    rows_real(data, "y", y);
    return data;
}

/* ---- traces ---- */

static inline urn_trace_options trace_options(const urn_dataset *data)
{
    return (urn_trace_options){.bytes = sizeof(urn_trace_options), .data = data};
}

static inline urn_model *trace_with(const urn_model_def *def, const urn_trace_options *options)
{
    urn_error error = {0};
    urn_model *model = NULL;
    assert_ok(urn_model_trace(def, options, &model, &error), &error);
    assert_non_null(model);
    return model;
}

static inline urn_model *trace_data(const urn_model_def *def, const urn_dataset *data)
{
    const urn_trace_options options = trace_options(data);
    return trace_with(def, &options);
}

static inline int site_of(const urn_model *model, const char *name)
{
    const int site = urn_model_site_find(model, name);
    if (site < 0)
        fail_msg("no site is called %s", name);
    return site;
}

static inline urn_site_info info_of(const urn_model *model, const char *name)
{
    urn_site_info info;
    urn_model_site(model, site_of(model, name), &info);
    return info;
}

/* What a failing trace must say. NULL: not looked at; "" for where: no place. */
typedef struct failure {
    urn_status status;
    const char *message, *hint, *site;
    const char *where; /* exactly, or NULL */
    int line;          /* of this file, give or take the lines of one sentence; 0: see where */
} failure;

static inline void check_line(const urn_error *error, const char *file, int line)
{
    const size_t n = strlen(file);
    if (strncmp(error->where, file, n) != 0 || error->where[n] != ':')
        fail_msg("where is \"%s\"; expected %s:%d", error->where, file, line);
    const int found = atoi(error->where + n + 1);
    if (found < line || found > line + 4)
        fail_msg("the error is said to be on line %d; expected %d to %d", found, line, line + 4);
}

static inline void check_text(const char *what, const char *found, const char *expected)
{
    if (expected != NULL && strcmp(found, expected) != 0)
        fail_msg("%s is\n  \"%s\"\nexpected\n  \"%s\"", what, found, expected);
}

static inline void check_error(const urn_error *error, const char *file, const failure *expected)
{
    check_text("the message", error->message, expected->message);
    check_text("the hint", error->hint, expected->hint);
    check_text("the site", error->site, expected->site);
    check_text("where", error->where, expected->where);
    if (expected->line != 0)
        check_line(error, file, expected->line);
    assert_int_equal(error->status, expected->status);
}

static inline void check_failure(const urn_model_def *def, const urn_trace_options *options,
                                 const failure *expected)
{
    failing_memory memory;
    urn_trace_options counted = *options;
    urn_error error = {0};
    urn_model *model = NULL;
    failing_memory_init(&memory, 0, false);
    counted.allocator = &memory.hook;
    const urn_status status = urn_model_trace(def, &counted, &model, &error);
    assert_null(model);
    assert_int_equal(status, error.status);
    check_error(&error, def->file, expected);
    assert_int_equal(memory.live, 0);
    assert_int_equal(urn_model_trace(def, options, &model, NULL), status);
}

/* ---- programs ---- */

typedef struct machine {
    urn_program *program;
    urn_replay *replay;
} machine;

static inline machine machine_with(const urn_model *model, const urn_compile_options *options,
                                   int threads)
{
    machine m = {0};
    urn_error error = {0};
    assert_ok(urn_program_compile(model, options, &m.program, &error), &error);
    assert_ok(urn_replay_new(m.program, threads, &m.replay, &error), &error);
    return m;
}

static inline machine machine_of(const urn_model *model, urn_program_kind kind)
{
    const urn_compile_options options = {.bytes = sizeof options, .kind = kind};
    return machine_with(model, &options, 1);
}

static inline void machine_clear(machine *m)
{
    urn_replay_free(m->replay);
    urn_program_free(m->program);
    *m = (machine){0};
}

/* CPU paths this machine has. */
static inline int cpu_paths(const char *path[3])
{
    static const char *const all[] = {"base", "v3", "v4"};
    const urn__kernels *kernels;
    int n = 0;
    for (size_t k = 0; k < N_OF(all); k++)
        if (urn__kernels_select(all[k], &kernels, NULL) == URN_OK)
            path[n++] = all[k];
    return n;
}

static inline double *doubles(int64_t n)
{
    double *x = calloc((size_t)n + 1, sizeof *x);
    assert_non_null(x);
    return x;
}

#endif
