/* The parallel loop and the choice of a CPU path. */
#include "tests/tensor/paths.h"

#include <omp.h>

enum { CHUNKS = 1000 };

typedef struct visits {
    int count[CHUNKS];
    int thread[CHUNKS];
} visits;

static void visit(void *context, int64_t chunk, int thread)
{
    visits *v = context;
    v->count[chunk]++; /* no two threads share a chunk: nothing to lock */
    v->thread[chunk] = thread;
}

static void each_chunk_is_visited_once(void **state)
{
    (void)state;
    static const int thread_counts[] = {-1, 0, 1, 2, 3, 8};
    static const int64_t chunk_counts[] = {0, 1, 2, 3, 7, 8, 9, CHUNKS};
    for (int t = 0; t < 6; t++) {
        for (int c = 0; c < 8; c++) {
            visits v = {{0}, {0}};
            urn__parallel(thread_counts[t], chunk_counts[c], visit, &v);
            for (int64_t chunk = 0; chunk < CHUNKS; chunk++) {
                assert_int_equal(v.count[chunk], chunk < chunk_counts[c] ? 1 : 0);
                assert_true(v.thread[chunk] >= 0);
                assert_true(v.thread[chunk] < (thread_counts[t] > 1 ? thread_counts[t] : 1));
            }
        }
    }
}

static void several_threads_take_part(void **state)
{
    (void)state;
    visits v = {{0}, {0}};
    urn__parallel(3, CHUNKS, visit, &v);
    bool seen[3] = {false};
    for (int chunk = 0; chunk < CHUNKS; chunk++)
        seen[v.thread[chunk]] = true;
    assert_true(seen[0] && seen[1] && seen[2]);
}

static void where_am_i(void *context, int64_t chunk, int thread)
{
    int *in_parallel = context;
    (void)chunk;
    assert_int_equal(thread, 0);
    *in_parallel += omp_in_parallel();
}

static void little_work_stays_on_the_caller(void **state)
{
    (void)state;
    int in_parallel = 0;
    urn__parallel(1, CHUNKS, where_am_i, &in_parallel);
    urn__parallel(8, 1, where_am_i, &in_parallel);
    assert_int_equal(in_parallel, 0);
}

static void thread_counts(void **state)
{
    (void)state;
    assert_int_equal(urn__thread_count(3), 3);
    assert_int_equal(urn__thread_count(0), omp_get_num_procs());
    assert_int_equal(urn__thread_count(-2), omp_get_num_procs());
}

static void the_best_path_is_taken(void **state)
{
    (void)state;
    const urn__kernels *best, *named;
    assert_int_equal(urn__kernels_select(NULL, &best, NULL), URN_OK);
    assert_int_equal(urn__kernels_select(best->name, &named, NULL), URN_OK);
    assert_ptr_equal(best, named);
    assert_int_equal(urn__kernels_select("base", &named, NULL), URN_OK);
    assert_string_equal(named->name, "base");
    if (urn__kernels_select("v4", &named, NULL) == URN_OK)
        assert_string_equal(best->name, "v4");
}

static void check_complete(const urn__kernels *kernels)
{
    const urn__kernels_single *single = urn__kernels_in_single(kernels);
    assert_string_equal(single->name, kernels->name);
    for (int i = 0; i < URN__MAP1_COUNT; i++)
        assert_true(kernels->map1[i] && single->map1[i]);
    for (int i = 0; i < URN__MAP2_COUNT; i++)
        assert_true(kernels->map2[i] && single->map2[i]);
    assert_true(kernels->sum && kernels->dot && kernels->axpy && kernels->row_dot);
    assert_true(kernels->scatter_rows && kernels->gather_rows && kernels->weigh_rows);
    assert_true(kernels->scatter_both && kernels->squares_both);
    assert_true(kernels->normals && kernels->guide_sample && kernels->guide_adam);
    assert_true(kernels->adam && kernels->momentum);
    assert_true(single->sum && single->dot && single->axpy && single->row_dot);
    assert_true(single->scatter_rows && single->gather_rows && single->weigh_rows);
    assert_true(single->scatter_both && single->squares_both);
    assert_true(single->normals && single->guide_sample && single->guide_adam);
    assert_true(single->adam && single->momentum);
}

static void tables_are_complete(void **state)
{
    (void)state;
    on_each_path(check_complete);
}

static void an_unknown_path_is_an_error(void **state)
{
    (void)state;
    const urn__kernels *kernels = NULL;
    urn_error error;
    assert_int_equal(urn__kernels_select("v5", &kernels, &error), URN_ERR_USAGE);
    assert_null(kernels);
    assert_non_null(strstr(error.message, "no CPU path \"v5\" on this machine; it has base"));
    assert_string_equal(error.hint, "leave it out to take the fastest");
    assert_int_equal(urn__kernels_select("", &kernels, NULL), URN_ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_chunk_is_visited_once),
        cmocka_unit_test(several_threads_take_part),
        cmocka_unit_test(little_work_stays_on_the_caller),
        cmocka_unit_test(thread_counts),
        cmocka_unit_test(the_best_path_is_taken),
        cmocka_unit_test(tables_are_complete),
        cmocka_unit_test(an_unknown_path_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
