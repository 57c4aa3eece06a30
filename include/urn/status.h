/* Status codes, errors and the allocator hook: the words every other Urn header uses. */
#ifndef URN_STATUS_H
#define URN_STATUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define URN_API __attribute__((visibility("default")))
#define URN_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#else
#define URN_API
#define URN_PRINTF(format_at, first_at)
#endif

/* One row a status: name, exit code of the command line, text. */
#define URN_STATUS_LIST(X)                                                                         \
    X(OK, 0, "ok")                                                                                 \
    X(ERR_RUNTIME, 1, "run-time failure")                                                          \
    X(ERR_MEMORY, 1, "out of memory")                                                              \
    X(ERR_INTERNAL, 1, "internal error (please report it)")                                        \
    X(ERR_USAGE, 2, "wrong usage")                                                                 \
    X(ERR_DATA, 3, "bad data")                                                                     \
    X(ERR_MODEL, 4, "bad model")                                                                   \
    X(ERR_NOT_CONVERGED, 5, "not converged")                                                       \
    X(ERR_IO, 6, "input/output error")                                                             \
    X(INTERRUPTED, 130, "interrupted")

typedef enum urn_status {
#define URN_STATUS_ENUM(name, exit_code, text) URN_##name,
    URN_STATUS_LIST(URN_STATUS_ENUM)
#undef URN_STATUS_ENUM
} urn_status;

/* What went wrong. Filled by every function that returns a urn_status other than URN_OK; plain
 * data, nothing to free. A caller may pass NULL where it does not want it. */
typedef struct urn_error {
    urn_status status;
    char where[256];    /* file:line of the model or of the data, or "" */
    char site[64];      /* the site concerned, or "" */
    char message[1024]; /* what was found and what was expected */
    char hint[512];     /* what to do, or "" */
} urn_error;

/* Short text of a status, e.g. "bad data". Never NULL. */
URN_API const char *urn_status_text(urn_status status);

/* Exit code the command line uses for a status (0 for URN_OK, 130 for URN_INTERRUPTED). */
URN_API int urn_status_exit_code(urn_status status);

/* Writes "where: site "x": message; hint" as one line into `text` (at most `size` bytes with the
 * terminating zero; parts that are empty are left out). */
URN_API void urn_error_format(const urn_error *error, char *text, size_t size);

/* Memory hook. `allocate` returns `size` bytes aligned to 64, or NULL on failure, which Urn reports
 * as URN_ERR_MEMORY; `release` takes back what `allocate` gave (never NULL). Both are called from
 * one thread at a time per object. A NULL hook, or a hook with NULL members, means the C library.
 */
typedef struct urn_allocator {
    void *(*allocate)(void *context, size_t size);
    void (*release)(void *context, void *memory);
    void *context;
} urn_allocator;

#ifdef __cplusplus
}
#endif
#endif
