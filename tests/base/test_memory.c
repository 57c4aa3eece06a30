/* The allocator hook, growing arrays, the arena, and each of them when memory runs out. */
#include "tests/base/check.h"

#include <stdio.h>
#include <string.h>

static bool aligned(const void *memory)
{
    return ((uintptr_t)memory & 63) == 0;
}

static bool all_zero(const void *memory, size_t n)
{
    const unsigned char *bytes = memory;
    for (size_t i = 0; i < n; i++)
        if (bytes[i])
            return false;
    return true;
}

static void without_a_hook_the_c_library_gives(void **state)
{
    (void)state;
    const urn_allocator empty = {0};
    const urn_allocator *const kinds[] = {NULL, &empty};
    for (size_t k = 0; k < 2; k++) {
        for (size_t size = 0; size < 200; size += 7) {
            void *memory = urn__calloc(kinds[k], size, 3);
            assert_non_null(memory);
            assert_true(aligned(memory));
            assert_true(all_zero(memory, 3 * size));
            memset(memory, 0xFF, 3 * size);
            urn__free(kinds[k], memory);
        }
        urn__free(kinds[k], NULL);
    }
}

static void impossible_sizes_fail(void **state)
{
    (void)state;
    /* volatile: the compiler would warn about the sizes otherwise */
    volatile size_t most = SIZE_MAX, half = SIZE_MAX / 2;
    assert_null(urn__alloc(NULL, most));
    assert_null(urn__alloc(NULL, most - 10));
    assert_null(urn__alloc(NULL, half));
    assert_null(urn__calloc(NULL, half, 3));
    assert_null(urn__calloc(NULL, (size_t)1 << 33, (size_t)1 << 33));
}

static void the_hook_gets_every_call(void **state)
{
    (void)state;
    failing_memory memory;
    failing_memory_init(&memory, 0, false);
    void *a = urn__alloc(&memory.hook, 100);
    void *b = urn__calloc(&memory.hook, 10, 10);
    assert_true(all_zero(b, 100));
    assert_int_equal(memory.calls, 2);
    assert_int_equal(memory.live, 2);
    urn__free(&memory.hook, a);
    urn__free(&memory.hook, b);
    urn__free(&memory.hook, NULL);
    assert_int_equal(memory.live, 0);
}

static void grow_doubles_keeps_and_zeroes(void **state)
{
    (void)state;
    failing_memory memory;
    failing_memory_init(&memory, 0, false);
    void *array = NULL;
    size_t capacity = 0;
    for (size_t n = 1; n <= 1000; n++) {
        assert_true(urn__grow(&memory.hook, &array, sizeof(int), &capacity, n));
        assert_true(capacity >= n);
        assert_int_equal(((int *)array)[n - 1], 0);
        ((int *)array)[n - 1] = (int)n;
    }
    for (int n = 0; n < 1000; n++)
        assert_int_equal(((int *)array)[n], n + 1);
    assert_true(memory.calls <= 8); /* doubling, not one by one */
    urn__free(&memory.hook, array);
    assert_int_equal(memory.live, 0);
}

static void grow_that_fails_changes_nothing(void **state)
{
    (void)state;
    failing_memory memory;
    failing_memory_init(&memory, 2, true);
    void *array = NULL;
    size_t capacity = 0;
    assert_true(urn__grow(&memory.hook, &array, 1, &capacity, 5));
    memcpy(array, "abcd", 5);
    void *const before = array;
    const size_t capacity_before = capacity;
    assert_false(urn__grow(&memory.hook, &array, 1, &capacity, 500));
    assert_ptr_equal(array, before);
    assert_int_equal(capacity, capacity_before);
    assert_string_equal(array, "abcd");
    urn__free(&memory.hook, array);
    assert_int_equal(memory.live, 0);
}

static void grow_overflow_fails(void **state)
{
    (void)state;
    void *array = NULL;
    size_t capacity = 0;
    assert_false(urn__grow(NULL, &array, 1, &capacity, SIZE_MAX));
    assert_false(urn__grow(NULL, &array, 64, &capacity, SIZE_MAX / 16));
    assert_null(array);
    assert_int_equal(capacity, 0);
}

static void arena_memory_is_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    failing_memory memory;
    failing_memory_init(&memory, 0, false);
    urn__arena *arena = urn__arena_new(&memory.hook);
    assert_non_null(arena);
    assert_ptr_equal(urn__arena_allocator(arena)->context, &memory);
    unsigned char *given[300];
    for (size_t i = 0; i < 300; i++) {
        given[i] = urn__arena_alloc(arena, i * 11, 3);
        assert_non_null(given[i]);
        assert_true(aligned(given[i]));
        assert_true(all_zero(given[i], i * 33));
        memset(given[i], (int)(i % 255 + 1), i * 33);
    }
    for (size_t i = 0; i < 300; i++)
        for (size_t at = 0; at < i * 33; at++)
            assert_int_equal(given[i][at], i % 255 + 1);
    assert_false(urn__arena_failed(arena));
    assert_true(memory.calls < 20);
    unsigned char *large = urn__arena_alloc(arena, (size_t)20 << 20, 1); /* more than any block */
    assert_non_null(large);
    large[((size_t)20 << 20) - 1] = 1;
    urn__arena_free(arena);
    assert_int_equal(memory.live, 0);
    urn__arena_free(NULL);
}

static void arena_text(void **state)
{
    (void)state;
    urn__arena *arena = urn__arena_new(NULL);
    assert_string_equal(urn__arena_strdup(arena, "ratings"), "ratings");
    assert_string_equal(urn__arena_strdup(arena, ""), "");
    assert_string_equal(urn__arena_printf(arena, "%s:%d", "pmf.c", 14), "pmf.c:14");
    assert_string_equal(urn__arena_printf(arena, "%s", ""), "");
    char *longest = urn__arena_printf(arena, "%*d", 100000, 7);
    assert_int_equal(strlen(longest), 100000);
    assert_int_equal(longest[99999], '7');
    urn__arena_free(arena);
}

/* ---- objects kept ---- */

static char released[8];

static void note_release(void *object)
{
    const size_t n = strlen(released);
    released[n] = *(const char *)object;
    released[n + 1] = 0;
}

static void kept_objects_go_with_the_arena(void **state)
{
    (void)state;
    static char names[] = "abc";
    failing_memory memory;
    failing_memory_init(&memory, 0, false);
    urn__arena *arena = urn__arena_new(&memory.hook);
    released[0] = 0;
    for (int i = 0; i < 3; i++)
        assert_true(urn__arena_keep(arena, names + i, note_release));
    assert_true(urn__arena_keep(arena, NULL, note_release));
    assert_string_equal(released, "");
    urn__arena_free(arena);
    assert_string_equal(released, "cba");
    arena = urn__arena_new(&memory.hook);
    memory.fail_at = memory.calls + 1;
    released[0] = 0;
    assert_false(urn__arena_keep(arena, names, note_release));
    assert_string_equal(released, "a"); /* at once */
    urn__arena_free(arena);
    assert_string_equal(released, "a");
    assert_int_equal(memory.live, 0);
}

/* One session of arena work; true if all of it came through. */
static bool arena_session(const urn_allocator *hook)
{
    urn__arena *arena = urn__arena_new(hook);
    if (!arena)
        return false;
    bool failed_before = false;
    for (int i = 0; i < 6; i++) {
        const bool small = urn__arena_alloc(arena, 16, 8) != NULL;
        const bool large = urn__arena_alloc(arena, 30000, 1) != NULL;
        const bool text = urn__arena_strdup(arena, "abc") && urn__arena_printf(arena, "%d", i);
        /* Sticky: once one request has failed, none is answered. */
        if (failed_before)
            assert_false(small || large || text);
        failed_before = urn__arena_failed(arena);
        assert_int_equal(failed_before, !(small && large && text));
    }
    urn__arena_free(arena);
    return !failed_before;
}

static void arena_failure_is_sticky_and_leaks_nothing(void **state)
{
    (void)state;
    failing_memory memory;
    failing_memory_init(&memory, 0, false);
    assert_true(arena_session(&memory.hook));
    assert_int_equal(memory.live, 0);
    const long calls = memory.calls;
    assert_true(calls > 3);
    for (long fail_at = 1; fail_at <= calls; fail_at++) {
        failing_memory_init(&memory, fail_at, false); /* the hook recovers, the arena must not */
        assert_false(arena_session(&memory.hook));
        assert_int_equal(memory.live, 0);
    }
}

static void arena_overflow_is_a_failure(void **state)
{
    (void)state;
    urn__arena *told = urn__arena_new(NULL);
    assert_non_null(urn__arena_alloc(told, 1, 1));
    urn__arena_fail(told);
    assert_true(urn__arena_failed(told));
    assert_null(urn__arena_alloc(told, 1, 1));
    urn__arena_free(told);
    urn__arena *arena = urn__arena_new(NULL);
    assert_null(urn__arena_alloc(arena, SIZE_MAX / 2, 3));
    assert_true(urn__arena_failed(arena));
    assert_null(urn__arena_alloc(arena, 1, 1));
    urn__arena_free(arena);
    arena = urn__arena_new(NULL);
    assert_null(urn__arena_alloc(arena, SIZE_MAX, 1));
    assert_true(urn__arena_failed(arena));
    urn__arena_free(arena);
}

static void text_buffer_grows_and_clears(void **state)
{
    (void)state;
    failing_memory memory;
    failing_memory_init(&memory, 0, false);
    urn__text text = {.allocator = &memory.hook};
    assert_null(text.data);
    for (int i = 0; i < 500; i++)
        urn__text_add(&text, "%d,", i);
    assert_false(text.failed);
    assert_int_equal(text.length, strlen(text.data));
    assert_int_equal(text.length, 10 * 2 + 90 * 3 + 400 * 4);
    assert_int_equal(strncmp(text.data, "0,1,2,3,", 8), 0);
    assert_string_equal(text.data + text.length - 8, "498,499,");
    urn__text_clear(&text);
    assert_null(text.data);
    assert_int_equal(memory.live, 0);
    urn__text_add(&text, "again");
    assert_string_equal(text.data, "again");
    urn__text_clear(&text);
    assert_int_equal(memory.live, 0);
}

static void text_buffer_failure_keeps_the_text_so_far(void **state)
{
    (void)state;
    failing_memory memory;
    failing_memory_init(&memory, 2, false);
    urn__text text = {.allocator = &memory.hook};
    urn__text_add(&text, "head");
    urn__text_add(&text, "%*d", 1000, 1);
    assert_true(text.failed);
    urn__text_add(&text, "tail");
    assert_string_equal(text.data, "head");
    assert_int_equal(text.length, 4);
    urn__text_clear(&text);
    assert_false(text.failed);
    assert_int_equal(memory.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_hook_the_c_library_gives),
        cmocka_unit_test(impossible_sizes_fail),
        cmocka_unit_test(the_hook_gets_every_call),
        cmocka_unit_test(grow_doubles_keeps_and_zeroes),
        cmocka_unit_test(grow_that_fails_changes_nothing),
        cmocka_unit_test(grow_overflow_fails),
        cmocka_unit_test(arena_memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(arena_text),
        cmocka_unit_test(kept_objects_go_with_the_arena),
        cmocka_unit_test(arena_failure_is_sticky_and_leaks_nothing),
        cmocka_unit_test(arena_overflow_is_a_failure),
        cmocka_unit_test(text_buffer_grows_and_clears),
        cmocka_unit_test(text_buffer_failure_keeps_the_text_so_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
