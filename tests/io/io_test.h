/* What the tests of io share: a directory of their own, files, messages, allocators that fail. */
#ifndef URN_TESTS_IO_TEST_H
#define URN_TESTS_IO_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/io.h"
#include "runtime/base/base.h"

/* The directory of the running test program, below TMPDIR. */
static char test_dir[256];

static inline int make_test_dir(void **state)
{
    (void)state;
    const char *parent = getenv("TMPDIR");
    snprintf(test_dir, sizeof test_dir, "%s/urn-io-XXXXXX", parent ? parent : "/tmp");
    return mkdtemp(test_dir) ? 0 : -1;
}

/* Removes a tree that only this program made. */
static inline void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char inner[1024];
        struct stat about;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        const int n = snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (n < 0 || (size_t)n >= sizeof inner)
            continue;
        if (lstat(inner, &about) == 0 && S_ISDIR(about.st_mode))
            remove_tree(inner);
        else
            unlink(inner);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

static inline int remove_test_dir(void **state)
{
    (void)state;
    remove_tree(test_dir);
    return 0;
}

/* A path in the test directory; eight of them live at a time. */
static inline const char *in_dir(const char *name)
{
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", test_dir, name);
    return path;
}

static inline const char *write_bytes(const char *name, const char *bytes, size_t n)
{
    const char *path = in_dir(name);
    unlink(path); /* some file systems flush at once what replaces a file's content */
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
    return path;
}

static inline const char *write_text(const char *name, const char *text)
{
    return write_bytes(name, text, strlen(text));
}

/* All of a file, to be freed. */
static inline char *read_bytes(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *n = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*n + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *n, file), *n);
    bytes[*n] = 0;
    fclose(file);
    return bytes;
}

static inline int count_entries(const char *path)
{
    DIR *dir = opendir(path);
    int n = 0;
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2;
}

/* The formatted error holds `text`. */
static inline void check_message(const urn_error *error, const char *text)
{
    char message[2048];
    urn_error_format(error, message, sizeof message);
    if (!strstr(message, text))
        fail_msg("expected \"%s\" in the message \"%s\"", text, message);
}

/* What the calls under test fill. */
static urn_error err;

/* Expects a failure with a status and a part of the message. */
#define expect_failure(status_expected, text, call)                                                \
    do {                                                                                           \
        memset(&err, 0, sizeof err);                                                               \
        assert_int_equal((call), (status_expected));                                               \
        assert_int_equal(err.status, (status_expected));                                           \
        check_message(&err, (text));                                                               \
    } while (0)

#define expect_ok(call)                                                                            \
    do {                                                                                           \
        memset(&err, 0, sizeof err);                                                               \
        if ((call) != URN_OK)                                                                      \
            fail_msg("%s", err.message);                                                           \
    } while (0)

/* Fails the allocation number `fail_at` (from 0; -1: none), and counts what is alive. */
typedef struct counting {
    long n, fail_at, alive;
} counting;

static inline void *counting_allocate(void *context, size_t size)
{
    counting *c = context;
    if (c->n++ == c->fail_at)
        return NULL;
    void *memory = aligned_alloc(64, (size + 63) / 64 * 64);
    c->alive += memory != NULL;
    return memory;
}

static inline void counting_release(void *context, void *memory)
{
    counting *c = context;
    c->alive--;
    free(memory);
}

static inline urn_allocator counting_allocator(counting *c)
{
    return (urn_allocator){counting_allocate, counting_release, c};
}

/* splitmix64, so that tests draw the same on every machine. */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

#endif
