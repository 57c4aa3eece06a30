/* Traced zoo models with data, for tests that go through the whole library. */
#ifndef URN_TESTS_INFERENCE_MODELS_H
#define URN_TESTS_INFERENCE_MODELS_H

#include "tests/inference/check.h"
#include "tests/zoo/zoo.h"

/* Everything a fit needs; `model` is made by trace_rows. */
typedef struct scene {
    urn_dataset *data;
    urn_model *model;
} scene;

static inline void assert_ok(urn_status status, const urn_error *error)
{
    if (status != URN_OK) {
        char text[2048];
        urn_error_format(error, text, sizeof text);
        fail_msg("%s: %s", urn_status_text(status), text);
    }
}

static inline urn_dataset *dataset_in(const char *table, int64_t n, const char *const *names,
                                      const double *const *columns, int n_columns)
{
    urn_error error = {0};
    urn_dataset *data = urn_dataset_new(NULL);
    assert_non_null(data);
    assert_ok(urn_dataset_add_table(data, table, "rows.csv", n, 2, &error), &error);
    for (int k = 0; k < n_columns; k++)
        assert_ok(urn_dataset_add_real(data, table, names[k], columns[k], &error), &error);
    return data;
}

static inline urn_dataset *dataset_of(int64_t n, const char *const *names,
                                      const double *const *columns, int n_columns)
{
    return dataset_in("rows", n, names, columns, n_columns);
}

static inline urn_model *trace_rows(const urn_model_def *def, const urn_dataset *data,
                                    urn_rows rows)
{
    const urn_trace_options options = {.bytes = sizeof options, .data = data, .rows = rows};
    urn_error error = {0};
    urn_model *model;
    assert_ok(urn_model_trace(def, &options, &model, &error), &error);
    return model;
}

/* A model with the column "y" alone. */
static inline scene scene_y(const urn_model_def *def, int64_t n, const double *y)
{
    static const char *const names[] = {"y"};
    const double *const columns[] = {y};
    scene s = {.data = dataset_of(n, names, columns, 1)};
    s.model = trace_rows(def, s.data, URN_ROWS_TRAINING);
    return s;
}

static inline void scene_clear(scene *s)
{
    urn_model_free(s->model);
    urn_dataset_free(s->data);
}

static inline urn_fit *fit_model(urn_model *model, const urn_fit_options *options)
{
    urn_fit *fit;
    urn_error error = {0};
    assert_ok(urn_fit_run(model, options, &fit, &error), &error);
    return fit;
}

static inline int64_t offset_of(const urn_model *model, const char *site)
{
    urn_site_info info;
    const int i = urn_model_site_find(model, site);
    assert_true(i >= 0);
    urn_model_site(model, i, &info);
    return info.offset;
}

/* Every allocation of a fit fails once, on any number of threads. */
static inline void each_allocation_fails(const urn_model_def *def, const char *engine,
                                         const urn_setting *settings, size_t n, int threads)
{
    const double y[3] = {2, 0, 3};
    for (long fail_at = 1;; fail_at++) {
        failing_memory memory;
        scene s = scene_y(def, 3, y);
        failing_memory_init(&memory, fail_at, fail_at % 2 == 0);
        urn_fit_options options = options_for(engine, settings, n, NULL);
        urn_fit *fit = NULL;
        urn_error error = {0};
        options.allocator = &memory.hook;
        options.threads = threads;
        options.draws = 30;
        const urn_status status = urn_fit_run(s.model, &options, &fit, &error);
        const bool all = memory.calls < fail_at;
        if (status != (all ? URN_OK : URN_ERR_MEMORY))
            fail_msg("allocation %ld: %s: %s", fail_at, urn_status_text(status), error.message);
        urn_fit_free(fit);
        assert_int_equal(memory.live, 0);
        scene_clear(&s);
        if (all)
            break;
    }
}

#endif
