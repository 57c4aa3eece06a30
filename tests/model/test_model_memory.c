/* Replays do not allocate; and every allocation of a trace, a compilation, a replay and a message
 * may fail without a crash or a leak. */
#include "tests/model/malloc_watch.h"
#include "tests/model/model_test.h"

enum { N = 9000, GROUPS = 40 };

static double y[N], x1[N], x2[N];
static int64_t group[N];

static urn_dataset *columns(int64_t n)
{
    dice d = {33};
    urn_dataset *data = rows_new(n);
    for (int64_t i = 0; i < n; i++)
        group[i] = i % GROUPS;
    dice_normals(&d, n, 1, y);
    dice_normals(&d, n, 1, x1);
    dice_normals(&d, n, 1, x2);
    rows_real(data, "y", y);
    rows_real(data, "x1", x1);
    rows_real(data, "x2", x2);
    rows_int(data, "group", group);
    return data;
}

/* One sentence of every kind. */
static void broad(urn_model *m)
{
    urn_plate rows = urn_plate_rows(m, "rows"), of = urn_plate_of(m, "group");
    const int64_t dim = urn_option_int(m, "dim", 2, "size of a vector");
    (void)urn_option_choice(m, "kind", "one|two", "does nothing");
    (void)urn_option_real(m, "scale", 1.5, "does nothing");
    urn_plate nest = urn_plate_nest(of, urn_plate_size(m, "k", 3));
    urn_var one = urn_real(m, 1);
    urn_var tau = urn_sample(m, "tau", half_normal, .scale = one);
    urn_var l = urn_sample(m, "L", lkj_cholesky, .size = dim, .concentration = one);
    urn_var a = urn_sample(m, "a", mvn, .loc = urn_zeros(m, dim), .precision_tril = l, .plate = of);
    urn_var b = urn_sample(m, "b", mvn, .loc = urn_zeros(m, dim), .covariance = urn_eye(m, dim, 2),
                           .plate = of);
    urn_sample(m, "c", uniform, .low = urn_real(m, 0), .high = tau, .plate = nest);
    urn_var g = urn_index(rows, "group", of);
    urn_var e = urn_sample(m, "e", normal, .loc = urn_real(m, 0), .scale = tau, .plate = rows);
    urn_var mean = urn_row_dot(urn_gather(a, g), urn_gather(b, g));
    urn_var shift = urn_row_dot(urn_data_columns(rows, "x*"), urn_fill(m, 2, 0.5));
    urn_var loc = urn_record(m, "loc", urn_add(urn_tanh(urn_add(mean, shift)), e));
    urn_factor(m, "f", urn_neg(urn_square(urn_sub(loc, urn_data_mean(rows, "y")))));
    urn_param(m, "p", 0.5, 2, of);
    urn_observe(m, "y", normal, .value = urn_data(rows, "y"), .loc = loc, .scale = tau,
                .plate = rows);
    urn_observe(m, "z", normal, .value = urn_data(rows, "y"), .loc = mean, .scale = tau,
                .plate = rows);
}

/* ---- no allocation while replaying ---- */

static void give_inputs(const urn_model *model, const machine *m, double *values)
{
    urn_site_info info;
    for (int i = 0; i < urn_model_site_count(model); i++) {
        urn_model_site(model, i, &info);
        (void)urn_replay_input(m->replay, i, values, info.size, NULL);
    }
}

static void check_no_allocation(const urn_model *model, urn_program_kind kind,
                                urn_precision precision, int threads)
{
    const urn_compile_options options = {
        .bytes = sizeof options, .kind = kind, .precision = precision};
    machine m = machine_with(model, &options, threads);
    const int64_t n = urn_model_position_size(model);
    double *x = doubles(n), *g = doubles(n), *other = doubles(n), sum = 0;
    dice d = {1};
    dice_normals(&d, n, 0.3, x);
    give_inputs(model, &m, x);
    for (int step = 0; step < 110; step++) {
        if (step == 10)
            watch_start();
        urn_replay_seed(m.replay, 1, 2, (uint64_t)step);
        assert_int_equal(urn_replay_batch(m.replay, 1, step), URN_OK);
        if (kind == URN_PROGRAM_DENSITY) {
            sum += urn_replay_log_density(m.replay, x, step % 3 == 0 ? other : g);
            sum += urn_replay_log_density(m.replay, g, NULL);
        } else {
            urn_replay_run(m.replay, x);
        }
    }
    const long allocations = watch_stop();
    assert_int_equal(allocations, 0);
    assert_true(kind != URN_PROGRAM_DENSITY || sum != 0);
    machine_clear(&m);
    free(x), free(g), free(other);
}

static void replays_do_not_allocate(void **state)
{
    (void)state;
    urn_dataset *data = columns(N);
    urn_trace_options options = trace_options(data);
    urn_model *model = trace_with(DEF(broad), &options);
    options.batch_plate = "rows";
    options.batch_size = 100;
    urn_model *batched = trace_with(DEF(broad), &options);
    for (int kind = URN_PROGRAM_DENSITY; kind <= URN_PROGRAM_PREDICT; kind++)
        for (int threads = 1; threads <= 3; threads += 2) {
            check_no_allocation(model, (urn_program_kind)kind, URN_PRECISION_DOUBLE, threads);
            check_no_allocation(batched, (urn_program_kind)kind, URN_PRECISION_DOUBLE, threads);
        }
    for (int threads = 1; threads <= 3; threads += 2) {
        check_no_allocation(model, URN_PROGRAM_DENSITY, URN_PRECISION_SINGLE, threads);
        check_no_allocation(batched, URN_PROGRAM_DENSITY, URN_PRECISION_SINGLE, threads);
    }
    urn_model_free(model);
    urn_model_free(batched);
    urn_dataset_free(data);
}

static void the_watch_sees_allocations(void **state)
{
    (void)state;
#ifdef MALLOC_WATCH
    watch_start();
    void *volatile a = malloc(10);
    void *volatile b = aligned_alloc(64, 64);
    assert_int_equal(watch_stop(), 2);
    free(a);
    free(b);
#else
    print_message("the C library's memory is not watched in this build\n");
    skip();
#endif
}

/* ---- allocations that fail ---- */

typedef struct attempt {
    urn_trace_options options;
    const urn_model_def *def;
    bool dump;
} attempt;

static void count_text(void *context, const char *stage, const char *text)
{
    assert_non_null(stage);
    *(size_t *)context += strlen(text);
}

/* Everything from the model function to replays; the first failure ends it. */
static urn_status run_all(const attempt *a, const urn_allocator *allocator, urn_error *error)
{
    urn_trace_options options = a->options;
    urn_model *model;
    size_t dumped = 0;
    char text[256];
    options.allocator = allocator;
    urn_status status = urn_model_trace(a->def, &options, &model, error);
    for (int kind = URN_PROGRAM_DENSITY; status == URN_OK && kind <= URN_PROGRAM_PREDICT; kind++)
        for (int way = 0; status == URN_OK && way < (kind == URN_PROGRAM_DENSITY ? 4 : 2); way++) {
            const urn_compile_options compile = {.bytes = sizeof compile,
                                                 .kind = (urn_program_kind)kind,
                                                 .no_fuse = way % 2 != 0,
                                                 .precision = way < 2 ? URN_PRECISION_DOUBLE
                                                                      : URN_PRECISION_SINGLE,
                                                 .dump = a->dump ? count_text : NULL,
                                                 .dump_context = &dumped};
            urn_program *program;
            urn_replay *replay = NULL;
            status = urn_program_compile(model, &compile, &program, error);
            assert_true((status == URN_OK) == (program != NULL));
            if (status == URN_OK)
                status = urn_replay_new(program, 2, &replay, error);
            assert_true((status == URN_OK) == (replay != NULL));
            urn_replay_free(replay);
            urn_program_free(program);
        }
    if (status == URN_OK) {
        const int64_t n = urn_model_position_size(model);
        double *x = doubles(n);
        status = urn_model_explain(model, x, text, sizeof text, error);
        for (int i = 0; status == URN_OK && i < urn_model_site_count(model); i++) {
            urn_site_info info;
            urn_model_site(model, i, &info);
            const double tau = 0.5;
            if (strcmp(info.name, "tau") == 0)
                status = urn_model_unconstrain(model, i, &tau, x, error);
        }
        free(x);
    }
    urn_model_free(model);
    return status;
}

static void check_failing(const attempt *a, bool stay_down)
{
    failing_memory memory;
    urn_error error = {0};
    failing_memory_init(&memory, 0, false);
    assert_ok(run_all(a, &memory.hook, &error), &error);
    const long calls = memory.calls;
    assert_int_equal(memory.live, 0);
    assert_true(calls > 50);
    for (long k = 1; k <= calls; k++) {
        failing_memory_init(&memory, k, stay_down);
        error = (urn_error){0};
        const urn_status status = run_all(a, &memory.hook, &error);
        if (status != URN_ERR_MEMORY || error.status != status)
            fail_msg("allocation %ld of %ld: status %d (%s)", k, calls, (int)status, error.message);
        if (memory.live != 0)
            fail_msg("allocation %ld of %ld: %ld blocks leak", k, calls, memory.live);
    }
    print_message("%ld allocations failed one by one\n", calls);
}

static void failing_allocations(void **state)
{
    (void)state;
    static const urn_setting settings[] = {{"dim", "3"}};
    urn_dataset *data = columns(120);
    attempt a = {.options = trace_options(data), .def = DEF(broad)};
    a.options.settings = settings;
    a.options.n_settings = 1;
    check_failing(&a, false);
    check_failing(&a, true);
    a.dump = true;
    check_failing(&a, false);
    a.options.batch_plate = "rows";
    a.options.batch_size = 7;
    check_failing(&a, false);
    urn_dataset_free(data);
}

static void failing_allocations_with_handlers(void **state)
{
    (void)state;
    static const double l[4] = {1, 0, 0.6, 0.8}, half = 0.5, shown[120] = {0, 1};
    static const urn_handler handlers[] = {
        {URN_HANDLER_CONDITION, "L", l, 4},  {URN_HANDLER_BLOCK, "b", NULL, 0},
        {URN_HANDLER_DO, "c", &half, 1},     {URN_HANDLER_SCALE, "y", &half, 1},
        {URN_HANDLER_MASK, "z", shown, 120}, {URN_HANDLER_NONCENTRED, "e", NULL, 0}};
    urn_dataset *data = columns(120);
    attempt a = {.options = trace_options(data), .def = DEF(broad)};
    a.options.handlers = handlers;
    a.options.n_handlers = N_OF(handlers);
    check_failing(&a, false);
    urn_dataset_free(data);
}

/* Messages of other errors survive where memory is short. */
static void a_model_error_is_not_called_memory(void **state)
{
    (void)state;
    failing_memory memory;
    static const urn_setting settings[] = {{"dim", "0"}};
    urn_dataset *data = columns(20);
    urn_trace_options options = trace_options(data);
    urn_error error = {0};
    urn_model *model;
    options.settings = settings;
    options.n_settings = 1;
    failing_memory_init(&memory, 0, false);
    options.allocator = &memory.hook;
    assert_int_equal(urn_model_trace(DEF(broad), &options, &model, &error), URN_ERR_MODEL);
    const long calls = memory.calls;
    for (long k = 1; k <= calls; k++) {
        failing_memory_init(&memory, k, false);
        const urn_status status = urn_model_trace(DEF(broad), &options, &model, &error);
        assert_true(status == URN_ERR_MEMORY || status == URN_ERR_MODEL);
        assert_int_equal(memory.live, 0);
    }
    urn_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replays_do_not_allocate),
        cmocka_unit_test(the_watch_sees_allocations),
        cmocka_unit_test(failing_allocations),
        cmocka_unit_test(failing_allocations_with_handlers),
        cmocka_unit_test(a_model_error_is_not_called_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
