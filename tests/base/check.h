/* What every test file starts with, and the allocator that fails on demand. */
#ifndef URN_TESTS_BASE_CHECK_H
#define URN_TESTS_BASE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/base/base.h"

/* Counts what is outstanding; the allocation number `fail_at` (from 1) and, if `stay_down`, all
 * after it fail. */
typedef struct failing_memory {
    long calls, live, fail_at;
    bool stay_down;
    urn_allocator hook;
} failing_memory;

static inline void *failing_allocate(void *context, size_t size)
{
    failing_memory *memory = context;
    memory->calls++;
    if (memory->fail_at && (memory->calls == memory->fail_at ||
                            (memory->stay_down && memory->calls > memory->fail_at)))
        return NULL;
    void *given = aligned_alloc(64, (size + 63) / 64 * 64);
    memory->live += given != NULL;
    return given;
}

static inline void failing_release(void *context, void *given)
{
    failing_memory *memory = context;
    memory->live--;
    free(given);
}

static inline void failing_memory_init(failing_memory *memory, long fail_at, bool stay_down)
{
    *memory = (failing_memory){.fail_at = fail_at, .stay_down = stay_down};
    memory->hook = (urn_allocator){
        .allocate = failing_allocate, .release = failing_release, .context = memory};
}

#endif
