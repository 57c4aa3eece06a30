/* Files a stretch at a time. */
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STRETCH = 1 << 20, ROOM = 2 /* a line end and a zero, behind the last byte */ };

static void mark_end(urn__io_window *w)
{
    w->at_end = true;
    w->data[w->n] = '\n';
    w->data[w->n + 1] = 0;
}

/* Reads until the window is full or the file ends. */
static urn_status fill(urn__io_window *w, urn_error *error)
{
    while (w->n + ROOM < w->capacity) {
        const ssize_t got = read(w->file, w->data + w->n, w->capacity - ROOM - w->n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return urn__io_fail_errno(error, w->path, "read this file", errno);
        if (got == 0) {
            mark_end(w);
            break;
        }
        w->n += (size_t)got;
    }
    return URN_OK;
}

static urn_status open_regular(urn__io_window *w, size_t size, urn_error *error)
{
    w->file = open(w->path, O_RDONLY | O_CLOEXEC);
    if (w->file < 0)
        return urn__io_fail_errno(error, w->path, "read this file", errno);
    w->capacity = (size > 0 ? size : STRETCH) + ROOM;
    w->data = urn__alloc(w->allocator, w->capacity);
    if (!w->data)
        return urn__fail_memory(error, w->path, w->capacity);
    return fill(w, error);
}

urn_status urn__io_window_open(urn__io_window *w, const char *path, size_t size,
                               const urn_allocator *allocator, urn_error *error)
{
    struct stat about;
    *w = (urn__io_window){.path = path, .allocator = allocator, .file = -1};
    if (stat(path, &about) == 0 && S_ISREG(about.st_mode)) {
        const urn_status status = open_regular(w, size, error);
        if (status != URN_OK)
            urn__io_window_close(w);
        return status;
    }
    urn__io_bytes bytes; /* a pipe, or nothing that can be read */
    URN_TRY(urn__io_slurp(path, allocator, &bytes, error));
    w->data = bytes.data;
    w->n = bytes.n;
    w->at_end = true;
    return URN_OK;
}

void urn__io_window_close(urn__io_window *w)
{
    if (w->file >= 0)
        close(w->file);
    urn__free(w->allocator, w->data);
    *w = (urn__io_window){.file = -1};
}

/* Twice the room, where all that is there is wanted. */
static bool grow(urn__io_window *w)
{
    char *data = urn__alloc(w->allocator, w->capacity * 2);
    if (!data)
        return false;
    memcpy(data, w->data, w->n);
    urn__free(w->allocator, w->data);
    w->data = data;
    w->capacity *= 2;
    return true;
}

urn_status urn__io_window_next(urn__io_window *w, size_t from, urn_error *error)
{
    if (w->at_end)
        return URN_OK;
    w->n -= from;
    memmove(w->data, w->data + from, w->n);
    if (w->n + ROOM == w->capacity && !grow(w))
        return urn__fail_memory(error, w->path, w->capacity * 2);
    return fill(w, error);
}

urn_status urn__io_window_seek(urn__io_window *w, size_t at, urn_error *error)
{
    w->n = 0;
    w->at_end = false;
    if (lseek(w->file, (off_t)at, SEEK_SET) < 0)
        return urn__io_fail_errno(error, w->path, "read this file", errno);
    return fill(w, error);
}

/* LF, CRLF and CR, each once; *after_cr: the byte before was a CR. */
static int64_t count_ends(const char *data, size_t n, bool *after_cr)
{
    int64_t feeds = 0, returns = 0, pairs = 0;
    for (size_t i = 0; i < n; i++) {
        feeds += data[i] == '\n';
        returns += data[i] == '\r';
    }
    if (returns == 0 && !*after_cr)
        return feeds;
    for (size_t i = 0; i < n; i++) {
        pairs += *after_cr && data[i] == '\n';
        *after_cr = data[i] == '\r';
    }
    return feeds + returns - pairs;
}

urn_status urn__io_window_count(urn__io_window *w, int64_t *lines, urn_error *error)
{
    bool after_cr = false;
    *lines = count_ends(w->data, w->n, &after_cr) + 1; /* the last one may have no end */
    while (!w->at_end) {
        URN_TRY(urn__io_window_next(w, w->n, error));
        *lines += count_ends(w->data, w->n, &after_cr);
    }
    return URN_OK;
}
