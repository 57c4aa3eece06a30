/* Memory through the caller's hook, or the C library. */
#include "base.h"

#include <stdlib.h>
#include <string.h>
#ifdef HAVE_MADVISE
#include <sys/mman.h>
#endif

#define ALIGNMENT 64
#define LARGE_PAGE ((size_t)2 << 20)

/* Enough for any block whose size is rounded up to a page. */
static bool too_large(size_t size)
{
    return size > (size_t)PTRDIFF_MAX - LARGE_PAGE;
}

/* Rows of factors are read in any order: with pages of the usual size most of them would miss the
 * processor's list of pages, too. Where the system has none that are larger, the advice is lost. */
static void *allocate_large(size_t size)
{
    void *memory = aligned_alloc(LARGE_PAGE, (size + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1));
#if defined(HAVE_MADVISE) && defined(MADV_HUGEPAGE)
    if (memory) /* the end of the block is left to small pages, as it may need few */
        (void)madvise(memory, size & ~(LARGE_PAGE - 1), MADV_HUGEPAGE);
#endif
    return memory;
}

void *urn__alloc(const urn_allocator *allocator, size_t size)
{
    if (too_large(size))
        return NULL;
    if (size == 0)
        size = 1;
    if (allocator && allocator->allocate)
        return allocator->allocate(allocator->context, size);
    if (size >= LARGE_PAGE)
        return allocate_large(size);
    return aligned_alloc(ALIGNMENT, (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

void *urn__calloc(const urn_allocator *allocator, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    void *memory = urn__alloc(allocator, bytes);
    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

void urn__free(const urn_allocator *allocator, void *memory)
{
    if (!memory)
        return;
    /* A hook that allocates but has no release keeps its memory to itself (an arena of the caller).
     */
    if (allocator && allocator->allocate) {
        if (allocator->release)
            allocator->release(allocator->context, memory);
        return;
    }
    free(memory);
}

bool urn__grow(const urn_allocator *allocator, void **array, size_t element, size_t *capacity,
               size_t needed)
{
    if (needed <= *capacity)
        return true;
    size_t larger = *capacity < 8 ? 8 : *capacity;
    while (larger < needed) {
        if (__builtin_mul_overflow(larger, (size_t)2, &larger))
            return false;
    }
    void *memory = urn__calloc(allocator, larger, element);
    if (!memory)
        return false;
    if (*array)
        memcpy(memory, *array, *capacity * element);
    urn__free(allocator, *array);
    *array = memory;
    *capacity = larger;
    return true;
}
