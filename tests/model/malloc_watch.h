/* Counts what a test program asks of the C library's memory, by any way. Include it in one file of
 * a program. Under sanitizers and elsewhere than glibc nothing is watched (MALLOC_WATCH undefined).
 */
#ifndef URN_TESTS_MODEL_MALLOC_WATCH_H
#define URN_TESTS_MODEL_MALLOC_WATCH_H

#include <stddef.h>
#include <stdlib.h>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MALLOC_WATCH 1
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef MALLOC_WATCH
#endif
#endif
#endif

static int watching;
static long watched; /* allocations while watching, on any thread */

static inline void watch_start(void)
{
    __atomic_store_n(&watched, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&watching, 1, __ATOMIC_SEQ_CST);
}

static inline long watch_stop(void)
{
    __atomic_store_n(&watching, 0, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&watched, __ATOMIC_SEQ_CST);
}

#ifdef MALLOC_WATCH
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static inline void watch_count(void)
{
    if (__atomic_load_n(&watching, __ATOMIC_RELAXED))
        __atomic_fetch_add(&watched, 1, __ATOMIC_RELAXED);
}

void *malloc(size_t size)
{
    watch_count();
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    watch_count();
    return __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size)
{
    watch_count();
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    watch_count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    watch_count();
    *memory = __libc_memalign(alignment, size);
    return *memory != NULL ? 0 : 12; /* ENOMEM */
}
#endif

#endif
