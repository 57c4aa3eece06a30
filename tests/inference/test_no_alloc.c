/* A hundred steps of a fit allocate nothing: neither through Urn's hook nor by any other way. */
#include "tests/inference/models.h"

static int armed;    /* set by the hooks of the fit, on the thread that fits */
static long counted; /* allocations while armed */

/* Under sanitizers and elsewhere than glibc, only Urn's hook is watched. */
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define NO_WRAPPERS
#endif
#endif
#else
#define NO_WRAPPERS
#endif

#ifndef NO_WRAPPERS
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static void count(void)
{
    if (__atomic_load_n(&armed, __ATOMIC_RELAXED))
        __atomic_fetch_add(&counted, 1, __ATOMIC_RELAXED);
}

void *malloc(size_t size)
{
    count();
    return __libc_malloc(size);
}

void *calloc(size_t nmemb, size_t size)
{
    count();
    return __libc_calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size)
{
    count();
    return __libc_realloc(ptr, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memptr, size_t alignment, size_t size)
{
    count();
    *memptr = __libc_memalign(alignment, size);
    return *memptr ? 0 : 12; /* ENOMEM */
}
#endif

typedef struct watch {
    failing_memory memory;
    long calls_before, calls_after, counted_after;
    int64_t steps;
} watch;

enum { FIRST = 10, LAST = 110 };

static void on_step(void *context, const urn_progress *progress)
{
    watch *w = context;
    if (strcmp(progress->phase, "evaluating") == 0)
        return;
    w->steps = progress->step;
    if (progress->step == FIRST) {
        w->calls_before = w->memory.calls;
        __atomic_store_n(&counted, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&armed, 1, __ATOMIC_RELAXED);
    } else if (progress->step == LAST) {
        __atomic_store_n(&armed, 0, __ATOMIC_RELAXED);
        w->calls_after = w->memory.calls;
        w->counted_after = counted;
    }
}

static void check_fit(urn_model *model, const char *engine, const urn_setting *settings, size_t n,
                      int threads, urn_precision precision)
{
    watch w = {0};
    failing_memory_init(&w.memory, 0, false);
    urn_fit_options options = options_for(engine, settings, n, NULL);
    options.allocator = &w.memory.hook;
    options.context = &w;
    options.progress = on_step;
    options.threads = threads;
    options.precision = precision;
    if (options.engine->kind == URN__SAMPLER) {
        options.chains = 1;
        options.warmup = 100; /* the window in which the metric is learned ends among the steps */
        options.draws = 20;
    }
    urn_fit *fit = fit_model(model, &options);
    assert_true(w.steps >= LAST);
    assert_int_equal(w.calls_after, w.calls_before);
    assert_int_equal(w.counted_after, 0);
    urn_fit_free(fit);
    assert_int_equal(w.memory.live, 0);
}

static void steps_do_not_allocate(void **state)
{
    (void)state;
    enum { N = 9000 };
    static double group[N], y[N];
    static const char *const names[] = {"group", "y"};
    static const struct {
        const char *engine;
        urn_setting settings[4];
        size_t n;
    } cases[] = {
        {"svi", {{"steps", "120"}}, 1},
        {"svi", {{"steps", "120"}, {"particles", "2"}, {"clip", "1"}}, 3},
        {"svi", {{"steps", "120"}, {"guide", "delta"}}, 2},
        {"map", {{"steps", "120"}, {"method", "adam"}, {"tolerance", "0"}}, 3},
        {"nuts", {{"max-depth", "4"}}, 1},
        {"hmc", {{"leapfrogs", "3"}}, 1},
    };
    const double *const columns[] = {group, y};
    for (int i = 0; i < N; i++) {
        group[i] = i % 5000;
        y[i] = sin(i);
    }
    scene s = {.data = dataset_of(N, names, columns, 2)};
    s.model = trace_rows(urn_model_groups(), s.data, URN_ROWS_TRAINING);
    for (size_t k = 0; k < N_OF(cases); k++)
        for (int threads = 1; threads <= 3; threads += 2)
            for (int p = 0; p < (urn_engine_find(cases[k].engine)->single ? 2 : 1); p++)
                check_fit(s.model, cases[k].engine, cases[k].settings, cases[k].n, threads,
                          (urn_precision)p);
    scene_clear(&s);
}

static void transitions_do_not_allocate(void **state)
{
    (void)state;
    const urn_setting dense[] = {{"metric", "dense"}};
    const urn_setting full[] = {{"guide", "full"}, {"steps", "120"}};
    const urn_setting rank[] = {{"guide", "low-rank"}, {"particles", "2"}, {"steps", "120"}};
    const double y[3] = {2, 0, 3};
    scene s = scene_y(urn_model_noisy_rows(), 3, y);
    check_fit(s.model, "svi", full, 2, 1, URN_PRECISION_DOUBLE);
    check_fit(s.model, "svi", rank, 3, 1, URN_PRECISION_DOUBLE);
    check_fit(s.model, "nuts", NULL, 0, 1, URN_PRECISION_DOUBLE);
    check_fit(s.model, "nuts", dense, 1, 1, URN_PRECISION_DOUBLE);
    check_fit(s.model, "hmc", dense, 1, 1, URN_PRECISION_DOUBLE);
    scene_clear(&s);
}

#ifndef NO_WRAPPERS
/* The watch itself works. */
static void an_allocation_would_be_seen(void **state)
{
    (void)state;
    __atomic_store_n(&counted, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&armed, 1, __ATOMIC_RELAXED);
    void *volatile given = malloc(10);
    void *volatile aligned = aligned_alloc(64, 64);
    __atomic_store_n(&armed, 0, __ATOMIC_RELAXED);
    assert_int_equal(counted, 2);
    free(given);
    free(aligned);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_do_not_allocate),
        cmocka_unit_test(transitions_do_not_allocate),
#ifndef NO_WRAPPERS
        cmocka_unit_test(an_allocation_would_be_seen),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
