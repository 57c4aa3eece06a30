/* Status helpers, arena, strings: what every layer uses. Private to the library. */
#ifndef URN_RUNTIME_BASE_H
#define URN_RUNTIME_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <urn/status.h>

/* Returns on failure: the only control-flow macro of the library. */
#define URN_TRY(call)                                                                              \
    do {                                                                                           \
        const urn_status urn_try_status_ = (call);                                                 \
        if (urn_try_status_ != URN_OK)                                                             \
            return urn_try_status_;                                                                \
    } while (0)

/* Fills *error (may be NULL) and returns `status`. `where`, `site` and `hint` may be NULL. */
urn_status urn__fail(urn_error *error, urn_status status, const char *where, const char *site,
                     const char *hint, const char *format, ...) URN_PRINTF(6, 7);
urn_status urn__vfail(urn_error *error, urn_status status, const char *where, const char *site,
                      const char *hint, const char *format, va_list args);
/* The error of a failed allocation of `size` bytes for `what`. */
urn_status urn__fail_memory(urn_error *error, const char *what, size_t size);

/* Memory through the hook; 64-byte aligned; NULL on failure. `allocator` may be NULL. `calloc`
 * zeroes. count * size overflow is a failure. urn__free takes NULL. Without a hook blocks of
 * 2 MiB and more begin at a multiple of that, and the system is asked for pages of that size. */
void *urn__alloc(const urn_allocator *allocator, size_t size);
void *urn__calloc(const urn_allocator *allocator, size_t count, size_t size);
void urn__free(const urn_allocator *allocator, void *memory);

/* Grows an array to hold at least `needed` elements (doubling); *capacity is updated. Elements past
 * the old count are zeroed. false on failure, with the array unchanged. */
bool urn__grow(const urn_allocator *allocator, void **array, size_t element, size_t *capacity,
               size_t needed);

/* Bump allocator whose memory goes all at once. Zeroed, 64-byte aligned. After a failed allocation
 * urn__arena_failed is true for good, so callers may check once. */
typedef struct urn__arena urn__arena;
urn__arena *urn__arena_new(const urn_allocator *allocator);
void urn__arena_free(urn__arena *arena);
void *urn__arena_alloc(urn__arena *arena, size_t count, size_t size);
char *urn__arena_strdup(urn__arena *arena, const char *text);
char *urn__arena_printf(urn__arena *arena, const char *format, ...) URN_PRINTF(2, 3);
bool urn__arena_failed(const urn__arena *arena);
/* Memory ran out for something that belongs to the arena's content: counts as its own failure. */
void urn__arena_fail(urn__arena *arena);
const urn_allocator *urn__arena_allocator(const urn__arena *arena);
/* Hands the arena an object to release when it goes itself (the latest first). On failure it is
 * released at once; `object` may be NULL. */
bool urn__arena_keep(urn__arena *arena, void *object, void (*release)(void *object));

/* 64-bit hashing (a real mixer: no sums or products that collide). */
uint64_t urn__hash_u64(uint64_t h, uint64_t value);
uint64_t urn__hash_bytes(uint64_t h, const void *bytes, size_t n);
uint64_t urn__hash_text(uint64_t h, const char *text);

/* Growing text buffer; on allocation failure `failed` is set and the text so far stays. */
typedef struct urn__text {
    const urn_allocator *allocator;
    char *data; /* zero-terminated; NULL while empty */
    size_t length, capacity;
    bool failed;
} urn__text;
void urn__text_add(urn__text *text, const char *format, ...) URN_PRINTF(2, 3);
void urn__text_clear(urn__text *text); /* frees */
double urn__shown(double v);           /* for messages: without the sign that some NaNs carry */

/* The name in `names` (n of them) nearest to `name` by edit distance, or NULL if none is near. */
const char *urn__nearest(const char *name, const char *const *names, size_t n);

/* Parses all of `text`; false if it is anything but one number in range. */
bool urn__parse_int(const char *text, int64_t *value);
bool urn__parse_real(const char *text, double *value);

#endif
