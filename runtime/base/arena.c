/* Bump allocator in blocks that double; freed all at once. */
#include "base.h"

#include <stdio.h>
#include <string.h>

#define ALIGNMENT ((size_t)64)
#define FIRST_BLOCK ((size_t)16 << 10)
#define LARGEST_BLOCK ((size_t)4 << 20)

/* Memory handed out starts ALIGNMENT bytes into the block, behind this header. */
typedef struct block {
    struct block *previous;
    size_t size, used; /* bytes behind the header */
} block;

/* An object to release with the arena. */
typedef struct kept {
    struct kept *previous;
    void *object;
    void (*release)(void *object);
} kept;

struct urn__arena {
    urn_allocator hook;
    block *newest;
    kept *latest;
    size_t next_size;
    bool failed;
};

urn__arena *urn__arena_new(const urn_allocator *allocator)
{
    urn__arena *arena = urn__calloc(allocator, 1, sizeof *arena);
    if (!arena)
        return NULL;
    if (allocator)
        arena->hook = *allocator;
    arena->next_size = FIRST_BLOCK;
    return arena;
}

void urn__arena_free(urn__arena *arena)
{
    if (!arena)
        return;
    const urn_allocator hook = arena->hook;
    for (const kept *k = arena->latest; k; k = k->previous)
        k->release(k->object);
    for (block *b = arena->newest; b;) {
        block *previous = b->previous;
        urn__free(&hook, b);
        b = previous;
    }
    urn__free(&hook, arena);
}

static block *add_block(urn__arena *arena, size_t at_least)
{
    const size_t size = at_least > arena->next_size ? at_least : arena->next_size;
    block *b = urn__alloc(&arena->hook, ALIGNMENT + size);
    if (!b)
        return NULL;
    *b = (block){.previous = arena->newest, .size = size};
    arena->newest = b;
    if (arena->next_size < LARGEST_BLOCK)
        arena->next_size *= 2;
    return b;
}

void *urn__arena_alloc(urn__arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (arena->failed)
        return NULL;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > (size_t)PTRDIFF_MAX / 2) {
        arena->failed = true;
        return NULL;
    }
    const size_t rounded = (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    block *b = arena->newest;
    if (!b || b->size - b->used < rounded)
        b = add_block(arena, rounded);
    if (!b) {
        arena->failed = true;
        return NULL;
    }
    char *memory = (char *)b + ALIGNMENT + b->used;
    b->used += rounded;
    memset(memory, 0, bytes);
    return memory;
}

bool urn__arena_keep(urn__arena *arena, void *object, void (*release)(void *object))
{
    kept *k = object ? urn__arena_alloc(arena, 1, sizeof *k) : NULL;
    if (!k) {
        if (object)
            release(object);
        return !object;
    }
    *k = (kept){arena->latest, object, release};
    arena->latest = k;
    return true;
}

char *urn__arena_strdup(urn__arena *arena, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = urn__arena_alloc(arena, size, 1);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

char *urn__arena_printf(urn__arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = NULL;
    if (length < 0)
        arena->failed = true;
    else if ((text = urn__arena_alloc(arena, (size_t)length + 1, 1)))
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

bool urn__arena_failed(const urn__arena *arena)
{
    return arena->failed;
}

void urn__arena_fail(urn__arena *arena)
{
    arena->failed = true;
}

const urn_allocator *urn__arena_allocator(const urn__arena *arena)
{
    return &arena->hook;
}
